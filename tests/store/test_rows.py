"""What one commit writes; that all of it comes back is shown by the journal's own tests."""

import apsw
import pytest

from ozrules.engine.effects import Effect, ListSessions, Notice, OutcomeName, Wake
from ozrules.store import rows
from ozrules.store.rows import Counters, OutOfOrder
from tests.fakes.effects import KEY, command, decision, outcome, record


def _write(db: apsw.Connection, counters: Counters, *effects: Effect) -> None:
    rows.write(db.cursor(), counters, effects, (), 0.0, 0.0)


def test_what_is_for_others_leaves_no_row(db: apsw.Connection) -> None:
    notice = Notice(kind="duplicate", connection="office", detail="")
    before = db.total_changes()
    _write(db, Counters(seq=1, decision=1), Wake(KEY, 1.0), ListSessions("office", "gap"), notice)
    assert db.total_changes() == before


@pytest.mark.parametrize(("second", "kept"), [("confirmed", "confirmed"), ("targetGone", "targetGone")])
def test_only_unknown_is_followed_by_another_outcome(db: apsw.Connection, second: OutcomeName, kept: str) -> None:
    counters = Counters(seq=1, decision=1)
    _write(db, counters, outcome(command(1), "unknown"))
    _write(db, counters, outcome(command(1), second))
    _write(db, counters, outcome(command(1), "unconfirmed"))
    assert db.execute("SELECT outcome FROM outcomes").get == kept


@pytest.mark.fault(59)
def test_numbers_out_of_order_are_refused(db: apsw.Connection) -> None:
    counters = Counters(seq=5, decision=5)
    with pytest.raises(OutOfOrder, match="decision 4"):
        _write(db, counters, decision(4))
    for seq in (4, 6):
        with pytest.raises(OutOfOrder, match=f"record {seq}"):
            rows.write(db.cursor(), counters, (), (record(seq, seq),), 0.0, 0.0)
