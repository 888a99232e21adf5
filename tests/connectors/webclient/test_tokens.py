"""Tokens that are renewed: in virtual time for years, and on a page in a browser without losing a call."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from ozrules.connectors.webclient.tokens import DAY, FixedToken, NotGiven, RenewedToken
from ozrules.engine.events import Accepted, Gap, SessionsListed
from tests.connectors.webclient.linked import linked
from tests.fakes.clock import StandingClock, settle
from tests.standin.webphone import Webphone


class Giver:
    """A phone system that gives out tokens, or does not."""

    def __init__(self) -> None:
        self.clock = StandingClock()
        self.given: dict[str, bool] = {}
        self.times: list[float] = []
        self.refuses: NotGiven | None = None
        self.tried = 0
        self.problems: list[str | None] = []
        self.tokens = RenewedToken(
            "office",
            self._give,
            life=DAY,
            clock=self.clock,
            chance=random.Random(1),
            trouble=self.problems.append,
        )

    async def _give(self) -> str:
        self.tried += 1
        if self.refuses is not None:
            raise self.refuses
        token = f"token-{len(self.times)}"
        self.given[token] = True
        self.times.append(self.clock.now())
        return token

    @asynccontextmanager
    async def running(self) -> AsyncIterator[RenewedToken]:
        async with asyncio.TaskGroup() as group:
            task = group.create_task(self.tokens.run())
            await settle()
            yield self.tokens
            task.cancel()


@pytest.mark.fault(20)
async def test_a_given_token_is_read_anew_each_time_it_is_shown(caplog: pytest.LogCaptureFixture) -> None:
    kept: list[str | None] = ["first"]

    def read() -> str:
        if kept[0] is None:
            raise NotGiven("/etc/token: No such file or directory.", denied=False)
        return kept[0]

    tokens = FixedToken("office", read)
    assert await tokens.current() == "first"
    kept[0] = "second"
    assert await tokens.current() == "second"
    kept[0] = None
    assert await tokens.current() == "second"
    assert "No such file" in caplog.text
    kept[0] = "third"
    assert await tokens.current() == "third"


async def test_for_years_there_is_always_a_token_that_holds() -> None:
    giver = Giver()
    async with giver.running() as tokens:
        for days in range(3 * 365):
            number = int((await tokens.current()).removeprefix("token-"))
            assert giver.clock.now() - giver.times[number] < DAY, days
            await giver.clock.advance(DAY)
    assert len(giver.times) == pytest.approx(3 * 365 / 0.8, abs=3)
    assert set(giver.problems) == {None}


async def test_who_shows_a_token_learns_of_the_next() -> None:
    giver = Giver()
    async with giver.running() as tokens, asyncio.TaskGroup() as group:
        assert await tokens.current() == "token-0"
        newer = group.create_task(tokens.renewed())
        await giver.clock.advance(DAY * 0.79)
        assert not newer.done()
        await giver.clock.advance(DAY * 0.02)
        assert newer.done()
        assert await tokens.current() == "token-1"


@pytest.mark.fault(20)
async def test_while_none_is_given_the_old_one_stays_and_it_is_said() -> None:
    giver = Giver()
    async with giver.running() as tokens:
        assert await tokens.current() == "token-0"
        giver.refuses = NotGiven("over branch: cannot reach 192.0.2.2:7780", denied=False)
        await giver.clock.advance(DAY * 0.8)
        assert giver.problems == [None]  # one try that failed is no trouble yet
        await giver.clock.advance(300.0)
        assert await tokens.current() == "token-0"
        assert (giver.problems[-1] or "").startswith(
            "no new token: over branch: cannot reach 192.0.2.2:7780; the old one"
        )
        assert "holds for" in (giver.problems[-1] or "")
        assert 12 <= giver.tried - 1 <= 40  # again and again, at most every half minute
        await giver.clock.advance(DAY * 0.2)
        assert "has expired" in (giver.problems[-1] or "")
        giver.refuses = None
        await giver.clock.advance(31.0)
        assert giver.problems[-1] is None
        assert await tokens.current() == "token-1"


@pytest.mark.fault(20)
async def test_who_is_not_wanted_does_not_ask_often() -> None:
    giver = Giver()
    giver.refuses = NotGiven("user name or password is wrong", denied=True)
    async with giver.running():
        assert "there is none yet" in (giver.problems[0] or "")
        await giver.clock.advance(3600.0)
    assert giver.tried <= 121


async def test_a_token_is_waited_for() -> None:
    giver = Giver()
    giver.refuses = NotGiven("not now", denied=False)
    async with giver.running() as tokens, asyncio.TaskGroup() as group:
        waiting = group.create_task(tokens.current())
        await giver.clock.advance(60.0)
        assert not waiting.done()
        giver.refuses = None
        await giver.clock.advance(60.0)
        assert waiting.result() == "token-0"


@pytest.mark.fault(20)
async def test_a_token_that_is_refused_is_replaced_at_once_and_an_old_one_is_nothing() -> None:
    giver = Giver()
    async with giver.running() as tokens:
        tokens.refused(await tokens.current())
        await settle()
        assert await tokens.current() == "token-1"
        tokens.refused("token-0")
        await settle()
        assert giver.tried == 2


# --- on a page ------------------------------------------------------------------------------------------------------


@pytest.mark.fault(20)
def test_a_page_takes_each_new_token_and_no_call_is_lost() -> None:
    giver = Giver()
    phone = Webphone(giver.given)

    async def days() -> tuple[SessionsListed, object]:
        async with phone.running(), linked(phone, tokens=giver.tokens) as office:
            listed = await office.ready()
            session = await office.ring()
            for _ in range(3):
                before = len(office.items)
                await giver.clock.advance(DAY * 0.81)
                await office.until(Gap, after=before)
                listed = await office.ready(after=before)
            return listed, await office.call("forward", session, to="2010")

    listed, receipt = asyncio.run(days())
    assert [session.session_state for session in listed.sessions or ()] == ["Ringing"]
    assert receipt == Accepted()
    assert [given.token for given in phone.connects] == ["token-0", "token-1", "token-2", "token-3"]


@pytest.mark.fault(19)
@pytest.mark.fault(20)
def test_a_phone_system_that_forgot_its_tokens_is_asked_for_another() -> None:
    giver = Giver()
    phone = Webphone(giver.given)

    async def forget() -> SessionsListed:
        async with phone.running(), linked(phone, tokens=giver.tokens) as office:
            await office.ready()
            await office.ring()
            before = len(office.items)
            giver.given.clear()  # it was started anew
            await phone.drop()
            await office.until(Gap, after=before)
            return await office.ready(after=before)

    assert len(asyncio.run(forget()).sessions or ()) == 1
    assert phone.connects[-1].token == "token-1"
