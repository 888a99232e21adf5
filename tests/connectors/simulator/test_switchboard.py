"""The ledger notes all that was asked, and misbehaviour is what it was told to be."""

import pytest

from ozrules.connectors.session_messages import Call, SessionNews
from ozrules.connectors.simulator import OFFICE, Behaviour, Conduct, PhoneSystem, Switchboard, traffic
from ozrules.connectors.simulator.callers import CallPlan
from ozrules.connectors.simulator.switchboard import Done, Misdeed, Reply, Silent
from ozrules.engine.events import Refused


def switchboard(conduct: Conduct) -> Switchboard:
    phones = PhoneSystem(OFFICE, Behaviour(), start=0.0, seed=1)
    phones.place(CallPlan(caller="2002", callee="2001"), 0.0)
    board = Switchboard(phones, seed=1)
    board.conduct = conduct
    return board


@pytest.mark.fault(27, 30, 31)
@pytest.mark.parametrize(
    ("misdeed", "reply", "result", "performed"),
    [
        ("refuse", Refused("denied", "the phone system refuses"), "denied", False),
        ("lie", Refused("wrongState", "something went wrong"), "wrongState", True),
        ("idle", Done(), "done", False),
        ("silence", Silent(closes=False), "silent", False),
        ("mute", Silent(closes=False), "silent", True),
        ("close", Silent(closes=True), "closed", False),
    ],
)
def test_each_misdeed_is_noted_as_it_is(misdeed: Misdeed, reply: Reply, result: str, performed: bool) -> None:
    board = switchboard(Conduct(methods={"forward": misdeed}))
    assert board.ask(Call(id=1, method="forward", session_id="s1", phone_number="2010"), 5.0) == reply
    (entry,) = board.ledger
    assert (entry.at, entry.method, entry.phone_number) == (5.0, "forward", "2010")
    assert (entry.result, entry.performed) == (result, performed)
    assert len(board.phones.sessions(5.0)) == 1
    assert board.phones.sessions(5.0)[0].callee == ("2010" if performed else "2001")


def told_with(conduct: Conduct) -> list[SessionNews]:
    phones = PhoneSystem(OFFICE, Behaviour(), start=0.0, seed=1)
    for at, plan in traffic(30, rate=0.2, start=0.0, seed=1):
        phones.place(plan, at)
    board = Switchboard(phones, seed=1)
    board.conduct = conduct
    told: list[SessionNews] = []
    while (due := phones.next_due()) is not None:
        told += board.changes(due)
    return told


def test_honest_changes_come_once_and_in_order() -> None:
    assert [news.seq for news in told_with(Conduct())] == list(range(1, len(told_with(Conduct())) + 1))


@pytest.mark.fault(7)
def test_changes_come_twice_when_told_to() -> None:
    honest, twice = told_with(Conduct()), told_with(Conduct(duplicate=1.0))
    assert twice == [news for news in honest for _ in range(2)]


@pytest.mark.fault(8)
def test_changes_change_places_and_none_is_lost() -> None:
    honest, mixed = told_with(Conduct()), told_with(Conduct(reorder=0.3))
    assert mixed != honest
    assert sorted(mixed, key=lambda news: news.seq or 0) == honest


def test_changes_are_dropped_when_told_to() -> None:
    assert 0 < len(told_with(Conduct(drop=0.5))) < len(told_with(Conduct()))
