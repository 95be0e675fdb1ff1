"""An agent in Python: counts the words of files that the hub reads for it.

    python3 agent.py unix:/path/to.sock [SECONDS]     # SECONDS: how long it takes over each file
"""

import asyncio
import sys

from opdbus_agent import Agent, Failure

agent = Agent("scribe", "1.0.0", "Counts words.")
pause = float(sys.argv[2]) if len(sys.argv) > 2 else 0.0


@agent.operation(
    "count_words", "Counts the words of files.", effects="read",
    takes={"paths": {"type": "array", "items": {"type": "string"}}}, returns={"type": "integer"},
)
async def count_words(call, paths=()):
    words = 0
    for done, path in enumerate(paths):
        await call.progress(done / len(paths), f"reading {path}")
        file = await call.ask("file_read", path=path)
        if not isinstance(file, dict) or "content" not in file:
            raise Failure("no_text", f"the hub sent no text of {path}")
        words += len(file["content"].split())
        await asyncio.sleep(pause)
    return words


agent.run(sys.argv[1])
