"""One simulation: ten minutes of an office, from a seed, with everything going wrong, and then a calm in which all that
is owed must come.

A seed decides what kind of phone system it is, how dense the faults are, and each of them. The faults end after
`STORMY` seconds; the calls end some time after that.

It is one file, and a long one, because every trouble reaches for the same daemon, wire, disk and clock at its moment.
"""

import asyncio
import hashlib
import random
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, Final, Literal
from unittest.mock import patch

import msgspec

from ozrules.connectors.gateway.link import Socket
from ozrules.connectors.simulator import Behaviour
from ozrules.engine.effects import Effect
from ozrules.runtime import clock as clock_module
from ozrules.runtime.ports import JournalFailed, Record
from tests.simulation import bounds, office
from tests.simulation.disk import Disk
from tests.simulation.exchange import Exchange, Manner
from tests.simulation.life import CARRIED, Life, sends
from tests.simulation.liveness import Liveness
from tests.simulation.loop import Deadlock, SimLoop
from tests.simulation.machine import Machine
from tests.simulation.receiver import Receiver
from tests.simulation.safety import Safety
from tests.simulation.telling import STANDING, Announces
from tests.simulation.truth import Asked
from tests.simulation.wire import KEEPALIVE, Side, Wire, some_delay

STORMY: Final = 450.0
"""Seconds in which faults happen."""
ARRIVALS: Final = 510.0
"""Seconds in which people call."""
ASKS: Final = 430.0
"""Seconds in which the phone system asks where calls go: it may still go on with such a call two and a half minutes
after an answer.
"""
LASTS: Final = 600.25
"""Seconds that it takes in all, unless calls go on longer. Clocks here are set by half seconds and more: no moment of
the calendar falls on the very end, where it would be begun and not done."""
LONGEST: Final = 900.0
TAIL: Final = 30.0
"""Seconds from the end of the last call."""
HALVES: Final[tuple[frozenset[Side], ...]] = (
    frozenset({"daemon"}),
    frozenset({"gateway"}),
    frozenset({"daemon", "gateway"}),
)
ANSWERS_WITHIN: Final = 30.0
"""Seconds within which a daemon that lives answers an admin."""
LIST_ARRIVES: Final = 8.5
"""Seconds from the drawing up of a list to its arrival, at most."""
LONGEST_LINE: Final = 300
SHOWN: Final = ("rule", "reason", "by", "action", "outcome", "error", "text", "detail", "ok", "revision")
SETTLED: Final = 30.0
"""Seconds after the last fault by which every command has its outcome."""


class Result(msgspec.Struct, frozen=True):
    """What became of one seed. ``broken`` says what does not hold, with the true second at which that was seen."""

    seed: int
    broken: tuple[str, ...]
    happened: dict[str, int]
    trace: str
    calls: int
    steps: int


class World:
    """Everything there is in one simulation."""

    def __init__(self, seed: int, tell: Callable[[str], None] | None = None) -> None:
        self.chance = random.Random(seed)
        self.seed = seed
        self.happened: Counter[str] = Counter()
        self.broken: list[str] = []
        self.loop = SimLoop(random.Random(f"{seed} order"))
        self.machine = Machine(self.loop)
        self.disk = Disk()
        self.storm = True
        self._tell = tell
        self._trace = hashlib.sha256()
        manner = _manner(self.chance)
        self.exchange = Exchange(manner, self.loop, self.machine, random.Random(f"{seed} phones"), self.happened)
        self.exchange.misdeeds = self.chance.choice((0.0, 0.1, 0.3))
        self.exchange.restless = self.chance.choice((0.0, 0.1, 0.3))
        self.exchange.on_asked = self._asked
        self.safety = Safety(
            self.exchange.truth,
            self.fail,
            self.happened,
            true=self.machine.true,
            numbered=manner.numbers_changes,
            durations=manner.durations,
        )
        self.liveness = Liveness(self.exchange.truth, self.safety, self.fail, self.happened, named=manner.tells_starts)
        self.receiver = Receiver(self.chance, self.fail, self.happened, true=self.machine.true)
        self.disk.synced = self._synced
        self.slow = self.chance.random() < 0.5
        self.slow_disk = self.chance.choice((0.0, 0.05, 0.3))
        self.troubles = self.chance.choice((20.0, 40.0, 90.0))
        """Seconds between two troubles, on average."""
        self.crashes = self.chance.choice((0.0, 0.02, 0.06))
        """The share of the delicate moments at which the daemon is killed."""
        self._starts = random.Random(f"{seed} starts")
        self.setting = office.USUAL
        self.observing = False
        self.paused: frozenset[str] = frozenset()
        self.life: Life | None = None
        self._running: asyncio.Task[None] | None = None
        self._wire: Wire | None = None
        self._over = asyncio.Event()
        self._down = asyncio.Event()

    # --- what is seen -------------------------------------------------------------------------------------------------

    def fail(self, what: str) -> None:
        """Something does not hold: the simulation ends here."""
        self.trace(f"BROKEN {what}")
        self.broken.append(f"{self.machine.true():.3f} s: {what}")
        self._over.set()

    def trace(self, line: str) -> None:
        """One line of what is the same whenever the seed is."""
        line = f"{self.machine.true():10.4f} {line}"
        self._trace.update(line.encode("utf-8", "surrogatepass") + b"\n")
        if self._tell is not None:
            self._tell(line[:LONGEST_LINE])

    def _synced(self, effects: Sequence[Effect], records: Sequence[Record]) -> None:
        for record in records:
            said = [f"{name}={record.body[name]}" for name in SHOWN if record.body.get(name)]
            self.trace(f"{record.type} {record.decision or ''} {record.session_id or ''} {' '.join(said)}")
            self._trace.update(msgspec.json.encode(record.body, order="sorted"))
        self.safety.synced(effects, records)
        self.liveness.synced(effects)
        self.receiver.synced(effects)

    def _asked(self, asked: Asked) -> None:
        self.trace(f"ledger {asked.command} {asked.method} {asked.session_id} {asked.to} {asked.result}")
        self.safety.arrived(asked)
        if asked.performed:
            self._delicate("killed between an effect and its answer")
            if self.storm and self.chance.random() < 0.03 and self._wire is not None:
                self._wire.cut()
                self.happened["an answer was lost after the effect"] += 1

    def _committed(self, effects: Sequence[Effect]) -> None:
        life = self.life
        if life is None or life.dead or life.engine is None:
            return
        self.safety.kept(life.engine, self.disk.memories, self.disk.tallies)
        for what in bounds.beyond(life):
            self.fail(f"I9: {what}")
        self.liveness.standing(self._true(), self._stands())
        self.liveness.up_to_date(self._true(), life.engine)
        if sends(effects):
            self._delicate("killed between an intent and its sending")

    def _merged(self) -> None:
        self.liveness.merged(self._true())
        self._delicate("killed while a list was merged", 0.3)

    def _true(self) -> float:
        return self.machine.true()

    def _stands(self) -> bool:
        life = self.life
        return (
            life is not None
            and not life.dead
            and not life.stopping
            and self.safety.merged
            and self.safety.whole
            and self._wire is not None
            and not self._wire.deaf
            and not self.observing
            and not self.paused
            and not self.disk.full
            and not self.disk.broken
        )

    # --- the daemon's surroundings ------------------------------------------------------------------------------------

    def _opener(self, life_number: int) -> Callable[[], "asyncio.Future[Socket]"]:
        def opener() -> "asyncio.Future[Socket]":
            return asyncio.ensure_future(self._dial(life_number), loop=self.loop)

        return opener

    async def _dial(self, life_number: int) -> Socket:
        await asyncio.sleep(self._delay())
        if self.exchange.down or life_number != self._lives:
            raise ConnectionRefusedError(111, "Connection refused")
        wire = self._wire = Wire(
            self.loop,
            self.machine,
            delay=self._delay,
            asked=self.exchange.asked,
            lost=self._wire_lost,
            tag=self._tag,
        )
        late = self.storm and self.chance.random() < 0.1
        self.safety.connected()
        self.exchange.accept(wire, list_after=self.chance.uniform(0.5, 14.0) if late else 0.0)
        self.liveness.connected(self._true())
        return wire

    def _wire_lost(self, wire: Wire) -> None:
        self.exchange.lost(wire)
        if wire is self._wire:
            self.liveness.disconnected()

    def _tag(self, frame: bytes) -> object:
        """A request leaves: which command it carries."""
        command = CARRIED.get()
        if command is None or b"sessions.list" in frame:
            return None
        place = self._keys[command.id]
        self._keys[command.id] += 1
        self.trace(f"sent {command.id} {place}")
        self.safety.left(command, place if command.key is not None else 0, self._true())
        self._delicate("killed between sending and arrival")
        wire = self._wire
        if self.storm and wire is not None and self.chance.random() < 0.02:
            self.loop.call_later(self.chance.uniform(0.0, 0.01), wire.cut)
            self.happened["cut with a command under way"] += 1
        return command.id, place

    def _delay(self) -> float:
        return some_delay(self.chance, self.slow and self.storm)

    def _latency(self) -> float:
        if self.storm and self.chance.random() < self.slow_disk:
            self.happened["a sync was slow"] += 1
            return self.chance.uniform(0.2, 2.0)
        return self.chance.uniform(0.0002, 0.002)

    # --- killing ------------------------------------------------------------------------------------------------------

    def _delicate(self, moment: str, share: float = 1.0) -> None:
        """A moment at which a crash hurts most."""
        if self.storm and self.chance.random() < self.crashes * share:
            life = self.life
            self.loop.interrupt(self.chance.choice((0, 0, 1, 1, 2, 3, 5)), lambda: self._kill(life, moment))

    def _kill_soon(self, life: Life, after: int) -> None:
        self.loop.interrupt(after, lambda: self._kill(life, "killed while it started"))

    def _kill(self, life: Life | None, why: str) -> None:
        if life is None or life.dead or life is not self.life:
            return
        kept, tail = life.kill()
        self.trace(f"killed: {why}; {kept} of {tail} batches kept")
        self.happened[why] += 1
        if tail:
            self.happened["a crash " + ("kept" if kept else "lost") + " what was not synced"] += 1
        self.liveness.standing(self._true(), False)
        self.liveness.disconnected()
        if self._wire is not None:
            self._wire.abandon()
        self._down.set()

    async def _lives_on(self) -> None:
        """The service manager: starts the daemon, and starts it again."""
        self._lives = 0
        self._keys: Counter[str] = Counter()
        while True:
            self._lives += 1
            self._down = asyncio.Event()
            life = self.life = self._new_life()
            self.trace(f"life {self._lives} begins")
            self.safety.begins(life.rules, life.clock.now() - self._true(), observing=self.observing)
            self.liveness.rules(self._true(), self.setting)
            running = self._running = asyncio.ensure_future(life.run())
            if self.storm and self._starts.random() < self.crashes:
                self._kill_soon(life, self._starts.randint(1, 40))
            await self._first_of(running)
            self._ended(life, running)
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
            self.disk.broken = False
            await asyncio.sleep(self.chance.choice((0.05, 0.5, 2.0, 8.0, 25.0)) if self.storm else 0.5)

    async def _first_of(self, task: "asyncio.Task[Any]") -> None:
        """Until the task is done, or the daemon is down."""
        down = asyncio.ensure_future(self._down.wait())
        try:
            await asyncio.wait({task, down}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            down.cancel()
            await asyncio.gather(down, return_exceptions=True)

    def _new_life(self) -> Life:
        self.receiver.started()
        return Life(
            rules=office.rules_of(self.setting),
            observing=self.observing,
            paused=self.paused,
            disk=self.disk,
            safety=self.safety,
            happened=self.happened,
            chance=self.chance,
            latency=self._latency,
            opener=self._opener(self._lives),
            moved_party=self.exchange.manner.behaviour.moved_party,
            receive=self.receiver.receive,
            committed=self._committed,
            merged=self._merged,
        )

    def _ended(self, life: Life, running: "asyncio.Task[None]") -> None:
        self.liveness.standing(self._true(), False)
        self.liveness.disconnected()
        if life.dead or not running.done() or running.cancelled():
            return
        error = running.exception()
        life.kill()
        if self._wire is not None:
            self._wire.abandon()
        match _only(error):
            case None:
                self.happened["stopped in good order"] += 1
            case JournalFailed() if self.disk.broken:
                self.happened["ended because the disk broke"] += 1
            case Exception() as reason:
                self.fail(f"the daemon ended by itself: {type(reason).__name__}: {reason}")

    # --- troubles -----------------------------------------------------------------------------------------------------

    async def _trouble(self) -> None:
        kinds = (
            (self._cut, 6),
            (self._half_open, 3),
            (self._crash, 4),
            (self._stop, 2),
            (self._phones_restart, 3),
            (self._phones_away, 2),
            (self._route_lost, 2),
            (self._disk_full, 1),
            (self._disk_breaks, 1),
            (self._reload, 6),
            (self._clock_is_set, 2),
            (self._host_sleeps, 2),
            (self._observe, 2),
            (self._pause, 3),
            (self._owe, 4),
        )
        while self.storm:
            await asyncio.sleep(self.chance.expovariate(1 / self.troubles))
            if self.storm:
                kind = self.chance.choices([kind for kind, _ in kinds], [weight for _, weight in kinds])[0]
                self.trace(f"trouble: {kind.__name__}")
                await kind()

    async def _cut(self) -> None:
        if self.chance.random() < 0.5:
            await self._commands_wait(8.0)
        for _ in range(self.chance.choice((1, 1, 1, 4))):
            if self._wire is not None:
                self._wire.cut(self.chance.choice((None, 1000, 1001)))
                self.happened["the connection was cut"] += 1
            await asyncio.sleep(self.chance.uniform(0.1, 3.0))

    async def _half_open(self) -> None:
        sides = self.chance.choice(HALVES)
        if self._wire is not None:
            self.liveness.standing(self._true(), False)
            self._wire.fall_silent(sides, self.chance.uniform(KEEPALIVE / 2, KEEPALIVE))
            self.happened["half open " + ("both ways" if len(sides) == 2 else "one way")] += 1

    async def _crash(self) -> None:
        life = self.life
        self.loop.interrupt(self.chance.randint(0, 200), lambda: self._kill(life, "killed at any step"))

    async def _stop(self) -> None:
        if self.life is not None and not self.life.dead:
            self.life.stop()

    async def _phones_restart(self) -> None:
        self.exchange.down = True
        self.exchange.restart()
        await asyncio.sleep(self.chance.choice((0.0, 6.0, 20.0)))
        self.exchange.down = False
        self.happened["the phone system restarted"] += 1

    async def _phones_away(self) -> None:
        self.exchange.down = True
        if self._wire is not None:
            self._wire.cut()
        await asyncio.sleep(self.chance.choice((1.0, 7.0, 30.0)))
        self.exchange.down = False
        self.happened["nobody could connect"] += 1

    async def _route_lost(self) -> None:
        wire = self._wire
        if wire is None or wire not in self.exchange.wires:
            return
        self.exchange.shun(wire)
        self.happened["the gateway lost the phone system"] += 1
        await asyncio.sleep(self.chance.choice((0.1, 5.0)))
        self.exchange.welcome(wire)

    async def _disk_full(self) -> None:
        self.disk.full = True
        self.liveness.standing(self._true(), False)
        await asyncio.sleep(self.chance.choice((1.0, 10.0)))
        self.disk.full = False
        self.happened["the disk was full"] += 1

    async def _disk_breaks(self) -> None:
        self.disk.broken = True
        self.liveness.standing(self._true(), False)

    async def _reload(self) -> None:
        life = self.life
        setting = self.chance.choice(office.SETTINGS)
        if life is None or life.dead or life.engine is None:
            return
        waits = any(view.timers for view in life.engine.sessions())
        runs = any(view.running for view in life.engine.sessions())
        before, self.setting = self.setting, setting
        self.liveness.rules(self._true(), setting)
        reloading = asyncio.ensure_future(life.reload(office.rules_of(setting)))
        try:
            async with asyncio.timeout(ANSWERS_WITHIN):
                await self._first_of(reloading)
        except TimeoutError:
            if not life.dead:
                self.fail(f"L6: a reload is not answered within {ANSWERS_WITHIN:g} s")
        finally:
            reloading.cancel()
            (done,) = await asyncio.gather(reloading, return_exceptions=True)
        if done is False:
            self.setting = setting = before  # and the files are as they were, too
            self.happened["a reload was refused"] += 1
        self.liveness.rules(self._true(), setting)
        self.happened["rules were reloaded"] += 1
        if waits:
            self.happened["rules were reloaded while a timer waited"] += 1
        if runs:
            self.happened["rules were reloaded while a sequence ran"] += 1

    async def _clock_is_set(self) -> None:
        by = self.chance.choice((-3600.0, -30.0, -0.5, 0.5, 30.0, 3600.0, 86_400.0))
        self.machine.set_clock(by)
        self.receiver.clock_set()
        self.happened["the wall clock was set " + ("forward" if by > 0 else "back")] += 1

    async def _host_sleeps(self) -> None:
        if not await self._no_list_is_on_its_way():
            return
        self.liveness.standing(self._true(), False)
        self.machine.sleep(self.chance.choice((6.0, 20.0, 45.0)))
        self.safety.slept()
        self.exchange.poke()
        self.happened["the host slept"] += 1

    async def _no_list_is_on_its_way(self) -> bool:
        for _ in range(20):
            left = self.exchange.listed_at + LIST_ARRIVES - self.loop.time()
            if left <= 0.0:
                return self.storm
            await asyncio.sleep(left + 0.01)
        return False

    async def _observe(self) -> None:
        await self._commands_wait(20.0)
        for observing in (True, False):
            self.observing = observing
            self.liveness.standing(self._true(), False)
            if self.life is not None and not self.life.dead:
                self.life.observe(observing)
            await asyncio.sleep(10.0)
        self.happened["nothing was to be sent for a while"] += 1

    async def _commands_wait(self, seconds: float) -> None:
        """Until commands wait, for a while: whoever stops everything does so when much is going on."""
        for _ in range(round(seconds / 0.2)):
            life = self.life
            if life is not None and not life.dead and life.dispatcher is not None and life.dispatcher.waiting:
                return
            await asyncio.sleep(0.2)

    async def _pause(self) -> None:
        rule = self.chance.choice(("no-answer", "stays", "told"))
        for paused in (True, False):
            self.paused = frozenset({rule}) if paused else frozenset()
            self.liveness.standing(self._true(), False)
            if self.life is not None and not self.life.dead:
                self.life.pause(rule, paused)
            await asyncio.sleep(20.0 if paused else 1.0)
        self.happened["a rule was paused"] += 1

    async def _owe(self) -> None:
        """Nobody can connect when a moment of the calendar comes, and the daemon may be killed before anybody can."""
        life = self.life
        if life is None or life.dead:
            return
        await asyncio.sleep((58.0 - (life.clock.now() + life.clock.wall_offset())) % 60.0)
        if not self.storm:
            return
        self.exchange.down = True
        if self._wire is not None:
            self._wire.cut()
        await asyncio.sleep(self.chance.uniform(2.5, 4.0))
        if self.chance.random() < 0.7:
            self._kill(self.life, "killed while a moment was owed")
        await asyncio.sleep(self.chance.choice((0.1, 2.0)))
        self.exchange.down = False

    async def _people(self) -> None:
        while self.machine.true() < ARRIVALS:
            self.exchange.place(office.somebody_calls(self.chance))
            await asyncio.sleep(self.chance.expovariate(1 / self.chance.choice((2.0, 7.0, 7.0))))

    async def _asks(self) -> None:
        """The phone system asks where a call goes, before it has one."""
        while True:
            await asyncio.sleep(self.chance.expovariate(1 / 15.0))
            life = self.life
            if self._true() > ASKS or life is None or life.dead or life.routes is None:
                continue
            number = self.chance.choice((*office.ROUTED, office.UNTOUCHABLE))
            self.happened["where a call goes was asked"] += 1
            asking = asyncio.ensure_future(life.ask(number, f"asked-{self.happened['where a call goes was asked']}"))
            await self._first_of(asking)
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)

    # --- the whole ----------------------------------------------------------------------------------------------------

    async def _play(self) -> None:
        self._lives = 0
        parts = [
            asyncio.ensure_future(part)
            for part in (self.exchange.run(), self._lives_on(), self._trouble(), self._people(), self._asks())
        ]
        over = asyncio.ensure_future(self._over.wait())
        try:
            await self._until(STORMY, over, parts)
            self._calm()
            settled = self._true() + SETTLED
            await self._until(settled, over, parts)
            self.liveness.settled(self._true(), self.disk)
            await self._until(max(LASTS - TAIL, settled), over, parts)
            while not self.exchange.quiet and self._true() < LONGEST:
                await self._until(self._true() + 5.0, over, parts)
            await self._until(self._true() + TAIL, over, parts)
            self._end()
        except _Over:
            pass
        finally:
            for part in (*parts, over):
                part.cancel()
            if self._running is not None:
                self._running.cancel()
                parts.append(self._running)
            if self.life is not None:
                self.life.dead = True
            await asyncio.gather(*parts, over, return_exceptions=True)

    async def _until(self, true: float, over: "asyncio.Task[Literal[True]]", parts: "list[asyncio.Task[None]]") -> None:
        while self._true() < true:
            left = true - self._true()
            await asyncio.wait({over}, timeout=min(left, 10.0))
            for part in parts:
                if part.done() and not part.cancelled() and part.exception() is not None:
                    raise AssertionError("the simulation itself is broken") from part.exception()
            if over.done():
                raise _Over

    def _calm(self) -> None:
        """No more faults: what is broken is mended."""
        self.storm = False
        self.trace("calm")
        self.exchange.behave()
        self.disk.full = False
        self.receiver.works = True
        if self._wire is not None:
            self._wire.cut()  # the last fault: what follows must be right by itself
        self.liveness.calm(self._true())

    def _end(self) -> None:
        self.liveness.ended(self._true(), self.disk, self.life, self.exchange.quiet)

    def result(self) -> Result:
        return Result(
            seed=self.seed,
            broken=tuple(self.broken),
            happened=dict(sorted(self.happened.items())),
            trace=self._trace.hexdigest(),
            calls=len(self.exchange.truth.calls),
            steps=self.loop.steps,
        )

    def play(self) -> Result:
        """All of it."""
        with patch.object(clock_module, "time", self.machine):
            asyncio.set_event_loop(self.loop)
            try:
                self.loop.run_until_complete(self._play())
            except Deadlock as dead:
                self.fail(f"L6: {dead}")
            finally:
                asyncio.set_event_loop(None)
                self.loop.close()
        return self.result()


class _Over(Exception):
    """Something was broken; there is no need to go on."""


def _only(error: BaseException | None) -> BaseException | None:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def _manner(chance: random.Random) -> Manner:
    """A phone system, by chance. Ids that come back at once are told apart by their start only."""
    tells_starts = chance.random() < 0.75
    tells_moments = chance.random() < 0.8
    ahead = chance.choice((0.0, 0.0, 0.0, -7200.0, -240.0, 240.0, 7200.0))
    announces: Announces = chance.choice(("not", "not", "marked", "unmarked"))
    if announces == "unmarked" and not (tells_starts and (tells_moments or ahead <= 0.0)):
        announces = "marked"  # nothing else would say that they are not begun
    return Manner(
        behaviour=Behaviour(
            ring_timeout=45.0,
            hold_timeout=40.0,
            forward=chance.choice(("newSession", "sameSession")),
            moved_party=chance.choice(("argument", "other")),
            reuse_ids=tells_starts and chance.random() < 0.5,
        ),
        tells_starts=tells_starts,
        durations=chance.choice(("run", "floor", "ceil")) if chance.random() < 0.5 else chance.choice(STANDING),
        announces=announces,
        lists_fill=chance.random() < 0.3,
        tells_moments=tells_moments,
        numbers_changes=chance.random() < 0.7,
        list_parts=chance.choice((1, 1, 3)),
        slow_lists=chance.choice((0.2, 1.0)),
        lists_when_asked=chance.random() < 0.2,
        ahead=ahead,
    )


def simulate(seed: int, tell: Callable[[str], None] | None = None) -> Result:
    """Plays one seed. ``tell`` is given the trace, line by line."""
    return World(seed, tell).play()
