"""An agent with an operation for each check of `op-dbus agent conform`, and one that takes its time.

    python3 trial.py unix:/path/to.sock [SECONDS]     # SECONDS: how long a step of `plod` takes
"""

import asyncio
import sys
import time

from opdbus_agent import Agent

agent = Agent("trial", "1.0.0", "Is tried.")
pause = float(sys.argv[2]) if len(sys.argv) > 2 else 0.0
notes = []


@agent.operation("look", "Answers at once.", effects="read", takes={}, returns={"type": "string"})
async def look(call):
    return "seen"


@agent.operation("wait", "Goes on until it is stopped.", effects="read", takes={}, returns={"type": "null"})
async def wait(call):
    await call.write("begun\n")
    await asyncio.sleep(3600)


@agent.operation("pour", "Writes much.", effects="read", streaming=True, takes={}, returns={"type": "integer"})
async def pour(call):
    for verse in range(40):
        await call.write("".join(f"line {line} of verse {verse}\n" for line in range(1000)))
    return call.bytes


@agent.operation("note", "Keeps a note.", effects="write", undo="forget", takes={}, returns={"type": "integer"})
async def note(call):
    notes.append(call.id)
    return len(notes)


@agent.operation("forget", "Drops all notes.", effects="write", idempotent=True, takes={}, returns={"type": "null"})
async def forget(call):
    notes.clear()


@agent.operation("plod", "Goes step by step.", effects="read", takes={"steps": {"type": "integer"}},
                 returns={"type": "integer"})
async def plod(call, steps):
    for step in range(steps):
        end = time.monotonic() + pause
        await call.progress(step / steps, f"step {step + 1} of {steps}")
        while time.monotonic() < end:  # again and again, for those who begin to watch late
            await asyncio.sleep(0.05)
            await call.progress(step / steps, f"step {step + 1} of {steps}")
    return steps


@agent.operation("ask", "Asks the hub for a file.", effects="read", takes={}, returns={})
async def ask(call):
    return await call.ask("file_read", path="README.md")


agent.run(sys.argv[1])
