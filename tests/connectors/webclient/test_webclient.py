"""What goes wrong around the page: refusals, lost connections, a dead browser; and where secrets must not be."""

import asyncio
import contextlib
import os
import random
import signal
import tempfile
from collections.abc import Coroutine, Iterator
from pathlib import Path
from typing import Any, Literal, TypeVar

import pytest

from ozrules.connectors.webclient import webclient
from ozrules.connectors.webclient.tokens import FixedToken
from ozrules.connectors.webclient.webclient import WebClient, bridge_url
from ozrules.engine.events import Accepted, Gap, Refused, SessionsListed
from ozrules.runtime.ports import ConnectionState
from ozrules.session.session import Session
from tests.connectors.webclient.linked import (
    BRIDGE_TOKEN,
    PASSWORD,
    TOKEN,
    WATCHING_TOKEN,
    linked,
)
from tests.standin.webphone import Options, Webphone

T = TypeVar("T")


def run(test: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(test)


@pytest.fixture
def phone() -> Webphone:
    return Webphone({TOKEN: True, WATCHING_TOKEN: False})


@pytest.fixture
def scratch(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where browsers keep their profiles during the test. Its path is short: a browser makes sockets there."""
    with tempfile.TemporaryDirectory(prefix="oz") as folder:
        monkeypatch.setattr(tempfile, "tempdir", folder)
        yield Path(folder)


@pytest.mark.fault(27)
@pytest.mark.parametrize("form", ["exception", "event"])
def test_a_method_without_the_privilege_is_denied_once(phone: Webphone, form: Literal["exception", "event"]) -> None:
    phone.options = Options(refusal=form)

    async def refuse() -> object:
        async with phone.running(), linked(phone, token=WATCHING_TOKEN) as office:
            await office.ready()
            session = await office.ring()
            assert await office.call("startListen", session) == Accepted()
            return await office.call("forward", session, to="2010")

    receipt = run(refuse())
    assert isinstance(receipt, Refused)
    assert receipt.kind == "denied"
    assert "forward" in receipt.message
    assert [(call.method, call.refused) for call in phone.ledger] == [("startListen", None), ("forward", "denied")]


@pytest.mark.fault(27, 30)
def test_a_silent_refusal_is_handed_over_and_no_more(phone: Webphone) -> None:
    phone.options = Options(refusal="silence")

    async def refuse() -> object:
        async with phone.running(), linked(phone, token=WATCHING_TOKEN) as office:
            await office.ready()
            return await office.call("forward", await office.ring(), to="2010")

    assert run(refuse()) == Accepted()
    assert [call.method for call in phone.ledger] == ["forward"]


def test_moved_party_decides_whom_blind_transfer_names(phone: Webphone) -> None:
    async def transfer() -> None:
        async with phone.running(), linked(phone, moved_party="other") as office:
            await office.ready()
            await office.call("blindTransfer", await office.ring(), to="2000", party="caller")

    run(transfer())
    assert [call.args for call in phone.ledger] == [("2001", "2000")]


@pytest.mark.fault(1, 5)
def test_a_lost_connection_is_a_gap_and_then_a_new_list(phone: Webphone) -> None:
    async def lose() -> tuple[Gap, ConnectionState, SessionsListed, Session, Session]:
        async with phone.running(), linked(phone) as office:
            await office.ready()
            ended, live = await office.ring(), await office.ring()
            await office.phone.change(live.session_id, "InCall")
            await office.seen(live.session_id, "stateChanged")
            before = len(office.items)
            phone.forget(ended.session_id)
            await phone.drop()
            gap = await office.until(Gap, after=before)
            down = await office.until(ConnectionState, lambda item: not item.ready, after=before)
            await office.ready(after=before)
            listed = await office.until(SessionsListed, lambda item: item.complete, after=before)
            return gap, down, listed, ended, live

    gap, down, listed, ended, live = run(lose())
    assert "CONNECTION_CLOSED" in gap.why
    assert "CONNECTION_CLOSED" in down.detail
    assert listed.complete
    states = {session.session_id: session.session_state for session in listed.sessions or ()}
    assert states == {live.session_id: "InCall"}
    assert ended.session_id not in states


@pytest.mark.fault(15)
def test_a_list_that_is_longer_than_a_frame_comes_whole(phone: Webphone) -> None:
    async def many() -> list[SessionsListed]:
        async with phone.running():
            for _ in range(700):
                await phone.create()
            async with linked(phone) as office:
                await office.ready()
                first = await office.until(SessionsListed, lambda item: item.complete)
                before = len(office.items)
                await office.connector.request_list()
                return [first, await office.until(SessionsListed, after=before)]

    for listed in run(many()):
        assert listed.complete
        assert {session.session_id for session in listed.sessions or ()} == {f"s{number}" for number in range(1, 701)}


@pytest.mark.fault(19)
def test_a_phone_system_that_is_down_is_waited_for(phone: Webphone) -> None:
    phone.serves_script = False

    async def wait() -> tuple[ConnectionState, object]:
        async with phone.running(), linked(phone) as office:
            down = await office.until(ConnectionState, lambda item: "CONNECTION_FAILED" in item.detail)
            before = len(office.items)
            phone.serves_script = True
            await office.ready(after=before)
            return down, await office.call("hangup", await office.ring())

    down, receipt = run(wait())
    assert not down.ready
    assert "/WebphoneAPI" in down.detail
    assert receipt == Accepted()


@pytest.mark.fault(20)
def test_a_wrong_token_is_said_and_not_tried_again_at_once(phone: Webphone) -> None:
    async def deny() -> ConnectionState:
        async with phone.running(), linked(phone, token="canary-wrong-token") as office:
            return await office.until(ConnectionState, lambda item: "ACCESS_DENIED" in item.detail)

    denied = run(deny())
    assert not denied.ready
    assert "has run out" in denied.detail
    assert "read again at each try" in denied.detail
    assert len(phone.connects) == 1


def test_a_webphone_extension_gives_its_password(phone: Webphone) -> None:
    phone.password = PASSWORD

    async def connect() -> None:
        async with phone.running(), linked(phone, password=PASSWORD) as office:
            await office.ready()

    run(connect())
    assert [given.properties for given in phone.connects] == [{"Password": PASSWORD}]


@pytest.mark.fault(1, 81)
@pytest.mark.parametrize("end", ["the browser dies", "the page dies", "the page hangs"])
def test_a_browser_that_fails_is_started_again(
    phone: Webphone, scratch: Path, end: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webclient, "HEARTBEAT", 0.2)
    monkeypatch.setattr(webclient, "SILENCE", 2.0)

    async def kill() -> SessionsListed:
        async with phone.running(), linked(phone) as office:
            await office.ready()
            session = await office.ring()
            before = len(office.items)
            for pid in [min(_browsers(scratch))] if end == "the browser dies" else _pages(scratch):
                os.kill(pid, signal.SIGSTOP if end == "the page hangs" else signal.SIGKILL)
            await office.until(Gap, after=before)
            listed = await office.ready(after=before)
            assert await office.call("forward", session, to="2010") == Accepted()
            return listed

    listed = run(kill())
    assert [session.session_state for session in listed.sessions or ()] == ["Ringing"]
    assert [call.args for call in phone.ledger] == [("2010",)]


def test_the_browser_ends_with_us_and_leaves_nothing(phone: Webphone, scratch: Path) -> None:
    async def start() -> set[int]:
        async with phone.running(), linked(phone) as office:
            await office.ready()
            return _browsers(scratch)

    assert run(start())
    assert _browsers(scratch) == set()
    assert list(scratch.iterdir()) == []


def test_the_page_comes_back_when_the_daemon_does(phone: Webphone) -> None:
    async def restart() -> None:
        async with phone.running(), linked(phone) as office:
            await office.ready()
            await office.stop_reading()
            before = len(office.items)
            session_id = await phone.create()
            office.start_reading()
            listed = await office.ready(after=before)
            assert [session.session_id for session in listed.sessions or ()] == [session_id]

    run(restart())


@pytest.mark.fault(99)
def test_secrets_are_in_no_command_line_environment_file_or_log(
    phone: Webphone, scratch: Path, caplog: pytest.LogCaptureFixture
) -> None:
    phone.password = PASSWORD
    canaries = [secret.encode() for secret in (TOKEN, PASSWORD, BRIDGE_TOKEN)]

    async def look() -> list[bytes]:
        async with phone.running(), linked(phone, password=PASSWORD) as office:
            await office.ready()
            await phone.report_error(Message=f"token {TOKEN} and password {PASSWORD}")
            await office.ring()
            await phone.drop()
            await office.until(ConnectionState, lambda item: "CONNECTION_CLOSED" in item.detail)
            return [text for pid in _browsers(scratch) for text in _visible(pid)] + _files(scratch)

    with caplog.at_level("DEBUG"):
        shown = run(look())
    assert len(shown) > 20
    for canary in canaries:
        assert not [text for text in shown if canary in text]
    assert "reports" in caplog.text
    assert "canary" not in caplog.text


def test_a_bridge_token_that_no_browser_can_send_is_refused_at_the_start() -> None:
    with pytest.raises(ValueError, match="a browser can send"):
        WebClient(
            connection="office",
            server="127.0.0.1",
            tokens=FixedToken("office", lambda: TOKEN),
            bridge_token="a b",
            chance=random.Random(1),
        )


def test_a_bridge_that_listens_everywhere_is_reached_here() -> None:
    assert bridge_url("0.0.0.0", 8790) == "ws://127.0.0.1:8790/"
    assert bridge_url("::", 8790) == "ws://[::1]:8790/"
    assert bridge_url("192.168.1.2", 8790) == "ws://192.168.1.2:8790/"


def _browsers(scratch: Path) -> set[int]:
    """The processes of browsers whose profile lies in ``scratch``."""
    return {
        int(entry.name)
        for entry in Path("/proc").iterdir()
        if entry.name.isdigit() and any(str(scratch).encode() in text for text in _visible(int(entry.name)))
    }


def _pages(scratch: Path) -> set[int]:
    return {pid for pid in _browsers(scratch) if b"--type=renderer" in _visible(pid)[0]}


def _files(folder: Path) -> list[bytes]:
    found = []
    for path in folder.rglob("*"):
        with contextlib.suppress(OSError):  # sockets, and what the browser removes meanwhile
            found.append(path.read_bytes())
    return found


def _visible(pid: int) -> list[bytes]:
    """What others can read of a process."""
    shown = []
    for name in ("cmdline", "environ"):
        with contextlib.suppress(OSError):
            shown.append(Path(f"/proc/{pid}/{name}").read_bytes())
    return shown
