"""What is old goes, and looking for it costs the same however much is kept."""

import apsw
import pytest

from ozrules.engine.effects import Effect, Send
from ozrules.store import retention, rows
from ozrules.store.rows import Counters
from tests.fakes.effects import command, decision, observed, outcome, post, record

AGE = 1_000_000.0
"""When all that the fakes make happened."""


def _fill(db: apsw.Connection, first: int, last: int) -> None:
    counters = Counters(seq=first, decision=first)
    with db:
        for number in range(first, last + 1):
            sent = command(number)
            effects: list[Effect] = [
                observed(at=AGE),
                decision(number, at=AGE),
                Send(sent),
                outcome(sent, at=AGE),
                post(number),
            ]
            rows.write(db.cursor(), counters, effects, [record(number, number, time=AGE)], 0.0, AGE)
        db.execute("UPDATE webhooks SET state = 'delivered'")


def _dearest(db: apsw.Connection, before: float) -> int:
    """How many hundred steps of SQLite's machine the dearest batch took."""
    dearest = 0
    for step in retention.steps(decisions=before, sessions=before, now=before):
        changed = retention.BATCH
        while changed == retention.BATCH:
            taken = 0

            def count() -> bool:
                nonlocal taken
                taken += 1
                return False

            db.set_progress_handler(count, 100)
            changed = retention.remove(db.cursor(), step)
            db.set_progress_handler(None)
            dearest = max(dearest, taken)
    return dearest


def _left(db: apsw.Connection) -> set[int]:
    tables = ("records", "decisions", "intents", "outcomes", "webhooks", "recording")
    return {int(count) for table in tables for (count,) in db.execute(f"SELECT count(*) FROM {table}")}  # noqa: S608  # ours


@pytest.mark.fault(58)
def test_that_nothing_is_old_is_found_at_once_however_much_is_kept(db: apsw.Connection) -> None:
    _fill(db, 1, 1_000)
    few = _dearest(db, AGE - 1)
    _fill(db, 1_001, 6_000)
    assert _dearest(db, AGE - 1) <= 1.1 * few
    assert 0 not in _left(db)


@pytest.mark.fault(58)
def test_a_batch_costs_the_same_however_much_is_old(db: apsw.Connection) -> None:
    _fill(db, 1, 1_000)
    few = _dearest(db, AGE + 1)
    assert _left(db) == {0}
    _fill(db, 1_001, 6_000)
    assert _dearest(db, AGE + 1) <= 1.1 * few
    assert _left(db) == {0}
