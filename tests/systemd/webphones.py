"""The stand-in for the vendor's web client interface in a process of its own, told what to do line by line on stdin.

    {"call": {…}}      a call rings
    {"ledger": true}   what it was commanded, and how many web clients are connected

Each line is answered by one. The first line says the port.
"""

import asyncio
import json
import os
import sys

from tests.standin.webphone import Webphone


async def serve() -> None:
    """Until stdin ends."""
    async with Webphone({os.environ["TOKEN"]: True}).running() as phone:
        print(json.dumps({"port": int(phone.script.split(":")[2].split("/")[0])}), flush=True)  # noqa: T201  # the answer
        while line := await asyncio.to_thread(sys.stdin.readline):
            if call := json.loads(line).get("call"):
                await phone.create(**call)
            ledger = [(each.method, each.args[0] if each.args else None) for each in phone.ledger]
            print(json.dumps({"ledger": ledger, "links": phone.links}), flush=True)  # noqa: T201


if __name__ == "__main__":
    asyncio.run(serve())
