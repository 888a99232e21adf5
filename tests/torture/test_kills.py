"""The whole daemon, killed with signal 9 again and again under load, against a phone system that lives on.

It is killed while it starts, at a random moment, and right at a decision or an outcome, so that the moments between
an intent, its command, the answer and the next step are all met. Afterwards the three accounts are laid side by side:
nothing that was said is lost, nothing arrived twice, and no timer was forgotten.
"""

import asyncio
import random
import signal
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Final

import pytest

from tests.e2e.stage import Daemon, Line, configure, daemon
from tests.e2e.test_webhooks import crm
from tests.fakes.gateway import until
from tests.torture.audit import Books, nothing_lost, nothing_twice, unknown
from tests.torture.office import simulator

LANES: Final = 2
RULES: Final = """
ozrules: 1
rules:
  - id: at-once
    trigger: {state: Ringing}
    conditions: {callee: 2001}
    actions: [{forward: 2010}]
  - id: after-a-while
    trigger: {state: Ringing, for: 2s}
    conditions: {callee: [2002, 2003]}
    onMissed: fire
    actions: [{forward: 2010}]
  - id: sequence
    trigger: {state: InCall, from: Ringing}
    conditions: {callee: [2004, 2005, 2006, 2007]}
    actions:
      - hold
      - wait: 500ms
      - unhold
      - sendDtmf: {to: caller, keys: "5"}
      - startListen
      - stopListen
  - id: told
    trigger: {state: Ringing}
    conditions: {callee: 2010}
    actions: [{webhook: {url: "%scalls", body: {who: "{{ caller }}"}}}]
"""


@pytest.mark.fault(29, 51, 79)
@pytest.mark.timeout(7200)
async def test_killed_again_and_again_nothing_is_lost_and_nothing_is_done_twice(
    tmp_path: Path, enough: Callable[[int, int], int], capsys: pytest.CaptureFixture[str]
) -> None:
    kills = enough(100, 2_000)
    folders = [tmp_path / str(number) for number in range(LANES)]
    for folder in folders:
        folder.mkdir()
    async with asyncio.TaskGroup() as tasks:
        lanes = [tasks.create_task(_lane(folder, kills // LANES, seed)) for seed, folder in enumerate(folders)]
    total = sum((lane.result() for lane in lanes), Counter[str]())
    with capsys.disabled():
        print(f"\n  {dict(total)}")  # noqa: T201  # the figures that docs/guarantees.md gives
    assert total["kills"] == kills
    assert total["unknown"] > 0, "no kill fell between a command and its answer"
    assert total["during start"] > 0
    assert total["commands"] > kills


async def _lane(folder: Path, kills: int, seed: int) -> Counter[str]:
    chance = random.Random(seed)
    count = Counter[str]()
    said: list[Line] = []
    async with (
        crm() as server,
        simulator(folder, rate=8.0, seed=seed, speed=20.0, habits=("letRing", "answer")) as office,
    ):
        configure(folder, office.url, RULES % server.url, webhooks={"allow": [server.url]})
        for _ in range(kills):
            async with daemon(folder) as one:
                count[await _fall(one, chance)] += 1
                assert await one.stop(signal.SIGKILL) == -signal.SIGKILL
            said += one.lines
            count["kills"] += 1
        async with daemon(folder) as last:
            await last.ready()
            for rule in ("after-a-while", "sequence", "told", "at-once"):
                await last.saw("outcome", 10, rule=rule)
            await until(lambda: unknown(folder / "state") == 0)
            assert await last.stop() == 0
        said += last.lines
        ledger = await office.stop()
    books = Books(folder / "state")
    count["lines"] = nothing_lost(said, books)
    count["commands"] = nothing_twice(ledger, books)
    count["unknown"] = len({line["command_id"] for line in books.of("outcome", outcome="unknown")})
    count["late timers"] = sum(line["event"].get("lateBy", 0) > 1 for line in books.of("decision", reason="fired"))
    _every_command_has_an_end(books, {line["decision_id"] for line in last.of("decision")})
    _every_timer_came(books)
    _every_webhook_arrived(books, server.bodies)
    return count


async def _fall(one: Daemon, chance: random.Random) -> str:
    """Lets a daemon live until the moment at which it is to be killed. Says which kind of moment that is."""
    kind = chance.choice(("during start", "at any moment", "decision", "outcome"))
    if kind == "during start":
        await asyncio.sleep(chance.uniform(0.0, 2.0))
        return kind
    await one.ready()
    if kind == "at any moment":
        await asyncio.sleep(chance.uniform(0.0, 1.0))
    else:
        await one.saw(kind, chance.randint(1, 10))
    return kind


def _every_command_has_an_end(books: Books, just_now: set[str]) -> None:
    """But those that were in flight when the last daemon was told to stop, which its next start would look for."""
    assert "unknown" not in books.outcomes.values()
    decided = {line["decision_id"] for line in books.of("decision", reason="fired")} - just_now
    ended = {line["command_id"] for line in books.of("outcome")}
    first_steps = {
        action["command_id"]
        for line in books.of("decision", reason="fired")
        for action in line["actions"][:1]
        if line["decision_id"] in decided
    }
    assert first_steps <= ended


def _every_timer_came(books: Books) -> None:
    """Whoever rang at a phone of `after-a-while` long enough was forwarded, or it is on record why not."""
    end = max(datetime.fromisoformat(line["time"]) for line in books.records.values())
    decided = {line["sessionId"] for line in books.of("decision", rule="after-a-while")}
    waiting = {
        session["sessionId"]
        for event in books.events
        for session in event.get("sessions") or [event.get("session", {})]
        if session.get("sessionState") == "Ringing"
        and session.get("callee") in ("2002", "2003")
        and (end - datetime.fromisoformat(event["at"])).total_seconds() > 12
    }
    assert len(waiting) > 10
    assert waiting <= decided


def _every_webhook_arrived(books: Books, bodies: list[dict[str, object]]) -> None:
    assert set(books.webhooks.values()) <= {"delivered", "pending"}
    delivered = sum(state == "delivered" for state in books.webhooks.values())
    assert delivered <= len({body["id"] for body in bodies})
    fired = len(books.of("decision", rule="told", reason="fired"))
    assert fired == len(books.webhooks)
