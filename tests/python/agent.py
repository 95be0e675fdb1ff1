"""An agent in Python: counts the words of texts, and asks the hub to read them. `python3 agent.py unix:/path/to.sock [PAUSE]`"""

import asyncio
import sys

from opdbus_agent import Agent

agent = Agent("scribe", "1.0.0", "Counts words and keeps notes.")
pause = float(sys.argv[2]) if len(sys.argv) > 2 else 0.0
notes = []


@agent.operation("count_words", "Counts the words of files that the hub reads for it.", effects="read",
                 takes={"paths": {"type": "array", "items": {"type": "string"}}}, returns={"type": "integer"})
async def count_words(call, paths=()):
    words = 0
    for done, path in enumerate(paths):
        await call.progress(done / len(paths), f"reading {path}")
        words += len(str(await call.ask("file_read", path=path)).split())
        await asyncio.sleep(pause)
    return words


@agent.operation("recite", "Writes lines of verse.", effects="read", streaming=True,
                 takes={"lines": {"type": "integer", "minimum": 0}}, returns={"type": "integer"})
async def recite(call, lines=3):
    for line in range(lines):
        await call.write(f"{line} bottles of beer on the wall\n")
    return lines


@agent.operation("take_note", "Keeps a note.", effects="write",
                 takes={"text": {"type": "string"}}, returns={"type": "integer"})
async def take_note(call, text):
    notes.append(text)
    return len(notes)


@agent.operation("ponder", "Thinks for as long as it is let.", effects="read", takes={}, returns={"type": "null"})
async def ponder(call):
    await asyncio.sleep(3600)


agent.run(sys.argv[1])
