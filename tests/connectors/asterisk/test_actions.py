"""The methods as manager actions: the right leg, the right moment, and a reason wherever nothing is sent.

The states are those of recorded calls, replayed up to the moment of the method.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import pytest

from ozrules.connectors.asterisk.ami import Fields
from ozrules.connectors.asterisk.legs import OURS
from ozrules.engine.events import Accepted, Refused, SessionSeen, Unanswered, Withheld
from ozrules.session.methods import Method
from ozrules.session.session import Session
from ozrules.session.state import CALLER_ON_HOLD, IN_CALL, REDIRECTED, RINGING, State
from tests.connectors.asterisk.manager import Manager, Watched, connected
from tests.connectors.asterisk.traces import events_of, moment_of

Result = TypeVar("Result")
Scene = Callable[[Manager, Watched, Session], Awaitable[Result]]

ACTED = ("Redirect", "Originate", "BlindTransfer", "Hangup", "Bridge", "PlayDTMF", "Setvar")


def until(name: str, seconds: float) -> list[Fields]:
    """The events of a recorded call's first seconds."""
    events = events_of(name)
    return [event for event in events if moment_of(event) - moment_of(events[0]) < seconds]


def play(
    name: str, seconds: float, state: State, scene: Scene[Result], *, hold: str | None = None, listen: str | None = None
) -> Result:
    """Runs a scene on the recorded call when it has come to a state."""

    async def run() -> Result:
        async with connected(hold=hold, listen=listen) as (standin, watching):
            standin.raise_events(until(name, seconds))
            return await scene(standin, watching, await watching.state(state))

    return asyncio.run(run())


def doing(action: Method, **values: str) -> Scene[tuple[object, list[Fields]]]:
    """Calls one method; its answer, and what the manager was sent for it."""

    async def scene(standin: Manager, watching: Watched, session: Session) -> tuple[object, list[Fields]]:
        done = await watching.do(action, session, **values)
        return done, standin.sent(*ACTED)

    return scene


RINGS = ("observe/ring_no_answer_30s", 5.0, RINGING)
TALKS = ("actions/hangup_ami_in_call", 0.6, IN_CALL)
CALLER, CALLEE = "PJSIP/1001-00000019", "PJSIP/1002-0000001a"
TALKING_CALLER, TALKING_CALLEE = "PJSIP/1001-000000e2", "PJSIP/1002-000000e3"


def test_a_forward_elsewhere_redirects_the_caller_with_the_reason_why() -> None:
    done, sent = play(*RINGS, doing("forward", to="900442071838750"))
    assert done == Accepted()
    *diversion, redirect = sent
    assert {setvar["Channel"] for setvar in diversion} == {CALLER}
    assert [(setvar["Variable"], setvar["Value"]) for setvar in diversion] == [
        ("REDIRECTING(orig-num,i)", "1002"),
        ("REDIRECTING(from-num,i)", "1002"),
        ("REDIRECTING(reason,i)", "no_answer"),
        ("REDIRECTING(count,i)", "1"),
    ]
    assert redirect == {
        "Action": "Redirect",
        "Channel": CALLER,
        "Context": "internal",
        "Exten": "900442071838750",
        "Priority": "1",
    }


def test_a_forward_to_a_phone_rings_it_beside_the_first() -> None:
    async def scene(standin: Manager, watching: Watched, session: Session) -> tuple[object, list[Fields]]:
        standin.answers["Getvar"] = {"Response": "Success", "Value": "1"}
        return await watching.do("forward", session, to="1003"), standin.sent(*ACTED)

    done, (originate,) = play(*RINGS, scene)
    assert done == Accepted()
    assert originate["Channel"] == "Local/1003@internal/n"
    assert originate["Application"] == "PickupChan"
    assert originate["Data"] == CALLEE
    assert originate["CallerID"] == '"Phone 1001" <1001>'
    assert originate["ChannelId"].startswith(OURS)
    assert originate["ChannelId"].endswith("-for-lab-1795467869.29")


def beside(fields: Fields) -> list[Fields]:
    """What Asterisk raises when the phone that rings beside the first rings."""
    helper = fields["ChannelId"]
    half = {"Linkedid": helper, "ChannelStateDesc": "Ring"}
    one = half | {"Channel": "Local/1003@internal-0000001f;1", "Uniqueid": helper}
    two = half | {"Channel": "Local/1003@internal-0000001f;2", "Uniqueid": "lab-1795468036.260"}
    phone = half | {"Channel": "PJSIP/1003-000000be", "Uniqueid": "lab-1795468036.261", "ChannelStateDesc": "Ringing"}
    dial = {f"Dest{name}": value for name, value in phone.items()}
    return [
        {"Event": "Newchannel"} | one,
        {"Event": "Newchannel"} | two,
        {"Event": "Newchannel"} | phone,
        {"Event": "DialState", "DialStatus": "RINGING"} | two | dial,
    ]


async def forwarded_beside(standin: Manager, watching: Watched, session: Session) -> Session:
    """Forwards to a phone, which rings; its session."""
    standin.answers["Getvar"] = {"Response": "Success", "Value": "1"}
    await watching.do("forward", session, to="1003")
    standin.raise_events(beside(await standin.action("Originate")))

    def rings(seen: SessionSeen) -> bool:
        return seen.session.session_id.endswith("/lab-1795468036.261") and seen.session.session_state == RINGING

    return (await watching.until(SessionSeen, rings)).session


def test_the_phone_that_rings_beside_is_a_session_of_the_same_call() -> None:
    async def scene(standin: Manager, watching: Watched, session: Session) -> tuple[Session, Session]:
        return session, await forwarded_beside(standin, watching, session)

    first, second = play(*RINGS, scene)
    assert second.master_session_id == first.master_session_id
    assert second.session_state == RINGING
    assert (second.caller, second.callee) == ("1001", "1003")


@pytest.mark.parametrize("later", ["answered", "cancelled"])
def test_the_phone_that_rings_beside_stops_when_it_is_not_needed(later: str) -> None:
    async def scene(standin: Manager, watching: Watched, session: Session) -> Fields:
        await forwarded_beside(standin, watching, session)
        legs = {"Channel": CALLER, "Uniqueid": "lab-1795467869.29"}
        callee = {"DestChannel": CALLEE, "DestUniqueid": "lab-1795467869.30"}
        if later == "answered":
            dialled = {"Event": "DialEnd", "DialStatus": "ANSWER"} | legs | callee
            joined = [{"Event": "BridgeEnter", "BridgeUniqueid": "b"} | legs]
            joined += [
                {"Event": "BridgeEnter", "BridgeUniqueid": "b", "Channel": CALLEE, "Uniqueid": callee["DestUniqueid"]}
            ]
            standin.raise_events([dialled, *joined])
        else:
            end = {"Event": "Hangup", "Cause": "127", "Channel": CALLEE, "Uniqueid": callee["DestUniqueid"]}
            standin.raise_events([{"Event": "HangupRequest"} | legs, end])
        return await standin.action("Hangup")

    assert play(*RINGS, scene)["Channel"] == "Local/1003@internal-0000001f;1"


def test_a_phone_in_a_group_is_forwarded_without_the_others() -> None:
    done, sent = play("actions/forward_one_branch_of_local_group", 0.3, RINGING, doing("forward", to="1005"))
    assert done == Accepted()
    assert sent[-1]["Action"] == "Redirect"
    assert sent[-1]["Channel"] == "Local/1003@internal-0000001c;2"


REFUSALS: list[tuple[tuple[str, float, State], Method, dict[str, str], str, str]] = [
    (RINGS, "forward", {"to": "1002"}, "invalid", "loop"),
    (RINGS, "forward", {"to": "1001"}, "invalid", "loop"),
    (RINGS, "forward", {"to": "12\r\nAction: Originate"}, "invalid", "0-9"),
    (RINGS, "forward", {"to": "1003@other"}, "invalid", "0-9"),
    (RINGS, "forward", {}, "invalid", "0-9"),
    (RINGS, "blindTransfer", {"to": "1003", "party": "caller"}, "lostRace", "Ringing"),
    (RINGS, "sendDtmf", {"key": "1", "party": "callee"}, "lostRace", "Ringing"),
    (RINGS, "hold", {}, "denied", "holdExtension"),
    (RINGS, "startListen", {}, "denied", "no supervisor"),
    (TALKS, "forward", {"to": "1003"}, "lostRace", "answered"),
    (TALKS, "blindTransfer", {"to": "1003"}, "invalid", "party"),
    (TALKS, "sendDtmf", {"key": "12", "party": "callee"}, "invalid", "one key"),
    (TALKS, "sendDtmf", {"key": "", "party": "callee"}, "invalid", "one key"),
    (("observe/hold_by_callee", 1.0, CALLER_ON_HOLD), "unhold", {}, "denied", "holdExtension"),
]


@pytest.mark.fault(90, 91)
@pytest.mark.parametrize(("call", "action", "values", "kind", "words"), REFUSALS)
def test_what_cannot_work_is_refused_and_nothing_is_sent(
    call: tuple[str, float, State], action: Method, values: dict[str, str], kind: str, words: str
) -> None:
    done, sent = play(*call, doing(action, **values))
    assert isinstance(done, Refused | Withheld)
    assert ((done.kind if isinstance(done, Refused) else done.outcome), words in done.message) == (kind, True), done
    assert sent == []


@pytest.mark.parametrize(("call", "action"), [(RINGS, "forward"), (TALKS, "blindTransfer")])
def test_an_extension_that_is_not_there_is_never_dialled(call: tuple[str, float, State], action: Method) -> None:
    async def scene(standin: Manager, watching: Watched, session: Session) -> tuple[object, list[Fields]]:
        standin.answers["Getvar"] = {"Response": "Success", "Value": "0"}
        return await watching.do(action, session, to="4711", party="caller"), standin.sent(*ACTED)

    done, sent = play(*call, scene)
    assert done == Refused("invalid", "the dialplan's context internal has no extension 4711")
    assert sent == []


def test_a_call_that_is_answered_while_the_target_is_looked_up_is_not_moved() -> None:
    async def scene(standin: Manager, watching: Watched, session: Session) -> tuple[object, list[Fields]]:
        standin.answers["Getvar"] = None  # not answered at once
        before = len(standin.sent("Getvar"))
        doing = asyncio.ensure_future(watching.do("forward", session, to="900442071838750"))
        asked = await standin.action("Getvar", before + 1)
        answered = {"Event": "DialEnd", "DialStatus": "ANSWER", "Channel": CALLER, "Uniqueid": "lab-1795467869.29"}
        standin.raise_events([answered | {"DestChannel": CALLEE, "DestUniqueid": "lab-1795467869.30"}])
        standin.raise_events([{"Response": "Success", "Value": "1", "ActionID": asked["ActionID"]}])
        return await doing, standin.sent(*ACTED)

    done, sent = play(*RINGS, scene)
    assert done == Withheld("lostRace", "the call has been answered")
    assert sent == []


def test_a_call_that_was_answered_and_then_moved_was_in_call_in_between() -> None:
    """The redirect overtook the answer: the engine must see that it came too late."""

    async def scene(standin: Manager, watching: Watched, session: Session) -> list[str]:
        await watching.do("forward", session, to="900442071838750")
        caller = {"Channel": CALLER, "Uniqueid": "lab-1795467869.29", "Exten": "900442071838750"}
        callee = {"DestChannel": CALLEE, "DestUniqueid": "lab-1795467869.30", "DestChannelStateDesc": "Up"}
        standin.raise_events([{"Event": "DialEnd", "DialStatus": "ANSWER"} | caller | callee])
        standin.raise_events(
            [{"Event": "Hangup", "Cause": "16", "Channel": CALLEE, "Uniqueid": callee["DestUniqueid"]}]
        )
        await watching.state(REDIRECTED)
        return [item.session.session_state for item in watching.items if isinstance(item, SessionSeen)]

    assert play(*RINGS, scene)[-3:] == ["Ringing", "InCall", "Redirected"]


@pytest.mark.parametrize(("moved", "leaves"), [("caller", TALKING_CALLEE), ("callee", TALKING_CALLER)])
def test_a_blind_transfer_names_the_leg_that_leaves(moved: str, leaves: str) -> None:
    done, sent = play(*TALKS, doing("blindTransfer", to="1003", party=moved))
    assert done == Accepted()
    assert sent == [{"Action": "BlindTransfer", "Channel": leaves, "Context": "internal", "Exten": "1003"}]


@pytest.mark.parametrize("action", ["hangup", "close", "closeWithHangup"])
@pytest.mark.parametrize(("call", "caller"), [(RINGS, CALLER), (TALKS, TALKING_CALLER)])
def test_a_call_is_hung_up_by_its_calling_leg(call: tuple[str, float, State], caller: str, action: Method) -> None:
    done, sent = play(*call, doing(action))
    assert done == Accepted()
    assert sent == [{"Action": "Hangup", "Channel": caller, "Cause": "16"}]


@pytest.mark.parametrize(("party", "leg"), [("caller", TALKING_CALLER), ("callee", TALKING_CALLEE)])
def test_a_key_is_sent_to_one_party(party: str, leg: str) -> None:
    done, sent = play(*TALKS, doing("sendDtmf", key="#", party=party))
    assert done == Accepted()
    assert sent == [{"Action": "PlayDTMF", "Channel": leg, "Digit": "#", "Duration": "160"}]


def test_a_hold_without_ari_sends_both_to_the_parking_extension() -> None:
    done, sent = play(*TALKS, doing("hold"), hold="750")
    assert done == Accepted()
    (redirect,) = sent
    assert (redirect["Channel"], redirect["Exten"]) == (TALKING_CALLER, "750")
    assert (redirect["ExtraChannel"], redirect["ExtraExten"]) == (TALKING_CALLEE, "750")


def test_an_unhold_joins_both_again() -> None:
    async def scene(standin: Manager, watching: Watched, session: Session) -> tuple[object, list[Fields]]:
        return await watching.do("unhold", session), standin.sent(*ACTED)

    held = ("actions/hold_both_by_parking_exten", 4.0, State("OnHold"))
    done, sent = play(*held, scene, hold="750")
    assert done == Accepted()
    (bridge,) = sent
    assert (bridge["Channel1"], bridge["Channel2"]) == ("PJSIP/1001-00000128", "PJSIP/1002-00000129")


def test_what_a_phone_holds_only_that_phone_takes_back() -> None:
    done, sent = play("observe/hold_by_callee", 1.0, CALLER_ON_HOLD, doing("unhold"), hold="750")
    assert isinstance(done, Refused)
    assert done.kind == "wrongState"
    assert sent == []


def test_who_is_left_alone_on_hold_is_hung_up() -> None:
    async def scene(standin: Manager, watching: Watched, session: Session) -> Fields:
        await watching.do("hold", session)
        joined = next(event for event in events_of(TALKS[0]) if event["Event"] == "BridgeEnter")
        parted = {"Event": "BridgeLeave", "BridgeUniqueid": joined["BridgeUniqueid"]}
        parts = [
            parted | {"Channel": TALKING_CALLER, "Uniqueid": "lab-1795468082.309", "Exten": "750"},
            parted | {"Channel": TALKING_CALLEE, "Uniqueid": "lab-1795468082.310", "Exten": "750"},
            {"Event": "HangupRequest", "Channel": TALKING_CALLER, "Uniqueid": "lab-1795468082.309"},
            {"Event": "Hangup", "Channel": TALKING_CALLER, "Uniqueid": "lab-1795468082.309", "Cause": "16"},
        ]
        standin.raise_events(parts)
        return await standin.action("Hangup")

    assert play(*TALKS, scene, hold="750")["Channel"] == TALKING_CALLEE


def test_a_supervisor_listens_unheard_and_stops() -> None:
    async def scene(standin: Manager, watching: Watched, session: Session) -> tuple[Fields, object, Fields]:
        await watching.do("startListen", session)
        started = await standin.action("Originate")
        listener = started["ChannelId"]
        leg = {"Channel": "PJSIP/1004-00000001", "Uniqueid": listener, "Linkedid": listener}
        standin.raise_events([{"Event": "Newchannel"} | leg, {"Event": "FullyBooted"}])
        await standin.action("CoreShowChannels", count=2)
        again = await watching.do("startListen", session)
        standin.channels = []
        await watching.do("stopListen", session)
        return started, again, await standin.action("Hangup")

    started, again, stopped = play(*TALKS, scene, listen="PJSIP/1004")
    assert (started["Channel"], started["Application"]) == ("PJSIP/1004", "ChanSpy")
    assert started["Data"] == f"{TALKING_CALLER},qSE"
    assert isinstance(again, Refused)
    assert again.kind == "wrongState"
    assert stopped["Channel"] == "PJSIP/1004-00000001"


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        ("Permission denied", "denied"),
        ("No such channel", "notFound"),
        ("Channel specified does not exist", "notFound"),
        ("Transfer invalid", "wrongState"),
        ("something else", "invalid"),
    ],
)
def test_what_asterisk_refuses_has_a_kind(message: str, kind: str) -> None:
    async def scene(standin: Manager, watching: Watched, session: Session) -> object:
        standin.answers["BlindTransfer"] = {"Response": "Error", "Message": message}
        return await watching.do("blindTransfer", session, to="1003", party="caller")

    done = play(*TALKS, scene)
    assert isinstance(done, Refused)
    assert (done.kind, message in done.message) == (kind, True)


@pytest.mark.fault(30)
def test_no_answer_is_neither_done_nor_refused() -> None:
    async def scene(standin: Manager, watching: Watched, session: Session) -> object:
        standin.answers["Hangup"] = None
        return await watching.do("hangup", session, timeout="0.05")

    assert play(*TALKS, scene) == Unanswered("Asterisk did not answer within 0.05 s")


def test_a_connection_that_ends_leaves_the_action_unanswered() -> None:
    async def scene(standin: Manager, watching: Watched, session: Session) -> object:
        standin.answers["Hangup"] = None
        doing = asyncio.ensure_future(watching.do("hangup", session))
        await standin.action("Hangup")
        standin.hang_up()
        return await doing

    assert isinstance(play(*TALKS, scene), Unanswered)


@pytest.mark.fault(41)
def test_a_call_that_is_over_is_not_acted_on() -> None:
    async def scene(standin: Manager, watching: Watched, session: Session) -> tuple[object, list[Fields]]:
        await watching.until(SessionSeen, lambda seen: seen.kind == "closed")
        return await watching.do("hangup", session), standin.sent(*ACTED)

    done, sent = play("actions/hangup_ami_in_call", 99.0, IN_CALL, scene)
    assert done == Withheld("targetGone", "Asterisk has no such call any more")
    assert sent == []


@pytest.mark.fault(92)
def test_a_caller_s_name_cannot_change_the_number_shown() -> None:
    async def scene(standin: Manager, watching: Watched, session: Session) -> Fields:
        standin.answers["Getvar"] = {"Response": "Success", "Value": "1"}
        evil = {"CallerIDName": 'x" <112>, "y', "CallerIDNum": "1001;<script>"}
        standin.raise_events([{"Event": "NewCallerid", "Channel": CALLER, "Uniqueid": "lab-1795467869.29"} | evil])
        await watching.until(SessionSeen, lambda seen: (seen.session.extra or {})["presentedNumber"] == "1001;<script>")
        await watching.do("forward", session, to="1003")
        return await standin.action("Originate")

    assert play(*RINGS, scene)["CallerID"] == '"x 112, y" <1001>'
