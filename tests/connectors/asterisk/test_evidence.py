"""What Asterisk shows of keys and listeners. The events are those of recorded calls, or shaped as those are."""

import asyncio

import pytest

from ozrules.connectors.asterisk.ami import Fields
from ozrules.engine.events import Accepted, CommandShown
from ozrules.session.session import Session
from tests.connectors.asterisk.manager import Manager, Watched, connected
from tests.connectors.asterisk.test_actions import TALKING_CALLEE, TALKING_CALLER, TALKS, play, until
from tests.connectors.asterisk.traces import events_of

CALL = events_of("actions/hangup_ami_in_call")[0]["Linkedid"]


def sent(channel: str = TALKING_CALLEE, digit: str = "5", *, call: str = CALL, lasted: str = "") -> Fields:
    """Asterisk has sent a key to a phone."""
    event = {"Event": "DTMFBegin", "Channel": channel, "Linkedid": call, "Digit": digit, "Direction": "Sent"}
    return event | ({"Event": "DTMFEnd", "DurationMs": lasted} if lasted else {})


def pressed(channel: str = TALKING_CALLER, digit: str = "5", *, call: str = CALL) -> Fields:
    """A phone has pressed one."""
    return {"Event": "DTMFEnd", "Channel": channel, "Linkedid": call, "Digit": digit, "Direction": "Received"}


def key(*raised: Fields) -> object:
    """The receipt of a key to the callee while these events come, before the answer."""

    async def scene(standin: Manager, watching: Watched, session: Session) -> object:
        standin.answers["PlayDTMF"] = None
        sending = asyncio.ensure_future(watching.do("sendDtmf", session, key="5", party="callee"))
        asked = await standin.action("PlayDTMF")
        standin.raise_events(raised)
        standin.raise_events([{"Response": "Success", "ActionID": asked["ActionID"]}])
        return await sending

    return play(*TALKS, scene)


def test_a_key_that_asterisk_shows_is_seen() -> None:
    assert key(sent()) == Accepted("seen")
    assert key(sent(lasted="0")) == Accepted("seen")


@pytest.mark.parametrize(
    "raised",
    [
        (),
        (sent(digit="6"),),
        (sent(TALKING_CALLER),),
        (sent("PJSIP/1002-000000ff", call="lab-1.1"),),
        (pressed(TALKING_CALLEE),),
        (pressed(), sent()),
        (sent(lasted="60000"),),
    ],
    ids=["nothing", "other key", "other party", "other call", "pressed by it", "passed on", "begun before"],
)
def test_a_key_of_somebody_else_is_no_evidence(raised: tuple[Fields, ...]) -> None:
    assert key(*raised) == Accepted()


def test_a_key_pressed_in_another_call_does_not_hide_ours() -> None:
    assert key(pressed("PJSIP/1009-000000ff", call="lab-1.1"), sent()) == Accepted("seen")


def spying(event: str, spyer: str, spyee: str = TALKING_CALLER, channel: str = "PJSIP/1004-00000111") -> Fields:
    return {"Event": event, "SpyerChannel": channel, "SpyerUniqueid": spyer, "SpyeeChannel": spyee}


def listening(*strange: Fields, shows: bool = True, fails: bool = False) -> list[tuple[bool, str]]:
    """What is shown of a startListen: first the strange events come, then its own."""

    async def scene(standin: Manager, watching: Watched, session: Session) -> list[tuple[bool, str]]:
        assert await watching.do("startListen", session) == Accepted("follows")
        asked = await standin.action("Originate")
        standin.raise_events(strange)
        if fails:
            failed = {"Event": "OriginateResponse", "Response": "Failure", "Uniqueid": "<unknown>"}
            standin.raise_events([failed | {"ActionID": asked["ActionID"]}])
        if shows:
            standin.raise_events([spying("ChanSpyStart", asked["ChannelId"])])
        standin.raise_events([{"Event": "FullyBooted"}])
        await standin.action("CoreShowChannels", count=2)
        if shows or fails:
            await watching.until(CommandShown)
        shown = [item for item in watching.items if isinstance(item, CommandShown)]
        assert {each.command for each in shown} <= {"1-0"}
        return [(each.done, each.message) for each in shown]

    return play(*TALKS, scene, listen="PJSIP/1004")


def test_a_listener_that_begins_is_shown() -> None:
    assert listening() == [(True, "ChanSpyStart")]


def test_a_listener_of_others_is_no_evidence() -> None:
    of_another_call = spying("ChanSpyStart", "lab-1795468135.358", "PJSIP/1001-0000010f")
    assert listening(of_another_call, spying("ChanSpyStart", "lab-1.2"), shows=False) == []


def test_our_own_listener_in_another_call_is_no_evidence() -> None:
    async def scene(standin: Manager, watching: Watched, session: Session) -> int:
        await watching.do("startListen", session)
        asked = await standin.action("Originate")
        elsewhere = spying("ChanSpyStart", asked["ChannelId"], "PJSIP/1001-0000010f")
        standin.raise_events([elsewhere, {"Event": "FullyBooted"}])
        await standin.action("CoreShowChannels", count=2)
        return sum(isinstance(item, CommandShown) for item in watching.items)

    assert play(*TALKS, scene, listen="PJSIP/1004") == 0


def test_a_supervisor_who_does_not_answer_is_shown() -> None:
    of_others = {"Event": "OriginateResponse", "Response": "Failure", "ActionID": "oz2", "Uniqueid": "<unknown>"}
    assert listening(of_others, shows=False) == []
    [(done, message)] = listening(of_others, shows=False, fails=True)
    assert not done
    assert "supervisor" in message


def test_the_end_of_a_listener_is_shown() -> None:
    async def run() -> list[CommandShown]:
        async with connected(listen="PJSIP/1004") as (standin, watching):
            standin.raise_events(until(*TALKS[:2]))
            session = await watching.state(TALKS[2])
            await watching.do("startListen", session)
            spyer = (await standin.action("Originate"))["ChannelId"]
            leg = {"Channel": "PJSIP/1004-00000111", "Uniqueid": spyer, "Linkedid": spyer}
            standin.raise_events([{"Event": "Newchannel"} | leg, spying("ChanSpyStart", spyer)])
            await watching.until(CommandShown)
            assert await watching.do("stopListen", session) == Accepted("follows")
            other = spying("ChanSpyStop", "lab-1.2", channel="PJSIP/1005-00000112")
            standin.raise_events([other, spying("ChanSpyStop", spyer)])
            await watching.until(CommandShown, lambda shown: shown.message == "ChanSpyStop")
            return [item for item in watching.items if isinstance(item, CommandShown)]

    shown = asyncio.run(run())
    assert [(each.done, each.message) for each in shown] == [(True, "ChanSpyStart"), (True, "ChanSpyStop")]
