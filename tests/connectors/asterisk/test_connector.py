"""The connector over a real socket: login, lists, losses, and whatever a manager may send."""

import asyncio
import ssl
from pathlib import Path

import msgspec
import pytest

from ozrules.connectors.asterisk import connector, link
from ozrules.connectors.asterisk.ami import Fields
from ozrules.connectors.asterisk.legs import FOR, OURS
from ozrules.engine.events import ConnectionOpened, Gap, Refused, SessionSeen, SessionsListed
from ozrules.runtime.ports import ConnectionState, FromPhoneSystem, Malformed
from ozrules.session.state import CALLER_HUNG_UP, IN_CALL
from tests.connectors.asterisk.certificate import self_signed
from tests.connectors.asterisk.manager import PASSWORD, access, block, connected, manager, watched
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
def test_what_is_no_manager_is_said_to_be_none() -> None:
    async def run() -> ConnectionState:
        async with manager() as standin, watched(access(standin.port)) as watching:
            standin.banner = "HTTP/1.1 400 Bad Request\r\n\r"
            await asyncio.sleep(0)
            standin_closes = asyncio.get_running_loop().call_later(0.2, standin.hang_up)
            state = await watching.until(ConnectionState)
            standin_closes.cancel()
            return state

    assert "no manager interface" in asyncio.run(run()).detail


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


def test_events_that_are_lost_while_the_list_is_read_have_it_read_once_more() -> None:
    async def run() -> int:
        async with connected() as (standin, watching):
            standin.answers["CoreShowChannels"] = None
            standin.write(b"Event: X\r\nnonsense\r\n\r\n" * 50)
            asked = await standin.action("CoreShowChannels", count=2)
            await watching.until(Malformed)
            del standin.answers["CoreShowChannels"]
            standin.write(block({"Response": "Success", "EventList": "start", "ActionID": asked["ActionID"]}))
            complete = {"Event": "CoreShowChannelsComplete", "EventList": "Complete", "ActionID": asked["ActionID"]}
            standin.write(block(complete))
            await standin.action("CoreShowChannels", count=3)
            standin.raise_events(events_of("observe/callee_busy_486"))
            await watching.until(SessionSeen, lambda seen: seen.kind == "closed")
            return len(standin.sent("CoreShowChannels"))

    assert asyncio.run(run()) == 3
