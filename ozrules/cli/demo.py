"""`ozrules demo`: the same daemon on a simulated phone system, sped up, with an account of it at the end.

One clock drives both, some times as fast as time, from a fixed Monday 09:55, so that the opening hours and the weekly
rule of the example mean something whenever it is shown. Everything but the phone system is the real thing: rules,
engine, journal on disk, dispatcher. At the end the commands that left are laid beside the phone system's own ledger.
"""

import argparse
import asyncio
import secrets
import signal
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from rich.console import Console
from rich.table import Table

import ozrules
from ozrules.app.daemon import Around, Daemon
from ozrules.app.in_force import RulesInvalid
from ozrules.app.notify import ServiceManager
from ozrules.cli.commands import ABOUT
from ozrules.cli.explaining import Explainer
from ozrules.connectors.simulator import (
    HABITS,
    OFFICE,
    Behaviour,
    PhoneSystem,
    SimulatorConnector,
    Switchboard,
    traffic,
)
from ozrules.engine.effects import DONE, Command, Post
from ozrules.engine.events import Accepted, PostSettled, Receipt, Refused, Unanswered
from ozrules.logs.escaping import escaped
from ozrules.logs.opening import open_logs
from ozrules.logs.sentences import sentence
from ozrules.runtime.clock import ScaledClock
from ozrules.runtime.ports import Clock, Record
from ozrules.runtime.reactor import LONGEST_PAUSE
from ozrules.runtime.routes import Routes
from ozrules.runtime.secret import Secret
from ozrules.session.session import Session
from ozrules.settings.model import Address, LogSettings, Retention, Settings, WebhookSettings, WebSettings
from ozrules.store.journal import SqliteJournal

EXAMPLE: Final = """examples:
  ozrules demo
  ozrules demo --calls 200 --speed 40 --rules my.rules.yaml
  ozrules demo --port 8780 --calls 300 --speed 5         with the dashboard, to look at while it runs"""

RULES: Final = "rules.example.yaml"
ZONE: Final = ZoneInfo("Europe/Budapest")
START: Final = datetime(2026, 11, 23, 9, 55, tzinfo=ZONE)
CALLS_A_MINUTE: Final = 3.0
LAST_PROOF: Final = 10.0
"""Seconds on the demo's clock after the last call, in which effects are still looked for."""
CONNECTION: Final = "office"
TOLD: Final = frozenset({"fired", "guard", "protected", "budget", "hops", "missedTooLate", "actionFailed"})
"""Reasons of decisions that are shown as they come; the others are counted for the end."""


def register(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command to the program's."""
    parser = subparsers.add_parser(
        "demo",
        help=ABOUT["demo"],
        description="Runs the daemon on a simulated office for about a minute and a half, shows what rules do as it"
        " happens, and a summary at the end.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--calls", metavar="N", type=_count, default=60, help="how many calls there are (60)")
    parser.add_argument("--speed", metavar="X", type=_speed, default=20.0, help="times as fast as time (20)")
    parser.add_argument("--seed", metavar="S", type=int, default=7, help="the same seed gives the same calls (7)")
    parser.add_argument("--rules", metavar="FILE", type=Path, nargs="+", help=f"rule files ({RULES})")
    parser.add_argument("--port", metavar="P", type=_port, help="show the dashboard on this port of 127.0.0.1")
    parser.set_defaults(run=demo)


def demo(arguments: argparse.Namespace) -> int:
    """0, or 1 where the rules are wrong or the port is taken."""
    rules = arguments.rules or [_example()]
    with tempfile.TemporaryDirectory(prefix="ozrules-demo-") as state:
        settings = Settings(
            file="(the demo)",
            connections=(),
            rules=tuple(str(path.absolute()) for path in rules),
            mode="enforce",
            state=Path(state),
            control=Path(state) / "control",
            log=LogSettings(),
            web=None if arguments.port is None else _page(arguments.port),
            webhooks=WebhookSettings(),
            secrets={},
            retention=Retention(),
        )
        wrong: BaseException | None = None
        try:
            asyncio.run(_play(settings, calls=arguments.calls, speed=arguments.speed, seed=arguments.seed))
        except* RulesInvalid as invalid:
            wrong = invalid.exceptions[0]
        except* OSError as taken:
            wrong = taken.exceptions[0]
    if wrong is not None:
        said = f"the rules are wrong:\n{wrong}" if isinstance(wrong, RulesInvalid) else str(wrong)
        print(f"ozrules demo: {said}", file=sys.stderr)
        return 1
    return 0


class _Line(SimulatorConnector):
    """The simulated phone system; what is handed to it is noted, to be laid beside its ledger."""

    def __init__(self, switchboard: Switchboard, clock: ScaledClock) -> None:
        super().__init__(CONNECTION, switchboard, clock)
        self.sent: list[tuple[str, str | None]] = []

    async def execute(self, command: Command, session: Session) -> Accepted | Refused | Unanswered:
        self.sent.append((command.id, command.key if isinstance(command.key, str) else None))
        return await super().execute(command, session)


class _Hooks:
    """Webhooks are shown and go nowhere."""

    def __init__(self, console: Console, clock: Clock) -> None:
        self._console = console
        self._clock = clock
        self._shown = 0
        self._posted: asyncio.Queue[Post] = asyncio.Queue()

    def post(self, request: Post) -> Receipt:
        self._shown += 1
        self._console.print(f"         webhook of {escaped(request.rule)}: {escaped(request.url)}", style="dim")
        self._posted.put_nowait(request)
        return Accepted()

    async def run(self, settled: Callable[[PostSettled], None]) -> None:
        while True:
            post = await self._posted.get()
            settled(PostSettled(at=self._clock.now(), post=post, outcome="confirmed", after=0.0))

    def figures(self) -> dict[str, int]:
        return {"waiting": 0, "delivered": self._shown, "dead": 0, "refused": 0}


class _Account:
    """Shows the record as it comes, and keeps count."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self.fired: Counter[str] = Counter()
        self.stopped: Counter[str] = Counter()
        self.actions: Counter[str] = Counter()
        self.outcomes: Counter[str] = Counter()

    def write(self, records: Sequence[Record]) -> None:
        for record in records:
            body = record.body
            match record.type:
                case "decision" if body["reason"] == "fired":
                    self.fired[str(body["rule"])] += 1
                case "decision":
                    self.stopped[str(body["reason"])] += 1
                case "outcome":
                    self.outcomes[str(body["outcome"])] += 1
                    if body["outcome"] in DONE:
                        self.actions[str(body["action"])] += 1
                case _:
                    pass
            if record.type != "decision" or body["reason"] in TOLD:
                print(sentence(body, colour=self._console.is_terminal and not self._console.no_color), flush=True)


async def _play(settings: Settings, *, calls: int, speed: float, seed: int) -> None:
    console = Console(highlight=False, soft_wrap=True)
    clock = ScaledClock(START.timestamp(), speed)
    phones = PhoneSystem(OFFICE, Behaviour(), start=clock.now(), seed=seed)
    habits = [habit for habit in HABITS if habit != "longCall"]  # nobody watches for two hours
    for at, plan in traffic(calls, rate=CALLS_A_MINUTE / 60, start=clock.now(), seed=seed, habits=habits):
        phones.place(plan, at)
    switchboard = Switchboard(phones, seed=seed)
    line = _Line(switchboard, clock)
    account = _Account(console)
    logs = open_logs("console", level="warning", pseudonyms=False, environment={"NO_COLOR": "1"})
    journal = SqliteJournal(settings.state, clock)
    try:
        daemon = Daemon(
            settings,
            Around(
                clock=clock,
                log=logs.log,
                sinks=[account],
                manager=ServiceManager({}),
                reread=lambda: settings,
                relog=lambda log: None,
                explains=Explainer(),
                longest_pause=LONGEST_PAUSE * speed,
                pace=speed,
                zone=ZONE,
            ),
            journal=journal,
            links=[(line, None)],
            routes=Routes(clock),
            webhooks=_Hooks(console, clock),
        )
        loop = asyncio.get_running_loop()
        for each in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(each, daemon.stop)
        console.print(f"A Monday, 09:55, {speed:g} times as fast as time: {calls} calls. Ctrl-C ends it.", style="bold")
        if settings.web is not None:
            # after the #, so that no server and no log sees the token; the page takes it away
            address = f"http://{settings.web.listen}/#token={settings.web.token.reveal()}"
            console.print(f"The dashboard: {address}", style="bold")
        async with asyncio.TaskGroup() as tasks:
            stays = settings.web is not None and console.is_terminal
            watcher = tasks.create_task(_stop_when_quiet(console, line, clock, daemon, stays=stays))
            await daemon.run()
            watcher.cancel()
    finally:
        journal.close()
        logs.close()
    _summary(console, account, calls, line, switchboard)


async def _stop_when_quiet(
    console: Console, line: SimulatorConnector, clock: ScaledClock, daemon: Daemon, *, stays: bool
) -> None:
    while not line.quiet:
        await clock.sleep_until(clock.now() + 1.0)
    await clock.sleep_until(clock.now() + LAST_PROOF)
    if stays:
        console.print("That was the last call. The dashboard stays until Ctrl-C.", style="bold")
    else:
        daemon.stop()


def _summary(console: Console, account: _Account, calls: int, line: _Line, switchboard: Switchboard) -> None:
    console.print()
    table = Table(title=f"{calls} calls", title_justify="left")
    table.add_column("rule")
    table.add_column("fired", justify="right")
    for rule, count in account.fired.most_common():
        table.add_row(escaped(rule), str(count))
    console.print(table)
    _counts(console, "done (confirmed: it was seen; accepted: the phone system said yes)", account.actions)
    _counts(console, "what became of the actions", account.outcomes)
    _counts(console, "rules whose trigger matched and that did not act", account.stopped)
    sent, ledger = len(line.sent), len(switchboard.ledger)
    once = len(set(line.sent)) == sent == ledger
    console.print(
        f"ledger of the phone system: {ledger} command{'' if ledger == 1 else 's'}; sent by ozrules: {sent}; "
        + ("every one arrived exactly once" if once else "THEY DIFFER"),
        style="green" if once else "bold red",
    )


def _counts(console: Console, title: str, counts: Counter[str]) -> None:
    said = ", ".join(f"{escaped(name)} {count}" for name, count in counts.most_common())
    console.print(f"{title}: {said or 'none'}")


def _example() -> Path:
    """The example rules: in the checkout, or as they were installed with the package."""
    beside = Path(ozrules.__file__).parent.parent / RULES
    if beside.exists():
        return beside
    try:
        files = distribution("ozrules").files or ()
    except PackageNotFoundError:
        files = ()
    return next((Path(str(file.locate())) for file in files if file.name == RULES), Path(RULES))


def _count(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) <= 10_000:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of calls from 1 to 10000, as in 60")
    return int(text)


def _page(port: int) -> WebSettings:
    return WebSettings(Address("127.0.0.1", port), Secret(secrets.token_urlsafe(16)), ())


def _port(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) < 65_536:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port from 1 to 65535, as in 8780")
    return int(text)


def _speed(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0.1 <= number <= 200.0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a speed from 0.1 to 200, as in 20")
    return number
