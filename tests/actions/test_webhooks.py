"""The queue of webhooks against a real server on this host, in a time that only passes when somebody waits."""

import asyncio
import json
import random
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from msgspec import structs

from ozrules.actions.targets import Targets
from ozrules.actions.webhooks import MOST_WAITING, Webhooks
from ozrules.engine.effects import Post
from ozrules.engine.events import Accepted, PostSettled, Withheld
from ozrules.runtime.secret import Secret
from tests.fakes.clock import StandingClock
from tests.fakes.effects import post
from tests.fakes.phone import QuietLog

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]
PASSED = 100.0


class Store:
    """Keeps what becomes of webhooks."""

    def __init__(self, *pending: tuple[Post, float]) -> None:
        self.pending = list(pending)
        self.settled: asyncio.Queue[tuple[str, str, str | None]] = asyncio.Queue()

    def settle(self, event: PostSettled) -> None:
        self.settled.put_nowait((event.post.id, event.outcome, event.error))


class Receiver:
    """A web server that answers as its script says, the last answer for ever."""

    def __init__(self, answers: Sequence[Answer]) -> None:
        self.answers = list(answers)
        self.requests: list[tuple[dict[str, str], bytes]] = []
        self.url = ""

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.requests.append((dict(request.headers), await request.read()))
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return await answer(request)


def _status(status: int, **headers: str) -> Answer:
    async def answer(request: web.Request) -> web.StreamResponse:
        return web.Response(status=status, headers=headers)

    return answer


async def _lost(request: web.Request) -> web.StreamResponse:
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


async def _never_ends(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    await response.write(b"x" * 100_000)
    return response


@asynccontextmanager
async def _receiver(*answers: Answer) -> AsyncIterator[Receiver]:
    receiver = Receiver(answers)
    application = web.Application()
    application.router.add_route("*", "/{any:.*}", receiver.handle)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    receiver.url = f"http://127.0.0.1:{runner.addresses[0][1]}/"
    try:
        yield receiver
    finally:
        await runner.cleanup()


@asynccontextmanager
async def _queue(
    store: Store, allow: str, *, expire: float = 3600.0, clock: StandingClock | None = None
) -> AsyncIterator[Webhooks]:
    webhooks = Webhooks(store.pending, clock or StandingClock(), QuietLog(), random.Random(1))
    webhooks.apply(Targets((allow,), ()), Secret("s"), expire)
    async with asyncio.TaskGroup() as group:
        running = group.create_task(webhooks.run(store.settle))
        try:
            yield webhooks
        finally:
            running.cancel()


def test_a_webhook_is_delivered_signed_and_as_json() -> None:
    async def scene() -> None:
        store = Store()
        async with _receiver(_status(204)) as receiver, _queue(store, receiver.url) as webhooks:
            assert webhooks.post(post(1, url=receiver.url + "calls", body={"a": "b"})) == Accepted()
            assert await store.settled.get() == ("1-0", "confirmed", None)
            headers, body = receiver.requests[0]
            assert json.loads(body)["data"] == {"a": "b"}
            assert headers["Content-Type"].startswith("application/cloudevents+json")
            assert headers["webhook-signature"].startswith("v1,")
            assert headers["webhook-id"] == json.loads(body)["id"]
            assert (webhooks.waiting, webhooks.delivered, webhooks.dead) == (0, 1, 0)

    asyncio.run(scene())


@pytest.mark.fault(43, 44)
def test_it_is_tried_again_under_the_same_id_until_it_is_taken() -> None:
    async def scene() -> None:
        store = Store()
        answers = (_lost, _status(500), _status(404), _status(200))
        async with _receiver(*answers) as receiver, _queue(store, receiver.url) as webhooks:
            webhooks.post(post(1, url=receiver.url))
            assert (await store.settled.get())[1] == "confirmed"
            assert len(receiver.requests) == 4
            assert len({headers["webhook-id"] for headers, _ in receiver.requests}) == 1
            assert len({body for _, body in receiver.requests}) == 1

    asyncio.run(scene())


@pytest.mark.fault(43)
def test_after_its_time_it_is_dead_and_counted() -> None:
    async def scene() -> None:
        store, clock = Store(), StandingClock()
        began = clock.at
        async with _receiver(_status(503)) as receiver, _queue(store, receiver.url, clock=clock) as webhooks:
            webhooks.post(post(1, url=receiver.url))
            assert await store.settled.get() == ("1-0", "expired", "status 503")
            assert webhooks.dead == 1
            assert clock.at - began == 3600.0, "the last try is made when the time is over, not before"
            assert 8 <= len(receiver.requests) <= 20, "the pauses grow"

    asyncio.run(scene())


@pytest.mark.fault(22, 43)
@pytest.mark.parametrize("by", [86_400.0, -86_400.0])
def test_a_wall_clock_that_is_set_neither_ends_nor_prolongs_delivery(by: float) -> None:
    async def scene() -> None:
        store, clock = Store(), StandingClock()

        async def sets_the_clock(request: web.Request) -> web.StreamResponse:
            clock.offset += by
            return web.Response(status=503)

        began = clock.at
        async with (
            _receiver(sets_the_clock, _status(503)) as receiver,
            _queue(store, receiver.url, clock=clock) as webhooks,
        ):
            webhooks.post(post(1, url=receiver.url))
            assert (await store.settled.get())[1] == "expired"
            assert 1000.0 <= clock.at - began <= 3600.0

    asyncio.run(scene())


@pytest.mark.fault(43)
@pytest.mark.parametrize(
    ("status", "wanted", "least"),
    [
        (429, "120", 120.0),
        (503, "Mon, 12 Jan 1970 13:48:40 GMT", 120.0),
        (503, "Mon, 12 Jan 1970 13:48:40 -0000", 120.0),
        (429, "9" * 400, 3600.0),
        (429, "Thu, 01 Jan 1970 00:00:00 GMT", 0.0),
        (429, "soon", 0.0),
        (429, "Thu, 01 Jan 99999999999 00:00:00 GMT", 0.0),
        (429, "-5", 0.0),
        (500, "120", 0.0),
    ],
)
def test_a_busy_target_says_when_it_may_be_asked_again(status: int, wanted: str, least: float) -> None:
    async def scene() -> None:
        store, clock = Store(), StandingClock()
        busy = _status(status, **{"Retry-After": wanted})
        async with (
            _receiver(busy, _status(200)) as receiver,
            _queue(store, receiver.url, expire=86_400.0, clock=clock) as webhooks,
        ):
            began = clock.at
            webhooks.post(post(1, url=receiver.url))
            assert (await store.settled.get())[1] == "confirmed"
            assert least <= clock.at - began <= least + 1.0

    asyncio.run(scene())


@pytest.mark.fault(43)
def test_who_no_longer_wants_any_gets_no_more() -> None:
    async def scene() -> None:
        store = Store()
        async with _receiver(_status(410)) as receiver, _queue(store, receiver.url) as webhooks:
            webhooks.post(post(1, url=receiver.url))
            assert (await store.settled.get())[1] == "rejected"
            assert len(receiver.requests) == 1

    asyncio.run(scene())


@pytest.mark.fault(98)
def test_a_redirect_is_not_followed() -> None:
    async def scene() -> None:
        store = Store()
        async with (
            _receiver(_status(200)) as other,
            _receiver(_status(307, Location=other.url)) as receiver,
            _queue(store, receiver.url, expire=1.0) as webhooks,
        ):
            webhooks.post(post(1, url=receiver.url))
            assert await store.settled.get() == ("1-0", "expired", "status 307")
            assert other.requests == []

    asyncio.run(scene())


@pytest.mark.fault(43, 98)
def test_an_answer_without_end_is_not_read() -> None:
    async def scene() -> None:
        store = Store()
        async with _receiver(_never_ends) as receiver, _queue(store, receiver.url) as webhooks:
            webhooks.post(post(1, url=receiver.url))
            assert (await store.settled.get())[1] == "confirmed"

    asyncio.run(scene())


@pytest.mark.fault(98)
def test_what_is_not_allowed_is_refused_at_once() -> None:
    async def scene() -> None:
        async with _queue(Store(), "https://crm.example/") as webhooks:
            answer = webhooks.post(post(1, url="http://127.0.0.1:22/"))
            assert isinstance(answer, Withheld)
            assert answer.outcome == "rejected"
            assert webhooks.refused == 1

    asyncio.run(scene())


@pytest.mark.fault(98)
def test_a_name_that_turns_to_the_inner_network_gets_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def resolve(host: str, port: int, *_: object, **__: object) -> list[tuple[object, ...]]:
        assert host == "crm.example"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]

    async def scene() -> None:
        store = Store()
        async with _receiver(_status(200)) as receiver:
            url = receiver.url.replace("127.0.0.1", "crm.example")
            monkeypatch.setattr(socket, "getaddrinfo", resolve)  # a name server in an attacker's hands
            async with _queue(store, url, expire=1.0) as webhooks:
                webhooks.post(post(1, url=url))
                _, state, detail = await store.settled.get()
                assert state == "expired"
                assert "not public" in str(detail)
                assert receiver.requests == []

    asyncio.run(scene())


@pytest.mark.fault(94)
def test_a_header_that_http_cannot_carry_is_dead_at_once_and_reserved_ones_stay_ours() -> None:
    async def scene() -> None:
        store = Store()
        async with _receiver(_status(200)) as receiver, _queue(store, receiver.url) as webhooks:
            bad = {"X-Name": "a\r\nX-Forged: 1"}
            webhooks.post(_with_headers(post(1, url=receiver.url), bad))
            assert (await store.settled.get())[:2] == ("1-0", "rejected")
            webhooks.post(_with_headers(post(2, url=receiver.url), {"Webhook-Id": "x", "Host": "y", "X-Team": "sales"}))
            assert (await store.settled.get())[:2] == ("2-0", "confirmed")
            ((headers, _),) = receiver.requests
            assert headers["X-Team"] == "sales"
            assert "x" not in (headers["webhook-id"], headers["Host"])

    asyncio.run(scene())


def _with_headers(request: Post, headers: dict[str, str]) -> Post:
    return structs.replace(request, headers=headers)


@pytest.mark.fault(43)
def test_the_queue_has_an_end() -> None:
    async def scene() -> None:
        webhooks = Webhooks((), StandingClock(), QuietLog(), random.Random(1))
        webhooks.apply(Targets(("https://crm.example/",), ()), None, 3600.0)
        for number in range(MOST_WAITING):
            assert webhooks.post(post(number)) == Accepted()
        answer = webhooks.post(post(MOST_WAITING))
        assert isinstance(answer, Withheld)
        assert answer.outcome == "throttled"

    asyncio.run(scene())


@pytest.mark.fault(43)
def test_what_a_stopped_daemon_left_is_delivered_under_its_old_id() -> None:
    async def scene() -> None:
        async with _receiver(_status(200)) as receiver:
            store = Store((post(7, url=receiver.url), StandingClock().at - PASSED))
            async with _queue(store, receiver.url):
                assert (await store.settled.get())[:2] == ("7-0", "confirmed")

    asyncio.run(scene())
