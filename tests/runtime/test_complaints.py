"""What asyncio complains of: that no file is left is said once, all else as ever."""

import asyncio
import errno
import logging
import resource
import socket

import pytest

from ozrules.runtime.complaints import QUIET_FOR, Complaints
from tests.fakes.phone import QuietLog


@pytest.mark.fault(82)
async def test_where_no_file_is_left_for_a_connection_it_is_said_once(caplog: pytest.LogCaptureFixture) -> None:
    log, loop = QuietLog(), asyncio.get_running_loop()
    said = asyncio.Event()
    complaints = Complaints(log)

    def hear(loop: asyncio.AbstractEventLoop, context: dict[str, object]) -> None:
        for _ in range(10):  # as asyncio does, second by second
            complaints(loop, context)
        said.set()

    loop.set_exception_handler(hear)
    server = await asyncio.start_server(lambda reader, writer: writer.close(), "127.0.0.1", 0, backlog=8)
    clients = [socket.socket() for _ in range(3)]
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        for client in clients:
            client.setblocking(False)
            client.connect_ex(server.sockets[0].getsockname())
        resource.setrlimit(resource.RLIMIT_NOFILE, (3, hard))  # all that is open stays open
        async with asyncio.timeout(30):
            await said.wait()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        server.close()
        for client in clients:
            client.close()
    assert [why for _, _, why in log.said] == [{"why": "Too many open files"}]
    assert caplog.records == []


def test_it_is_said_again_after_a_quiet_while_and_all_else_goes_its_way(caplog: pytest.LogCaptureFixture) -> None:
    log = QuietLog()
    complaints = Complaints(log)

    class Loop(asyncio.SelectorEventLoop):
        now = 0.0

        def time(self) -> float:
            return self.now

    loop = Loop()
    try:
        context: dict[str, object] = {"message": "", "exception": OSError(errno.ENFILE, "x"), "socket": None}
        for loop.now in (0.0, 1.0, 1.0 + QUIET_FOR, 2.0 + QUIET_FOR):
            complaints(loop, context)
        assert len(log.said) == 2
        with caplog.at_level(logging.ERROR):
            complaints(loop, {"message": "a fault", "exception": OSError(errno.EMFILE, "x")})
            complaints(loop, {"message": "another", "exception": ValueError(), "socket": None})
        assert [record.getMessage().split("\n")[0] for record in caplog.records] == ["a fault", "another"]
        assert len(log.said) == 2
    finally:
        loop.close()
