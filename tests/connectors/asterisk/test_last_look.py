"""The last look: nothing is sent to a call that is not what its session says any more.

Each way in which a call can change is tried with each method, and at each moment: told by events before the command,
told while Asterisk is asked, and never told at all. How the channels stand is kept by the manager, not by the reducer.
"""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from ozrules.connectors.asterisk import connector
from ozrules.connectors.asterisk.ami import Fields
from ozrules.engine.events import Accepted, Receipt, Refused, SessionSeen, SessionsListed, Withheld
from ozrules.session.methods import METHODS, Method
from ozrules.session.session import Session
from ozrules.session.state import CALLER_HUNG_UP, IN_CALL, ON_HOLD, RINGING, State
from tests.connectors.asterisk.manager import MAY, TELLS, Manager, Watched, connected
from tests.connectors.asterisk.traces import events_of, moment_of

ACTED = ("Redirect", "Originate", "BlindTransfer", "Hangup", "Bridge", "PlayDTMF", "Setvar")

Events = list[Fields]


@pytest.fixture(autouse=True)
def _lists_follow_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connector, "LIST_EVERY", 0.05)
    monkeypatch.setattr(connector, "LATE", 0.02)


class Scene:
    """A recorded call up to a state, its two channels and the methods that work then."""

    def __init__(
        self, name: str, seconds: float, state: State, caller: tuple[str, str], callee: tuple[str, str]
    ) -> None:
        events = events_of(name)
        self.events = [one for one in events if moment_of(one) - moment_of(events[0]) < seconds]
        self.state = state
        self.caller = {"Channel": caller[0], "Uniqueid": caller[1]}
        self.callee = {"Channel": callee[0], "Uniqueid": callee[1]}
        entered = [one["BridgeUniqueid"] for one in self.events if one["Event"] == "BridgeEnter"]
        self.bridge = entered[-1] if entered else "b-none"
        self.dest = {f"Dest{name}": value for name, value in self.callee.items()}


RINGS = Scene(
    "observe/ring_no_answer_30s",
    5.0,
    RINGING,
    ("PJSIP/1001-00000019", "lab-1795467869.29"),
    ("PJSIP/1002-0000001a", "lab-1795467869.30"),
)
TALKS = Scene(
    "actions/hangup_ami_in_call",
    0.6,
    IN_CALL,
    ("PJSIP/1001-000000e2", "lab-1795468082.309"),
    ("PJSIP/1002-000000e3", "lab-1795468082.310"),
)
HELD = Scene(
    "actions/hold_both_by_parking_exten",
    4.0,
    ON_HOLD,
    ("PJSIP/1001-00000128", ""),
    ("PJSIP/1002-00000129", ""),
)
for leg in (HELD.caller, HELD.callee):
    leg["Uniqueid"] = next(one["Uniqueid"] for one in HELD.events if one.get("Channel") == leg["Channel"])

WORKING: list[tuple[Scene, Method, dict[str, str]]] = [
    (RINGS, "forward", {"to": "900442071838750"}),
    (RINGS, "forward", {"to": "1003"}),
    (RINGS, "hangup", {}),
    (RINGS, "close", {}),
    (RINGS, "closeWithHangup", {}),
    (TALKS, "hangup", {}),
    (TALKS, "close", {}),
    (TALKS, "closeWithHangup", {}),
    (TALKS, "blindTransfer", {"to": "1003", "party": "caller"}),
    (TALKS, "blindTransfer", {"to": "1003", "party": "callee"}),
    (TALKS, "hold", {}),
    (TALKS, "sendDtmf", {"key": "5", "party": "callee"}),
    (TALKS, "startListen", {}),
    (HELD, "unhold", {}),
    (HELD, "hangup", {}),
    (HELD, "blindTransfer", {"to": "1003", "party": "caller"}),
]


def entering(leg: Fields, bridge: str) -> Fields:
    return {"Event": "BridgeEnter", "BridgeUniqueid": bridge} | leg


def leaving(at: Scene, leg: Fields) -> Fields:
    return {"Event": "BridgeLeave", "BridgeUniqueid": at.bridge} | leg


THIRD = {"Channel": "PJSIP/1009-00000fff", "Uniqueid": "lab-1795468999.999"}
BORN = {"Event": "Newchannel", "Linkedid": THIRD["Uniqueid"], "ChannelStateDesc": "Up"} | THIRD
ASKED = {"Event": "HangupRequest", "Cause": "16"}
ENDED = {"Event": "Hangup", "Cause": "16"}

Change = Callable[[Scene], Events]
CHANGES: dict[str, tuple[Change, set[str]]] = {
    "the callee hung up": (lambda at: [ASKED | at.callee, leaving(at, at.callee), ENDED | at.callee], {"targetGone"}),
    "the callee was ended by an admin": (lambda at: [ENDED | at.callee], {"targetGone"}),
    "the caller hung up": (lambda at: [ASKED | at.caller], {"targetGone"}),
    "the caller was joined with somebody else": (
        lambda at: [BORN, entering(THIRD, "b-else"), leaving(at, at.caller), entering(at.caller, "b-else")],
        {"lostRace", "targetGone"},
    ),
    "the callee was joined with somebody else": (
        lambda at: [BORN, entering(THIRD, "b-else"), leaving(at, at.callee), entering(at.callee, "b-else")],
        {"lostRace", "targetGone"},
    ),
    "the caller was taken into a menu, the callee out of the call": (
        lambda at: [
            leaving(at, at.callee),
            {"Event": "SoftHangupRequest", "Cause": "16"} | at.callee,
            {"Event": "Newstate", "ChannelStateDesc": "Up", "Exten": "s", "Linkedid": "lab-1.1"} | at.caller,
        ],
        {"targetGone", "lostRace"},
    ),
}
ONLY_RINGING: dict[str, tuple[Change, set[str]]] = {
    "the phone was answered": (
        lambda at: [{"Event": "DialEnd", "DialStatus": "ANSWER", "DestChannelStateDesc": "Up"} | at.caller | at.dest],
        {"lostRace"},
    ),
    "both were joined": (
        lambda at: [
            {"Event": "DialEnd", "DialStatus": "ANSWER", "DestChannelStateDesc": "Up"} | at.caller | at.dest,
            entering(at.caller, "b-own"),
            entering(at.callee, "b-own"),
        ],
        {"lostRace"},
    ),
}
ONLY_TALKING: dict[str, tuple[Change, set[str]]] = {
    "the callee was transferred by the caller": (
        lambda at: [
            {"Event": "BlindTransfer", "Result": "Success"}
            | {f"Transferer{name}": value for name, value in at.caller.items()}
            | {f"Transferee{name}": value for name, value in at.callee.items()}
        ],
        {"lostRace"},
    ),
}


def changes_of(scene: Scene) -> dict[str, tuple[Change, set[str]]]:
    if scene is RINGS:
        return CHANGES | ONLY_RINGING
    return CHANGES | ONLY_TALKING if scene is TALKS else CHANGES


CASES = [
    pytest.param(scene, method, values, change, words, id=f"{method} {values.get('to', '')} {scene.state}: {about}")
    for scene, method, values in WORKING
    for about, (change, words) in changes_of(scene).items()
]


async def begun(scene: Scene, standin: Manager, watching: Watched) -> Session:
    """The session when the call has come to the scene's state. It is ozrules that holds a call that is held."""
    if scene is HELD:
        parts = next(place for place, one in enumerate(scene.events) if one["Event"] == "BridgeLeave")
        standin.raise_events(scene.events[:parts])
        standin.meanwhile["Redirect"] = lambda: standin.raise_events(scene.events[parts:])
        await watching.do("hold", await watching.state(IN_CALL))
        standin.actions = standin.sent("CoreShowChannels")
    else:
        standin.raise_events(scene.events)
    return await watching.state(scene.state)


def play(
    scene: Scene,
    method: Method,
    values: dict[str, str],
    *,
    may: tuple[str, ...] = TELLS,
    before: Callable[[Manager, Watched], Awaitable[None]] | None = None,
) -> tuple[Receipt, list[Fields], Manager]:
    """Calls the method when the call has come to the scene's state; the outcome and what was sent."""

    async def run() -> tuple[Receipt, list[Fields], Manager]:
        async with connected(hold="750", listen="PJSIP/1004", may=may) as (standin, watching):
            if values.get("to") == "1003" and scene is RINGS:
                standin.answers["Getvar"] = {"Response": "Success", "Value": "1"}
            session = await begun(scene, standin, watching)
            if before is not None:
                await before(standin, watching)
            done = await watching.do(method, session, **values)
            return done, standin.sent(*ACTED), standin

    return asyncio.run(run())


def by_the_method(scene: Scene, sent: list[Fields]) -> list[Fields]:
    """Without the one hang-up of a party that would be left alone on hold, which is nobody's method."""
    left = next((place for place, one in enumerate(sent) if scene is HELD and one["Action"] == "Hangup"), None)
    return sent if left is None else sent[:left] + sent[left + 1 :]


async def heard(standin: Manager, watching: Watched) -> None:
    """Waits until all that was raised before has been heard: a call of somebody else that comes after it is told."""
    mark = {"Channel": "PJSIP/1099-00000001", "Uniqueid": "lab-1795469000.1", "Linkedid": "lab-1795469000.1"}
    standin.raise_events([{"Event": "Newchannel", "ChannelStateDesc": "Ring"} | mark])
    await watching.until(SessionSeen, lambda seen: seen.session.session_id == mark["Uniqueid"])


@pytest.mark.parametrize(("scene", "method", "values"), WORKING)
@pytest.mark.parametrize("may", [MAY, TELLS], ids=["by the facts", "Asterisk asked"])
def test_what_stands_is_acted_on(scene: Scene, method: Method, values: dict[str, str], may: tuple[str, ...]) -> None:
    async def joins(standin: Manager, watching: Watched) -> None:
        def both() -> None:
            standin.raise_events([entering(scene.caller, "b-again"), entering(scene.callee, "b-again")])

        standin.meanwhile["Bridge"] = both

    done, sent, standin = play(scene, method, values, may=may, before=joins)
    assert done == Accepted()
    assert sent
    assert bool(standin.sent("Status")) == (may is TELLS)


def test_every_method_that_harms_is_among_them() -> None:
    assert {method for _, method, _ in WORKING} == set(METHODS) - {"stopListen"}


@pytest.mark.fault(32, 33, 41)
@pytest.mark.parametrize(("scene", "method", "values", "change", "words"), CASES)
def test_what_events_told_stops_the_command(
    scene: Scene, method: Method, values: dict[str, str], change: Change, words: set[str]
) -> None:
    async def before(standin: Manager, watching: Watched) -> None:
        standin.raise_events(change(scene))
        await heard(standin, watching)

    done, sent, _ = play(scene, method, values, may=MAY, before=before)
    assert isinstance(done, Withheld)
    assert done.outcome in words | {"targetGone"}
    assert by_the_method(scene, sent) == []


@pytest.mark.fault(32, 33, 41)
@pytest.mark.parametrize(("scene", "method", "values", "change", "words"), CASES)
def test_what_happens_while_asterisk_is_asked_stops_the_command(
    scene: Scene, method: Method, values: dict[str, str], change: Change, words: set[str]
) -> None:
    """The events come between the question and its answer, and the answer knows nothing of them yet."""

    async def before(standin: Manager, watching: Watched) -> None:
        def moment() -> None:
            earlier = {channel: dict(item) for channel, item in standin.standing.items()}
            standin.raise_events(change(scene))
            standin.standing = earlier

        standin.meanwhile["Status"] = moment

    done, sent, _ = play(scene, method, values, before=before)
    assert isinstance(done, Withheld)
    assert done.outcome in words | {"targetGone"}
    assert by_the_method(scene, sent) == []


def silent(about: str) -> bool:
    return about not in ("the caller hung up", "the callee was transferred by the caller")


UNTOLD = [
    pytest.param(scene, method, values, change, words, id=f"{method} {values.get('to', '')} {scene.state}: {about}")
    for scene, method, values in WORKING
    for about, (change, words) in changes_of(scene).items()
    if silent(about) and not (about.startswith("the caller was taken") and scene is not TALKS)
]


@pytest.mark.fault(32, 33, 41)
@pytest.mark.parametrize(("scene", "method", "values", "change", "words"), UNTOLD)
def test_what_no_event_told_stops_the_command_and_the_list_is_asked_for(
    scene: Scene, method: Method, values: dict[str, str], change: Change, words: set[str]
) -> None:
    async def run() -> None:
        async with connected(hold="750", listen="PJSIP/1004", may=TELLS) as (standin, watching):
            if values.get("to") == "1003" and scene is RINGS:
                standin.answers["Getvar"] = {"Response": "Success", "Value": "1"}
            session = await begun(scene, standin, watching)
            for event in change(scene):
                standin.happens(event)
            done = await watching.do(method, session, **values)
            assert isinstance(done, Withheld)
            assert done.outcome in words | {"targetGone"}
            assert standin.sent(*ACTED) == []
            await standin.action("CoreShowChannels", count=2)

    asyncio.run(run())


@pytest.mark.fault(41)
def test_another_channel_of_the_same_name_is_not_acted_on() -> None:
    async def before(standin: Manager, watching: Watched) -> None:
        standin.standing[TALKS.caller["Channel"]]["Uniqueid"] = "lab-1795470000.1"

    done, sent, _ = play(TALKS, "hangup", {}, before=before)
    assert (done, sent) == (Withheld("targetGone", "Asterisk has another channel of that name"), [])


@pytest.mark.parametrize(
    "answer", [{"Response": "Error", "Message": "Permission denied"}, {"Response": "Success"}], ids=["denied", "empty"]
)
def test_where_asterisk_says_nothing_of_channels_the_facts_decide(answer: Fields) -> None:
    async def before(standin: Manager, watching: Watched) -> None:
        standin.answers["Status"] = answer

    assert play(TALKS, "hangup", {}, before=before)[0] == Accepted()


def test_where_asterisk_does_not_answer_nothing_is_sent() -> None:
    async def before(standin: Manager, watching: Watched) -> None:
        standin.answers["Status"] = None

    done, sent, _ = play(TALKS, "hangup", {"timeout": "0.2"}, before=before)
    assert isinstance(done, Refused)
    assert done.kind == "unavailable"
    assert sent == []


@pytest.mark.fault(3)
def test_what_has_come_and_has_not_been_taken_yet_is_waited_for() -> None:
    """The daemon is slow: the end of the call lies in the queue while Asterisk, asked earlier, says that all stands."""

    async def run() -> tuple[Receipt, list[Fields]]:
        async with connected(may=TELLS) as (standin, watching):
            standin.raise_events(TALKS.events)
            session = await watching.state(IN_CALL)
            async with watching.reading_nothing():
                earlier = {channel: dict(item) for channel, item in standin.standing.items()}
                standin.raise_events([BORN, leaving(TALKS, TALKS.callee), ENDED | TALKS.callee])
                standin.standing = earlier
                return await watching.do("hangup", session, timeout="0.3"), standin.sent(*ACTED)

    done, sent = asyncio.run(run())
    assert isinstance(done, Refused)
    assert (done.kind, sent) == ("unavailable", [])


def test_parties_that_were_not_seen_to_be_joined_again_are_not_transferred(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ozrules.connectors.asterisk.actions.JOINED_WITHIN", 0.05)
    done, sent, _ = play(HELD, "blindTransfer", {"to": "1003", "party": "caller"})
    assert isinstance(done, Withheld)
    assert [one["Action"] for one in sent] == ["Bridge"]


def test_a_party_that_leaves_while_both_are_joined_again_is_not_transferred() -> None:
    async def before(standin: Manager, watching: Watched) -> None:
        def leaves() -> None:
            standin.raise_events([entering(HELD.caller, "b-again"), entering(HELD.callee, "b-again")])
            standin.raise_events([ASKED | HELD.callee])

        standin.meanwhile["Bridge"] = leaves

    done, sent, _ = play(HELD, "blindTransfer", {"to": "1003", "party": "caller"}, before=before)
    assert isinstance(done, Withheld)
    assert done.outcome == "targetGone"
    assert [one["Action"] for one in sent] == ["Bridge"]


# --- no such channel ------------------------------------------------------------------------------------------------

NO_CHANNEL = {"Response": "Error", "Message": "No such channel"}


@pytest.mark.fault(33)
@pytest.mark.parametrize(("scene", "method", "values"), WORKING)
def test_a_channel_that_asterisk_does_not_know_ends_its_session(
    scene: Scene, method: Method, values: dict[str, str]
) -> None:
    """The events of its end never came, and nobody may ask how it stands: the command's own answer says it."""

    async def run() -> tuple[Receipt, SessionsListed]:
        async with connected(hold="750", listen="PJSIP/1004") as (standin, watching):
            if values.get("to") == "1003" and scene is RINGS:
                standin.answers["Getvar"] = {"Response": "Success", "Value": "1"}
            session = await begun(scene, standin, watching)
            for action in ACTED:
                standin.answers[action] = NO_CHANNEL
            done = await watching.do(method, session, **values)
            first = await watching.until(SessionsListed)
            return done, await watching.until(SessionsListed, lambda listed: listed is not first)

    done, listed = asyncio.run(run())
    assert isinstance(done, Refused)
    assert done.kind == "notFound"
    assert listed.sessions == ()


def test_a_storm_of_such_answers_asks_for_one_list(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connector, "LIST_EVERY", 1.0)

    async def run() -> tuple[int, int]:
        async with connected() as (standin, watching):
            standin.raise_events(TALKS.events)
            session = await watching.state(IN_CALL)
            standin.channels = [item | {"BridgeId": item["BridgeID"]} for item in standin.standing.values()]
            standin.answers["PlayDTMF"] = NO_CHANNEL
            first = await watching.until(SessionsListed)
            for _ in range(50):
                await watching.do("sendDtmf", session, key="1", party="caller")
            await watching.until(SessionsListed, lambda listed: listed is not first)
            for _ in range(50):
                await watching.do("sendDtmf", session, key="1", party="caller")
            return len(standin.sent("PlayDTMF")), len(standin.sent("CoreShowChannels")) - 1

    commands, lists = asyncio.run(run())
    assert commands == 100
    assert lists <= 5  # one a second, and the machine may be slow


@pytest.mark.fault(6)
def test_events_of_the_end_that_are_only_late_are_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """The answer overtook them: the call ends as they say, and no list is read that knows less."""
    monkeypatch.setattr(connector, "LATE", 0.2)

    async def run() -> tuple[State, int]:
        async with connected() as (standin, watching):
            standin.raise_events(TALKS.events)
            session = await watching.state(IN_CALL)
            standin.answers["Hangup"] = NO_CHANNEL
            await watching.do("hangup", session)
            standin.raise_events([ASKED | TALKS.caller, ENDED | TALKS.caller, ENDED | TALKS.callee])
            closed = await watching.until(SessionSeen, lambda seen: seen.kind == "closed")
            await asyncio.sleep(0.3)  # longer than is waited for late events
            return closed.session.session_state, len(standin.sent("CoreShowChannels"))

    assert asyncio.run(run()) == (CALLER_HUNG_UP, 1)


def test_what_was_only_told_says_it_too() -> None:
    """The channel that is told whom it was forwarded from is gone before it is redirected."""

    async def run() -> None:
        async with connected() as (standin, watching):
            standin.raise_events(RINGS.events)
            session = await watching.state(RINGING)
            standin.answers["Setvar"] = NO_CHANNEL
            await watching.do("forward", session, to="900442071838750")
            await standin.action("CoreShowChannels", count=2)

    asyncio.run(run())


def test_a_session_that_names_other_channels_is_not_acted_on() -> None:
    async def run() -> tuple[Receipt, list[Fields]]:
        async with connected() as (standin, watching):
            standin.raise_events(TALKS.events)
            session = await watching.state(IN_CALL)
            stale = Session(
                session_id=session.session_id,
                session_state=session.session_state,
                start_time=session.start_time,
                caller_call_leg_id=session.caller_call_leg_id,
                callee_call_leg_id="PJSIP/1003-00000001",
            )
            return await watching.do("hangup", stale), standin.sent(*ACTED)

    done, sent = asyncio.run(run())
    assert isinstance(done, Withheld)
    assert (done.outcome, sent) == ("lostRace", [])
