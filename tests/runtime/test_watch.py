"""Who looks hears of each session that changed, once; where nobody looks nothing is kept."""

from tests.engine.forge import enters, forward, rule, rules
from tests.runtime.desk import desk

RULES = rules(rule("no-answer", enters("Ringing", hold=20.0), forward("2010")))


async def test_a_session_that_changes_is_named_once() -> None:
    async with desk(RULES) as one:
        await one.connect()
        one.watch.watching = True
        await one.see("Ringing", "s1")
        await one.see("InCall", "s1")
        await one.see("Ringing", "s2")
        assert sorted(key.session_id for key in one.watch.take()) == ["s1", "s2"]
        assert one.watch.take() == set()
        await one.clock.advance(20.0)
        assert [key.session_id for key in one.watch.take()] == ["s2"]


async def test_nothing_is_kept_for_nobody() -> None:
    async with desk(RULES) as one:
        await one.connect()
        await one.see("Ringing")
        assert one.watch.take() == set()
