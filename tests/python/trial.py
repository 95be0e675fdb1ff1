"""An agent with an operation for each check of `op-dbus agent conform`: `python3 trial.py unix:/path/to.sock`"""

import asyncio
import sys

from opdbus_agent import Agent

agent = Agent("trial", "1.0.0", "Is tried.")
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
    for line in range(30_000):
        await call.write(f"line {line} of the song\n")
    return call.bytes


@agent.operation("note", "Keeps a note.", effects="write", undo="forget", takes={}, returns={"type": "integer"})
async def note(call):
    notes.append(call.id)
    return len(notes)


@agent.operation("forget", "Drops all notes.", effects="write", idempotent=True, takes={}, returns={"type": "null"})
async def forget(call):
    notes.clear()


@agent.operation("ask", "Asks the hub for a file.", effects="read", takes={}, returns={})
async def ask(call):
    return await call.ask("file_read", path="README.md")


agent.run(sys.argv[1])
