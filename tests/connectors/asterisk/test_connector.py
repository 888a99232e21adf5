"""The connector over a real socket: login, lists, losses, and whatever a manager may send."""

import asyncio
import re
import ssl
from pathlib import Path

import msgspec
import pytest

from ozrules.connectors.asterisk import connector, link
from ozrules.connectors.asterisk.ami import MAX_BLOCK, Fields
from ozrules.connectors.asterisk.legs import FOR, OURS
from ozrules.engine.events import ConnectionOpened, Gap, Refused, SessionSeen, SessionsListed
from ozrules.runtime.ports import ConnectionState, FromPhoneSystem, Malformed
from ozrules.session.state import CALLER_HUNG_UP, IN_CALL
from tests.connectors.asterisk.certificate import self_signed
from tests.connectors.asterisk.manager import (
    PASSWORD,
    TELLS,
    access,
    block,
    connected,
    connected_to,
    manager,
    watched,
)
from tests.connectors.asterisk.traces import events_of


def kinds(items: list[FromPhoneSystem]) -> list[str]:
    return [type(item).__name__ for item in items]


def test_opened_listed_ready_in_this_order() -> None:
    async def run() -> list[FromPhoneSystem]:
        async with connected(hold="700", listen="PJSIP/1004") as (_, watching):
            await watching.until(ConnectionState)
            return watching.items

    opened, listed, ready = asyncio.run(run())
    assert isinstance(opened, ConnectionOpened)
    assert opened.epoch == "2026-11-23 20:00:00"
    assert opened.privileges is not None
    assert len(opened.privileges) == 10
    assert isinstance(listed, SessionsListed)
    assert isinstance(ready, ConnectionState)
    assert ready.detail == "connected; every method is possible"


def test_a_call_is_told_from_beginning_to_end() -> None:
    async def run() -> list[FromPhoneSystem]:
        async with connected() as (standin, watching):
            standin.raise_events(events_of("observe/answered_caller_hangs_up"))
            await watching.state(CALLER_HUNG_UP)
            return watching.items

    told = [item.session.session_state for item in asyncio.run(run()) if isinstance(item, SessionSeen)]
    assert told == ["Setup", "Setup", "Ringing", "InCall", "CallerHungUp"]


def test_it_says_what_the_user_may_not_do() -> None:
    async def run() -> ConnectionState:
        async with manager() as standin, watched(access(standin.port)) as watching:
            standin.may = ("Getvar", "Hangup")
            return await watching.until(ConnectionState)

    state = asyncio.run(run())
    assert state.ready
    assert "forward (the manager user may not send Getvar and Redirect and Originate" in state.detail
    assert "hold (neither ari nor holdExtension is set)" in state.detail
    assert "hangup (" not in state.detail


@pytest.mark.parametrize(
    ("extensions", "warned"),
    [(r"[0-9]{2,}", True), (r"9[0-9]+|00[0-9]+|[1-7][0-9]{3}", False), (r"[*0-9]{1,15}", False)],
)
def test_a_context_that_has_an_extension_for_every_number_is_told(extensions: str, warned: bool) -> None:
    async def run() -> ConnectionState:
        async with manager() as standin, watched(access(standin.port)) as watching:
            standin.extensions = re.compile(extensions)
            return await watching.until(ConnectionState)

    state = asyncio.run(run())
    assert state.ready
    assert ("context internal has an extension for every number" in state.detail) == warned


def test_a_user_that_hears_of_no_calls_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connector, "HEARD_WITHIN", 0.2)

    async def run() -> list[FromPhoneSystem]:
        async with manager() as standin, watched(access(standin.port)) as watching:
            standin.tells_of_calls = False
            await watching.until(ConnectionState)
            return watching.items

    (state,) = asyncio.run(run())
    assert isinstance(state, ConnectionState)
    assert not state.ready
    assert "tells user ozrules nothing of calls: read = call,dtmf,system in manager.conf lets it" in state.detail


@pytest.mark.fault(29)
def test_a_phone_that_an_earlier_run_left_ringing_for_nobody_is_hung_up() -> None:
    left = {"Channel": "Local/1003@internal-00000001;1", "Uniqueid": f"{OURS}7{FOR}1.1", "Linkedid": f"{OURS}7{FOR}1.1"}

    async def run() -> Fields:
        async with manager() as standin:
            standin.channels = [left | {"ChannelStateDesc": "Ringing", "Application": "AppDial2"}]
            async with watched(access(standin.port)):
                return await standin.action("Hangup")

    assert asyncio.run(run())["Channel"] == left["Channel"]


@pytest.mark.fault(99)
def test_a_wrong_password_is_one_clear_line_without_the_password() -> None:
    async def run() -> list[FromPhoneSystem]:
        async with manager() as standin, watched(access(standin.port, password="wrong-word")) as watching:
            await watching.until(ConnectionState)
            return watching.items

    (state,) = asyncio.run(run())
    assert isinstance(state, ConnectionState)
    assert not state.ready
    assert state.detail.startswith("ACCESS_DENIED: Asterisk does not accept user ozrules or the password")
    assert "wrong-word" not in state.detail


def test_no_configuration_shows_its_password() -> None:
    assert PASSWORD not in repr(access(5038))


@pytest.mark.fault(19)
@pytest.mark.parametrize("banner", ["HTTP/1.1 400 Bad Request\r\n\r", "SSH-2.0-OpenSSH", "220 mail: ready", "\x1b[2J"])
def test_what_is_no_manager_is_said_to_be_none(banner: str) -> None:
    async def run() -> ConnectionState:
        async with manager() as standin, watched(access(standin.port)) as watching:
            standin.banner = banner
            return await watching.until(ConnectionState)

    detail = asyncio.run(run()).detail
    assert "is no Asterisk manager: it greets with" in detail
    assert "\x1b" not in detail


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return self_signed(tmp_path_factory.mktemp("tls"))


@pytest.mark.fault(19)
@pytest.mark.parametrize("trusted", [True, False])
def test_over_tls_only_who_is_trusted_gets_the_password(certificate: tuple[Path, Path], trusted: bool) -> None:
    async def run() -> tuple[ConnectionState, list[Fields]]:
        serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        serving.load_cert_chain(*certificate)
        asking = ssl.create_default_context(cafile=str(certificate[0]) if trusted else None)
        async with manager(serving) as standin:
            secure = msgspec.structs.replace(access(standin.port), tls=asking)
            async with watched(secure) as watching:
                return await watching.until(ConnectionState), standin.sent("Login")

    state, logins = asyncio.run(run())
    assert state.ready == trusted
    assert bool(logins) == trusted
    if not trusted:
        assert "is not trusted" in state.detail


@pytest.mark.fault(1)
def test_nobody_there_is_one_clear_line() -> None:
    async def run() -> ConnectionState:
        async with manager() as standin:
            port = standin.port
        async with watched(access(port)) as watching:
            return await watching.until(ConnectionState)

    assert asyncio.run(run()).detail.startswith("cannot reach Asterisk's manager at 127.0.0.1:")


@pytest.mark.fault(1, 5)
def test_after_a_loss_the_list_says_what_still_lives() -> None:
    async def run() -> list[FromPhoneSystem]:
        async with connected() as (standin, watching):
            standin.raise_events(events_of("observe/answered_caller_hangs_up")[:20])
            await watching.state(IN_CALL)
            standin.hang_up()
            await watching.until(Gap)
            await watching.until(SessionsListed, lambda listed: listed is not watching.items[1])
            assert standin.connections == 2
            return watching.items

    items = asyncio.run(run())
    after = kinds(items)[kinds(items).index("Gap") :]
    assert after[:4] == ["Gap", "ConnectionState", "ConnectionOpened", "SessionsListed"]
    listed = [item for item in items if isinstance(item, SessionsListed)]
    assert listed[-1].sessions == ()


@pytest.mark.fault(6)
def test_an_event_within_a_list_is_newer_than_the_list() -> None:
    """The list was made before its channel hung up; the hang-up overtook it."""

    async def run() -> SessionsListed:
        events = events_of("observe/answered_caller_hangs_up")
        async with connected() as (standin, watching):
            standin.answers["CoreShowChannels"] = None
            await watching.connector.request_list()
            asked = await standin.action("CoreShowChannels", count=2)
            action_id = {"ActionID": asked["ActionID"]}
            standin.write(block({"Response": "Success", "EventList": "start"} | action_id))
            standin.raise_events(events)
            channel = {name: events[0][name] for name in ("Channel", "Uniqueid", "Linkedid", "ChannelStateDesc")}
            standin.write(block({"Event": "CoreShowChannel"} | channel | action_id))
            standin.write(block({"Event": "CoreShowChannelsComplete", "EventList": "Complete"} | action_id))
            return await watching.until(SessionsListed, lambda listed: listed is not watching.items[1])

    assert asyncio.run(run()).sessions == ()


@pytest.mark.fault(14)
def test_what_cannot_be_read_is_told_and_the_rest_goes_on() -> None:
    async def run() -> Malformed:
        async with connected() as (standin, watching):
            standin.write(b"Event: X\r\n\x1b[31mnonsense\xff\r\n\r\n")
            standin.raise_events(events_of("observe/callee_busy_486"))
            malformed = await watching.until(Malformed)
            await watching.until(SessionSeen, lambda seen: seen.kind == "closed")
            await standin.action("CoreShowChannels", count=2)
            return malformed

    malformed = asyncio.run(run())
    assert malformed.kind == "noField"
    assert malformed.sample == "\\x1b[31mnonsense\\ufffd"


@pytest.mark.fault(3)
def test_more_events_than_are_taken_end_in_a_gap_and_a_list(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link, "MOST_WAITING", 50)

    async def run() -> list[str]:
        async with connected() as (standin, watching):
            standin.write(block({"Event": "Newstate"}) * 5_000)
            await watching.until(Gap)
            await watching.until(SessionsListed, lambda listed: listed is not watching.items[1])
            return kinds(watching.items)

    told = asyncio.run(run())
    assert told[3] == "Gap"
    assert told[-1] == "SessionsListed"


def test_nothing_is_done_before_the_list_or_after_the_end() -> None:
    async def run() -> Refused:
        async with connected() as (standin, watching):
            standin.raise_events(events_of("observe/callee_busy_486")[:5])
            session = (await watching.until(SessionSeen)).session
            standin.hang_up()
            await watching.until(Gap)
            done = await watching.do("hangup", session)
            assert isinstance(done, Refused)
            return done

    assert asyncio.run(run()) == Refused("unavailable", "not connected")


# --- what cannot be used is a gap -----------------------------------------------------------------------------------

BROKEN = {
    "a line that is no field": (b"Event: X\r\nnonsense\r\n\r\n", "noField"),
    "an event that is too long": (b"Event: X\r\nValue: " + b"x" * (MAX_BLOCK + 1) + b"\r\n\r\n", "oversize"),
    "an event of too many lines": (b"Event: X\r\n" + b"Key: v\r\n" * 160_000 + b"\r\n", "oversize"),
    "two events whose empty line was lost": (b"Event: X\r\nEvent: Y\r\n\r\n", "fieldTwice"),
    "an event without its channel": (b"Event: Hangup\r\nCause: 16\r\n\r\n", "missingField"),
    "an event whose channel is no text": (
        b"Event: Hangup\r\nChannel: PJSIP/\xff\r\nUniqueid: 1.1\r\n\r\n",
        "missingField",
    ),
    "an answer to nobody's question": (b"Response: Success\r\n\r\n", "noActionID"),
    "an item of no list": (b"Event: CoreShowChannel\r\nChannel: PJSIP/1-1\r\nUniqueid: 1.1\r\n\r\n", "missingField"),
    "something that is neither event nor answer": (b"Key: value\r\n\r\n", "noEvent"),
}


@pytest.mark.fault(14, 15)
@pytest.mark.parametrize(("data", "kind"), BROKEN.values(), ids=BROKEN)
def test_what_cannot_be_used_is_counted_and_followed_by_the_list(
    data: bytes, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connector, "LIST_EVERY", 0.05)

    async def run() -> tuple[list[FromPhoneSystem], int]:
        async with connected() as (standin, watching):
            await watching.until(ConnectionState)
            standin.write(data)
            first = await watching.until(SessionsListed)
            await watching.until(SessionsListed, lambda listed: listed is not first)
            return watching.items[3:], standin.connections

    items, connections = asyncio.run(run())
    assert kinds(items) == ["Malformed", "Gap", "SessionsListed"]
    assert isinstance(items[0], Malformed)
    assert items[0].kind == kind
    assert connections == 1


@pytest.mark.fault(14)
def test_a_caller_s_name_in_another_coding_is_no_gap() -> None:
    """The event can be used; what a caller chose to be called must not make us read lists."""

    async def run() -> tuple[list[str], int]:
        async with connected() as (standin, watching):
            begun = events_of("observe/callee_busy_486")
            standin.write(block(begun[0] | {"CallerIDName": "J?rg"}).replace(b"J?rg", b"J\xf6rg"))
            standin.raise_events(begun[1:])
            await watching.until(SessionSeen, lambda seen: seen.kind == "closed")
            return kinds(watching.items), len(standin.sent("CoreShowChannels"))

    told, lists = asyncio.run(run())
    assert "Malformed" not in told
    assert "Gap" not in told
    assert lists == 1


@pytest.mark.fault(12, 14)
def test_a_storm_of_such_events_is_one_gap_and_few_lists() -> None:
    async def run() -> tuple[list[str], int]:
        async with connected() as (standin, watching):
            for _ in range(200):
                standin.write(b"Event: Hangup\r\nCause: 16\r\n\r\n")
            first = await watching.until(SessionsListed)
            await watching.until(SessionsListed, lambda listed: listed is not first)
            return kinds(watching.items), len(standin.sent("CoreShowChannels"))

    told, lists = asyncio.run(run())
    assert (told.count("Malformed"), told.count("Gap"), lists) == (200, 1, 2)


def talking() -> list[Fields]:
    """A call up to the moment when both are joined."""
    events = events_of("observe/answered_caller_hangs_up")
    joined = [place for place, event in enumerate(events) if event["Event"] == "BridgeEnter"]
    return events[: joined[1] + 1]


@pytest.mark.fault(6, 15)
def test_a_list_of_which_one_item_cannot_be_read_ends_no_call(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connector, "LIST_EVERY", 0.05)

    async def run() -> list[SessionsListed]:
        async with connected() as (standin, watching):
            standin.raise_events(talking())
            await watching.state(IN_CALL)
            standin.channels = [item | {"BridgeId": item["BridgeID"]} for item in standin.standing.values()]
            standin.answers["CoreShowChannels"] = None
            await watching.connector.request_list()
            asked = {"ActionID": (await standin.action("CoreShowChannels", count=2))["ActionID"]}
            del standin.answers["CoreShowChannels"]
            standin.write(block({"Response": "Success", "EventList": "start"} | asked))
            standin.write(b"Event: CoreShowChannel\r\nValue: " + b"x" * (MAX_BLOCK + 1) + b"\r\n\r\n")
            standin.write(
                block({"Event": "CoreShowChannelsComplete", "EventList": "Complete", "ListItems": "1"} | asked)
            )
            first = await watching.until(SessionsListed)
            await watching.until(SessionsListed, lambda listed: listed is not first)
            return [item for item in watching.items if isinstance(item, SessionsListed)]

    lists = asyncio.run(run())
    assert [len(listed.sessions or ()) for listed in lists] == [0, 1]


@pytest.mark.fault(14)
def test_bytes_in_any_pieces_are_the_same_call() -> None:
    async def run() -> list[str]:
        async with connected() as (standin, watching):
            data = b"".join(block(event) for event in events_of("observe/answered_caller_hangs_up"))
            for start in range(0, len(data), 97):
                standin.write(data[start : start + 97])
                if start % 5 == 0:
                    await asyncio.sleep(0)
            await watching.state(CALLER_HUNG_UP)
            return [str(item.session.session_state) for item in watching.items if isinstance(item, SessionSeen)]

    assert asyncio.run(run()) == ["Setup", "Setup", "Ringing", "InCall", "CallerHungUp"]


# --- the login ------------------------------------------------------------------------------------------------------


@pytest.mark.fault(19)
def test_a_login_that_is_not_answered_is_told_as_that(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connector, "ANSWER_WITHIN", 0.1)

    async def run() -> str:
        async with manager() as standin, watched(access(standin.port)) as watching:
            standin.answers["Login"] = None
            return (await watching.until(ConnectionState)).detail

    detail = asyncio.run(run())
    assert "the login of ozrules was not answered by 127.0.0.1:" in detail
    assert "manager show connected" in detail


@pytest.mark.fault(19)
def test_a_login_that_ends_the_connection_is_told_as_that() -> None:
    async def run() -> str:
        async with manager() as standin, watched(access(standin.port)) as watching:
            standin.answers["Login"] = None
            standin.meanwhile["Login"] = standin.hang_up
            return (await watching.until(ConnectionState)).detail

    detail = asyncio.run(run())
    assert "closed the connection at the login of ozrules" in detail
    assert "permit" in detail


# --- who is inside --------------------------------------------------------------------------------------------------


def test_the_first_connect_says_which_endpoints_count_as_what() -> None:
    contexts = {"1001": "internal", "1002": "from-trunk", "anonymous": "from-sip-external", "trunk": "from-trunk"}

    async def run() -> tuple[str, list[Fields], str | None]:
        async with manager() as standin:
            standin.may = (*TELLS, "DeviceStateList")
            standin.devices = [*(f"PJSIP/{name}" for name in contexts), "SIP/1005", "Queue:support", "PJSIP/a,b)"]
            standin.contexts = contexts
            async with connected_to(standin) as watching:
                detail = (await watching.until(ConnectionState)).detail
                begun = [one for one in events_of("observe/answered_caller_hangs_up") if "1002" in str(one)]
                standin.raise_events(begun)
                seen = await watching.until(SessionSeen, lambda seen: seen.session.callee_call_leg_id is not None)
                return detail, standin.sent("Getvar"), seen.session.direction

    detail, asked, direction = asyncio.run(run())
    assert detail.endswith(
        "; phones: PJSIP/1001; trunks: PJSIP/trunk; named nowhere, so their calls count as from outside: "
        "PJSIP/1002 (dials in from-trunk), PJSIP/a,b), PJSIP/anonymous (dials in from-sip-external), SIP/1005; "
        "name them under phones or trunks"
    )
    variables = {one["Variable"] for one in asked if not one["Variable"].startswith("DIALPLAN_EXISTS(")}
    assert variables == {f"PJSIP_ENDPOINT({name},context)" for name in contexts}
    assert direction == "outbound"  # by its endpoint, the phone that rings is none of ours


@pytest.mark.fault(41)
def test_who_is_named_nowhere_is_told_at_the_first_call() -> None:
    async def run() -> list[str]:
        async with connected() as (standin, watching):
            for number in range(30):
                for turn in range(2):
                    leg_id = f"1796053000.{number}{turn}"
                    leg = {"Channel": f"PJSIP/guest{number}-{turn}", "Uniqueid": leg_id, "Linkedid": leg_id}
                    standin.raise_events([{"Event": "Newchannel", "CallerIDNum": "1005"} | leg])
            await watching.until(SessionSeen, lambda seen: seen.session.session_id == "1796053000.291")
            return [item.detail for item in watching.items if isinstance(item, ConnectionState)]

    told = asyncio.run(run())[1:]
    assert len(told) == connector.MOST_TOLD
    assert told[0] == (
        "connected; named nowhere, so their calls count as from outside: PJSIP/guest0; name them under phones or trunks"
    )
