"""What a phone system says of how old a session is: believed where it was seen to be true, and not before.

Each manner in which durations may be told goes through a lost link and a restart: what may be done once in a stay is
done once, and a `for:` counts from where it began.
"""

from collections.abc import Callable
from typing import Final

import pytest

from ozrules.engine.accounts import CLOCKS, SETTLES
from ozrules.engine.events import ConnectionOpened, SessionSeen, SessionsListed
from ozrules.engine.movement import LOOK_AGAIN
from ozrules.session.session import session_from
from tests.engine.forge import enters, log, rule, rules
from tests.engine.stage import LINE, Stage

HOLD: Final = 20.0
RULES: Final = rules(
    rule("talks", enters("InCall", hold=HOLD), log("20 s")),
    rule("begins", enters("InCall"), log("begins")),
    rule("rings", enters("Ringing"), log("rings")),
    rule("keys", enters("InCall", hold=3.0), log("keys")),
)
Manner = Callable[[float, float], str | None]
"""What is told of a state that began at one moment, at another."""

STANDING: Final[dict[str, Manner]] = {
    "missing": lambda began, now: None,
    "zero": lambda began, now: "00:00:00",
    "what it was at first": lambda began, now: "00:00:02",
    "the moment when the state began": lambda began, now: "10:15:03",
    "milliseconds": lambda began, now: str(round((now - began) * 1000)),
    "whole minutes": lambda began, now: f"00:{int((now - began) // 60):02}:00",
}
RUNNING: Final[dict[str, Manner]] = {
    "to the millisecond": lambda began, now: f"{now - began:.3f}",
    "seconds": lambda began, now: str(int(now - began)),
    "a time span": lambda began, now: f"00:{int((now - began) // 60):02}:{(now - began) % 60:06.3f}",
}


class Phone:
    """A call in one state since ``began``, told of in one manner by a phone system of which nothing is known yet.

    ``found``: for how many seconds it was in this state before the first connect; None: it was seen to enter it.
    """

    def __init__(self, manner: Manner, *, found: float | None = None) -> None:
        self.stage = Stage(RULES, moves=None, listed=found is None)
        self.manner = manner
        if found is not None:
            self.began = self.stage.now - found
            self.stage.sessions["s1"] = {"sessionId": "s1", "sessionState": "InCall"}
            self.show()
            self.stage.connect()
            return
        self.stage.call()
        self.stage.wait(4.0)
        self.stage.change("s1", "InCall")
        self.began = self.stage.now

    def show(self) -> None:
        """What lists say from now on."""
        told = self.manner(self.began, self.stage.now)
        session = self.stage.sessions["s1"]
        session.pop("stateDuration", None)
        session.pop("talkDuration", None)
        if told is not None:
            session |= {"stateDuration": told, "talkDuration": told}

    def lose(self, restarts: bool, away: float = 1.0) -> None:
        """The link is lost, or the daemon is, and comes back."""
        self.stage.gap()
        self.stage.now += away
        self.show()
        if restarts:
            self.stage.restart()
        else:
            self.stage.connect()

    def wait(self, seconds: float) -> None:
        """Time passes; where a list is asked for, it comes."""
        end = self.stage.now + seconds
        while self.stage.now < end:
            asked = self.stage.list_requests
            self.stage.wait(min(0.5, end - self.stage.now))
            if self.stage.list_requests > asked:
                self.show()
                self.stage.listing()

    @property
    def since(self) -> float:
        (live,) = self.stage.engine._world.live.values()
        return live.entered


@pytest.mark.fault(5, 79)
@pytest.mark.parametrize("restarts", [False, True], ids=["lost link", "restart"])
@pytest.mark.parametrize("manner", [*STANDING.values(), *RUNNING.values()], ids=[*STANDING, *RUNNING])
def test_the_same_state_after_a_gap_is_the_same_stay(manner: Manner, restarts: bool) -> None:
    phone = Phone(manner)
    phone.wait(5.0)
    for _ in range(3):
        phone.lose(restarts)
        phone.wait(4.0)
    phone.wait(HOLD)
    assert phone.stage.logged.count("begins") == 1
    assert phone.stage.logged.count("keys") == 1
    assert phone.stage.logged.count("20 s") == 1
    assert phone.since == pytest.approx(phone.began, abs=2.0)


@pytest.mark.fault(5)
@pytest.mark.parametrize("restarts", [False, True], ids=["lost link", "restart"])
@pytest.mark.parametrize("manner", [*STANDING.values(), *RUNNING.values()], ids=[*STANDING, *RUNNING])
def test_no_for_counts_from_zero_after_a_gap(manner: Manner, restarts: bool) -> None:
    phone = Phone(manner)
    phone.wait(10.0)
    phone.lose(restarts)
    phone.wait(phone.began + HOLD - phone.stage.now - 0.01)
    assert phone.stage.logged.count("20 s") == 0
    phone.wait(1.0)
    assert phone.stage.logged.count("20 s") == 1


@pytest.mark.fault(5)
@pytest.mark.parametrize("restarts", [False, True], ids=["lost link", "restart"])
@pytest.mark.parametrize("manner", RUNNING.values(), ids=RUNNING)
def test_another_stay_is_known_where_durations_were_seen_to_run(manner: Manner, restarts: bool) -> None:
    phone = Phone(manner)
    phone.lose(restarts=False)
    phone.wait(LOOK_AGAIN + 5.0)
    phone.stage.gap()
    phone.began = phone.stage.now + 30.0  # on hold meanwhile, and back
    phone.lose(restarts, away=31.0)
    phone.wait(4.0)
    assert phone.stage.logged.count("keys") == 2
    assert phone.stage.logged.count("begins") == 1, "nobody saw it begin"


@pytest.mark.fault(5)
@pytest.mark.parametrize("manner", RUNNING.values(), ids=RUNNING)
def test_another_stay_is_known_as_soon_as_durations_are_seen_to_run(manner: Manner) -> None:
    """The first lists of all show the stay after it; the second of them proves that it is another."""
    phone = Phone(manner)
    phone.wait(5.0)
    phone.stage.gap()
    phone.began = phone.stage.now + 30.0
    phone.lose(restarts=False, away=31.0)
    assert phone.stage.logged.count("keys") == 1
    phone.wait(2 * LOOK_AGAIN)
    assert phone.stage.logged.count("keys") == 2


@pytest.mark.fault(5)
def test_a_state_between_is_another_stay_whatever_durations_say() -> None:
    phone = Phone(STANDING["what it was at first"])
    phone.wait(5.0)
    for state in ("OnHold", "InCall"):
        phone.stage.change("s1", state)
    phone.wait(4.0)
    assert (phone.stage.logged.count("begins"), phone.stage.logged.count("keys")) == (2, 2)


@pytest.mark.parametrize("restarts", [False, True], ids=["lost link", "restart"])
def test_a_stay_of_which_nothing_is_said_is_degraded(restarts: bool) -> None:
    phone = Phone(STANDING["zero"])
    phone.wait(10.0)
    phone.lose(restarts)
    phone.wait(30.0)
    (fired,) = (each for each in phone.stage.decisions if each.rule == "talks")
    assert (fired.reason, fired.certainty) == ("fired", "degraded")


@pytest.mark.parametrize("manner", STANDING.values(), ids=STANDING)
def test_a_call_that_is_found_counts_from_then_where_its_account_is_not_believed(manner: Manner) -> None:
    phone = Phone(manner, found=10.0)
    stage = phone.stage
    phone.wait(HOLD - 0.6)
    assert "20 s" not in stage.logged
    phone.wait(0.7)
    assert stage.logged.count("20 s") == 1
    assert "begins" not in stage.logged


@pytest.mark.parametrize("manner", RUNNING.values(), ids=RUNNING)
def test_a_call_that_is_found_counts_from_its_beginning_once_its_durations_were_seen_to_run(manner: Manner) -> None:
    phone = Phone(manner, found=10.0)
    stage = phone.stage
    phone.wait(HOLD - 10.0 + 1.5)
    assert stage.logged.count("20 s") == 1
    assert stage.engine._world.live.popitem()[1].talk(stage.now) == pytest.approx(HOLD + 1.5, abs=1.5)


def test_one_duration_that_stands_counts_for_more_than_all_that_moved() -> None:
    phone = Phone(RUNNING["seconds"])
    phone.lose(restarts=False)
    phone.wait(LOOK_AGAIN + 1.0)
    phone.manner = STANDING["what it was at first"]
    for _ in range(2):
        phone.show()
        phone.stage.listing()
        phone.stage.wait(4.0)
    phone.lose(restarts=True)
    phone.wait(HOLD)
    assert phone.stage.logged.count("keys") == 1


def test_lists_are_not_asked_for_without_end() -> None:
    phone = Phone(RUNNING["seconds"])
    phone.lose(restarts=False)
    phone.stage.wait(600.0)  # none of them comes
    assert phone.stage.list_requests == 1


# --- found is not begun -----------------------------------------------------------------------------------------------

TEN: Final = 1_795_428_000.0
"""2026-11-23 10:00 UTC."""


def _seen(
    stage: Stage,
    started: str | None,
    state: str = "Ringing",
    *,
    announced: bool = False,
    reported_at: float | None = None,
) -> None:
    told = {"sessionId": "s9", "sessionState": state, "caller": "+36201234567", "callee": "2001"}
    session = session_from(told if started is None else told | {"startTime": started})
    stage.tell(
        SessionSeen(
            at=stage.now,
            connection=LINE,
            kind="created",
            session=session,
            announced=announced,
            reported_at=reported_at,
        )
    )


def _connected(at: float = TEN) -> Stage:
    stage = Stage(RULES, listed=False)
    stage.now = at
    stage.connect()
    return stage


@pytest.mark.fault(5)
def test_what_is_announced_is_found() -> None:
    stage = _connected()
    _seen(stage, None, announced=True)
    assert stage.logged == []
    assert stage.observed[-1].event.kind == "snapshot"
    assert stage.list_requests == 1


@pytest.mark.fault(5)
@pytest.mark.parametrize("known", [False, True])
def test_what_is_older_than_the_link_by_its_own_account_is_found(known: bool) -> None:
    stage = _connected()
    if known:
        stage.wait(SETTLES + 1.0)
        _seen(stage, "2026-11-23T10:00:11Z")
        stage.tell(SessionsListed(at=stage.now, connection=LINE, sessions=()))
        stage.effects.clear()
    _seen(stage, "2026-11-23T09:50:00Z")
    assert stage.logged == []


@pytest.mark.fault(5)
def test_an_announcement_without_a_start_makes_no_second_call_of_one_that_is_known() -> None:
    stage = _connected()
    stage.call(state="TransferSetup")
    stage.gap()
    stage.tell(ConnectionOpened(at=stage.now, connection=LINE))
    stage.sessions["s1"]["sessionState"] = "Ringing"
    session = session_from(stage.sessions["s1"])
    stage.tell(SessionSeen(at=stage.now, connection=LINE, kind="created", session=session, announced=True))
    stage.listing()
    assert [each.event.state for each in stage.observed] == ["TransferSetup", "Ringing"]
    assert stage.logged == []


@pytest.mark.fault(5)
def test_what_is_announced_before_the_list_is_found() -> None:
    stage = Stage(RULES, listed=False)
    stage.now = TEN
    stage.tell(ConnectionOpened(at=TEN, connection=LINE))
    _seen(stage, "2026-11-23T09:50:00Z", state="InCall")
    stage.listing()
    assert stage.logged == []


def test_what_began_while_the_link_was_up_is_begun() -> None:
    stage = _connected()
    stage.wait(2.0)
    _seen(stage, "2026-11-23T10:00:02Z")
    assert stage.logged == ["rings"]


@pytest.mark.parametrize("ahead", [-7200, -240, 240, 7200])
def test_a_clock_that_is_off_makes_no_call_an_old_one(ahead: int) -> None:
    stage = _connected()
    for _ in range(3):
        stage.wait(SETTLES + 1.0)
        minute = int(stage.now - TEN) + ahead
        start = f"2026-11-23T{10 + minute // 3600:02}:{minute // 60 % 60:02}:{minute % 60:02}Z"
        _seen(stage, start)
        stage.tell(SessionsListed(at=stage.now, connection=LINE, sessions=()))
    assert stage.logged == ["rings"] * 3


def test_the_phone_systems_own_moment_says_how_old_a_call_is() -> None:
    stage = _connected()
    _seen(stage, "2026-11-23T08:00:00Z", reported_at=TEN - 7200.0)
    assert stage.logged == ["rings"], "its clock is two hours behind ours"


@pytest.mark.fault(5)
def test_a_call_that_is_known_and_told_of_as_created_was_not_seen_to_change() -> None:
    stage = _connected()
    stage.call()
    stage.gap()
    stage.tell(ConnectionOpened(at=stage.now, connection=LINE))
    stage.sessions["s1"]["sessionState"] = "InCall"
    stage._seen("created", "s1")
    stage.listing()
    assert "begins" not in stage.logged


@pytest.mark.fault(5)
@pytest.mark.parametrize(("duration", "logged"), [("00:00:30", []), ("00:00:01", ["begins"])])
def test_a_change_that_is_told_at_a_connect_and_is_older_than_the_link_was_not_seen(
    duration: str, logged: list[str]
) -> None:
    """Durations of this connection were seen to run."""
    stage = _connected()
    stage.call()
    stage.gap()
    stage.now += 60.0
    stage.tell(ConnectionOpened(at=stage.now, connection=LINE))
    stage.now += 2.0
    stage.change("s1", "InCall", stateDuration=duration)
    stage.listing()
    assert [text for text in stage.logged if text != "rings"] == logged


@pytest.mark.fault(5)
def test_a_start_is_not_believed_where_the_clock_may_be_off() -> None:
    stage = Stage(rules(rule("r", enters("active", hold=600.0, clock="session"), log("10 min"))), listed=False)
    stage.now = TEN
    stage.sessions["s1"] = {"sessionId": "s1", "sessionState": "InCall", "startTime": "2026-11-23T08:00:00Z"}
    stage.connect()
    stage.wait(500.0)
    assert stage.logged == []
    _seen(stage, "2026-11-23T08:08:20Z")  # a call that begins: the clock is two hours behind
    stage.wait(100.0 + CLOCKS)
    assert stage.logged == ["10 min"]


# --- lists that fill --------------------------------------------------------------------------------------------------


@pytest.mark.fault(5)
@pytest.mark.parametrize("restarts", [False, True], ids=["lost link", "restart"])
def test_what_an_incomplete_list_lacks_is_neither_closed_nor_acted_upon_until_it_is_named(restarts: bool) -> None:
    phone = Phone(STANDING["missing"])
    stage = phone.stage
    stage.wait(15.0)
    stage.gap()
    known, stage.sessions = stage.sessions, {}
    if restarts:
        stage.engine = type(stage.engine)(RULES, at=stage.now, memories=sorted(stage.memories.items()))
    stage.connect(complete=False)
    stage.wait(8.0)
    assert stage.logged.count("20 s") == 0
    stage.sessions = known
    stage.listing()
    assert stage.logged.count("20 s") == 1
