"""A simulated phone system in a process of its own, told what to do line by line on stdin.

    {"call": {"caller": …, "callee": …}}    a call begins
    {"ledger": true}                        what it was commanded

Each line is answered by one. The first line says the port, which is given as the only argument.
"""

import asyncio
import json
import os
import sys

from ozrules.connectors.simulator import OFFICE, Behaviour, PhoneSystem, SimulatorGateway, Switchboard
from ozrules.connectors.simulator.callers import CallPlan
from ozrules.runtime.clock import SystemClock


async def serve() -> None:
    """Until stdin ends."""
    clock = SystemClock()
    system = PhoneSystem(OFFICE, Behaviour(ring_timeout=600.0), start=clock.now(), seed=1)
    switchboard = Switchboard(system, seed=1)
    gateway = SimulatorGateway(switchboard, clock, host="127.0.0.1", port=int(sys.argv[1]), token=os.environ["TOKEN"])
    async with asyncio.TaskGroup() as tasks:
        serving = tasks.create_task(gateway.run())
        await gateway.until_listening()
        print(json.dumps({"port": gateway.port}), flush=True)  # noqa: T201  # this is the answer
        while line := await asyncio.to_thread(sys.stdin.readline):
            asked = json.loads(line)
            if plan := asked.get("call"):
                system.place(CallPlan(**plan), clock.now())
                gateway.poke()
            ledger = [(entry.method, entry.phone_number) for entry in switchboard.ledger]
            print(json.dumps({"ledger": ledger}), flush=True)  # noqa: T201
        serving.cancel()


if __name__ == "__main__":
    asyncio.run(serve())
