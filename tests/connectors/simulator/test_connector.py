"""The simulated phone system on the daemon's own clock; the rest is in tests/ports."""

from ozrules.connectors.simulator import OFFICE, Behaviour, PhoneSystem, SimulatorConnector, Switchboard, traffic
from ozrules.engine.events import SessionSeen
from tests.fakes.clock import StandingClock
from tests.fakes.connectors import reading


async def test_changes_come_at_their_moments_and_in_the_end_it_is_quiet() -> None:
    clock = StandingClock()
    phones = PhoneSystem(OFFICE, Behaviour(), start=clock.now(), seed=1)
    for at, plan in traffic(20, rate=0.5, start=clock.now(), seed=1, habits=["answer", "busy"]):
        phones.place(plan, at)
    connector = SimulatorConnector("office", Switchboard(phones, seed=1), clock)
    async with reading(connector) as reader:
        await reader.ready()
        assert not connector.quiet
        for _ in range(60):
            await clock.advance(10.0)
        assert connector.quiet
        seen = reader.of(SessionSeen)
        assert sum(each.kind == "closed" for each in seen) == 20
        assert all(each.at == each.reported_at for each in seen)
