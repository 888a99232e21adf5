"""The oracle's own connection to a manager, against one that says what it is told to say."""

import asyncio

from tests.oracle.small import Script
from tests.oracle.tap import tap


def test_all_that_came_before_an_answer_is_known_after_it() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"Asterisk Call Manager/9.0\r\n")
        asked = (await reader.readuntil(b"\r\n\r\n")).decode()
        assert "Action: Login\r\n" in asked
        assert "Secret: word\r\n" in asked
        writer.write(b"Response: Success\r\nActionID: tap-1\r\n\r\n")
        await reader.readuntil(b"\r\n\r\n")
        for byte in Script().talk(0).text:
            writer.write(bytes([byte]))
        writer.write(b"Response: Success\r\nActionID: tap-2\r\nPing: Pong\r\n\r\n")
        await reader.read()
        writer.close()

    async def run() -> None:
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        async with server, tap(server.sockets[0].getsockname()[1], "user", "word") as one:
            await one.ask("Ping")
            assert one.history().moments[-1].are_together("1001", "1002")

    asyncio.run(run())


def test_what_a_manager_said_before_it_died_is_known() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"ActionID: tap-1\r\n\r\n" + Script().talk(0).text + b"Event: Hang")
        writer.close()

    async def run() -> None:
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        async with server, tap(server.sockets[0].getsockname()[1], "user", "word") as one:
            await one.ask("Ping")
            assert one.history().moments[-1].are_together("1001", "1002")

    asyncio.run(run())
