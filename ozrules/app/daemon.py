"""The composition root: builds every object of the daemon, owns its one TaskGroup, and ends it in good order.

All that lives for long is a task here. One that ends, by an error or by itself, ends the daemon: a daemon without a
reader or a writer would look alive and do nothing. Stopping is the other way out: nothing new begins, what is in
flight is waited for, all answers are written down, then the tasks are cancelled.
"""

import asyncio
import gc
import socket
from collections.abc import Callable, Coroutine, Sequence
from contextlib import aclosing
from datetime import tzinfo
from typing import Final, Protocol, TypeAlias

import msgspec

from ozrules.actions.alerts import Alerts
from ozrules.app import control
from ozrules.app.admin import Admin
from ozrules.app.connections import Side
from ozrules.app.dashboard import Dashboard, Explains, Page
from ozrules.app.in_force import Beginning, InForce, begin
from ozrules.app.keeping import Keeping
from ozrules.app.notify import ServiceManager, report
from ozrules.app.overrides import Overrides
from ozrules.app.paused import PausedRules
from ozrules.app.reload import Reloader
from ozrules.app.rule_files import fingerprint
from ozrules.app.standing import Standing
from ozrules.app.switching import Switching
from ozrules.engine.engine import Engine
from ozrules.engine.events import PostSettled, RulePaused, RulesReplaced, ScheduleSwitched
from ozrules.runtime.dispatcher import Dispatcher
from ozrules.runtime.health import Health
from ozrules.runtime.inbox import Inbox, Reloaded, Who
from ozrules.runtime.measures import Measures
from ozrules.runtime.notices import Notices
from ozrules.runtime.ports import Clock, ConnectionState, Connector, JournalFailed, Log, RecordSink, WebhookQueue
from ozrules.runtime.reactor import LONGEST_PAUSE, Reactor
from ozrules.runtime.records import Records
from ozrules.runtime.routes import Routes
from ozrules.runtime.watch import Watch
from ozrules.schedules.triggers import CalendarTriggers
from ozrules.settings.model import LogSettings, Settings, WebhookSettings
from ozrules.store.journal import SqliteJournal

IN_FLIGHT: Final = 5.0
"""Seconds in which commands in flight are waited for when the daemon stops."""
STOP_WITHIN: Final = 9.0
START: Final = Who(by="start")

Link: TypeAlias = tuple[Connector, Side | None]


class Deliveries(WebhookQueue, Protocol):
    """A queue of webhooks that delivers what it has taken over while `run` runs, and tells what became of each."""

    async def run(self, settled: Callable[[PostSettled], None]) -> None: ...


class Ended(Exception):
    """A part of the daemon that should run for ever has come to its end."""


class Around(msgspec.Struct, frozen=True, kw_only=True):
    """What the daemon needs of its process. ``reread`` reads the configuration again; ``relog`` changes the log, and
    ``rehook`` the webhooks, while it runs.

    ``explains`` answers the dashboard's dear questions. ``longest_pause`` is in seconds of ``clock``, of which ``pace``
    pass in one; ``zone`` is that of the record's times, the host's where None.
    """

    clock: Clock
    log: Log
    sinks: Sequence[RecordSink]
    manager: ServiceManager
    reread: Callable[[], Settings]
    relog: Callable[[LogSettings], None]
    explains: Explains
    longest_pause: float = LONGEST_PAUSE
    zone: tzinfo | None = None
    pace: float = 1.0
    rehook: Callable[[WebhookSettings], None] | None = None
    alerts: Alerts | None = None


class Daemon:
    """One run, from the state on disk to the state on disk."""

    def __init__(
        self,
        settings: Settings,
        around: Around,
        *,
        journal: SqliteJournal,
        links: Sequence[Link],
        routes: Routes,
        webhooks: Deliveries,
        troubles: dict[str, str] | None = None,
    ) -> None:
        self._settings = settings
        self._around = around
        self._journal = journal
        self._links = links
        self._routes = routes
        self._webhooks = webhooks
        self._stop_wanted = asyncio.Event()
        self._reload_wanted = asyncio.Event()
        now = around.clock.now()
        self.health = Health(
            connections={
                one.name: ConnectionState(at=now, connection=one.name, ready=False, detail="not connected yet")
                for one, _ in links
            },
            room=journal.short_of_room,
            troubles={} if troubles is None else troubles,
        )

    def stop(self) -> None:
        """Ends `run` in good order. May be called by a signal handler."""
        self._stop_wanted.set()

    def reload(self) -> None:
        """Reloads, as `ozrules reload` does. May be called by a signal handler."""
        self._reload_wanted.set()

    async def run(self) -> None:
        """Until `stop`. Raises RulesInvalid, ControlUnusable, JournalFailed, or what else a part of it has died of."""
        listener = control.open_socket(self._settings.control)
        page = None
        try:
            page = Page(self._settings.web) if self._settings.web is not None else None
            beginning = await begin(self._settings, self._journal, self._around.log)
            await self._live(beginning, listener, page)
        finally:
            if page is not None:
                page.close()
            listener.close()
            self._settings.control.unlink(missing_ok=True)

    async def _live(self, beginning: Beginning, listener: socket.socket, page: Page | None) -> None:
        around, settings, clock, log = self._around, self._settings, self._around.clock, self._around.log
        rules, health, journal = beginning.rules, self.health, self._journal
        saved = journal.load()
        core = Engine(
            beginning.before,
            mode=settings.mode,
            next_decision=saved.next_decision,
            at=clock.now(),
            memories=saved.memories,
            tallies=saved.tallies,
            open_commands=saved.open_commands,
            earlier=(*beginning.earlier, rules),
        )
        inbox = Inbox()
        measures, watch = Measures(), Watch()
        notices = Notices(log)
        records = Records(
            next_seq=saved.next_seq,
            ids=saved.decision_ids,
            revision=rules.revision,
            mode=settings.mode,
            every_event=settings.log.decisions == "all",
            zone=around.zone,
        )
        calendar = CalendarTriggers(clock, inbox.add)

        def apply(changed: Settings) -> None:
            around.relog(changed.log)
            if around.rehook is not None:
                around.rehook(changed.webhooks)
            records.every_event = changed.log.decisions == "all"

        in_force = InForce(
            settings,
            beginning,
            reread=around.reread,
            apply=apply,
            referred_to=core.revisions,
            journal=journal,
            inbox=inbox,
            calendar=calendar,
            health=health,
            manager=around.manager,
            clock=clock,
            log=log,
        )
        reloader = Reloader(in_force.reload, lambda: fingerprint(in_force.settings.rules), lambda: in_force.seen)
        paused = PausedRules(settings.state)
        overrides = Overrides(settings.state)
        keeping = Keeping(journal, settings.state, clock, log)
        switching = Switching(overrides=overrides, in_force=in_force, inbox=inbox, clock=clock)
        if beginning.files is not None:
            await in_force.keep(beginning.files)
        health.rules = beginning.problems[0] if beginning.problems else None
        for rule in paused.rules:
            inbox.add(RulePaused(at=clock.now(), rule=rule, paused=True))
        for name, one in overrides.switched.items():
            inbox.add(ScheduleSwitched(at=clock.now(), schedule=name, open=one.open, until=one.until))
        start = RulesReplaced(at=clock.now(), rules=rules)
        inbox.add(Reloaded(at=clock.now(), who=START, event=start, errors=beginning.problems))
        calendar.replace(rules, unwatched=beginning.unwatched)
        try:
            async with asyncio.TaskGroup() as group:
                dispatcher = Dispatcher(
                    core=core,
                    connectors={one.name: one for one, _ in self._links},
                    secret=in_force.secret,
                    clock=clock,
                    routes=self._routes,
                    answer=inbox.add,
                    group=group,
                    log=log,
                    observing=settings.mode == "observe",
                    measures=measures,
                )
                reactor = Reactor(
                    core=core,
                    inbox=inbox,
                    journal=journal,
                    records=records,
                    clock=clock,
                    dispatcher=dispatcher,
                    webhooks=self._webhooks,
                    sinks=around.sinks if page is None else [*around.sinks, page.hub],
                    notices=notices,
                    health=health,
                    longest_pause=around.longest_pause,
                    measures=measures,
                    watch=watch,
                )
                standing = Standing(
                    core=core,
                    inbox=inbox,
                    dispatcher=dispatcher,
                    timers=reactor.timers,
                    webhooks=self._webhooks,
                    in_force=in_force,
                    health=health,
                    notices=notices,
                    paused=paused,
                    overrides=overrides,
                    keeping=keeping,
                    measures=measures,
                    syncs=journal.syncs,
                    journal_log=journal.log_bytes,
                    clock=clock,
                )
                admin = Admin(
                    core=core,
                    inbox=inbox,
                    in_force=in_force,
                    health=health,
                    standing=standing,
                    paused=paused,
                    switching=switching,
                    keeping=keeping,
                    journal=journal,
                    reload=reloader.wish,
                    clock=clock,
                )
                lasting = {
                    "reactor": reactor.run(),
                    "control socket": control.serve(listener, admin.answer),
                    "reloads": reloader.run(),
                    "rule files": reloader.watch(),
                    "signals": self._pass_on_reloads(reloader),
                    "service manager": report(around.manager, health, reactor),
                    "journal": self._look_for_damage(),
                    "retention": keeping.run(lambda: in_force.settings.retention),
                    "webhooks": self._webhooks.run(inbox.add),
                    "overrides": overrides.run(clock, switching.lift),
                }
                if page is not None:
                    dashboard = Dashboard(
                        core=core,
                        in_force=in_force,
                        health=health,
                        standing=standing,
                        paused=paused,
                        watch=watch,
                        clock=clock,
                        explains=around.explains,
                        pace=around.pace,
                        zone=around.zone,
                    )
                    lasting["dashboard"] = page.serve(dashboard)
                if around.alerts is not None:
                    lasting["alerts"] = around.alerts.run(health)
                for connector, side in self._links:
                    lasting[f"connection {connector.name}"] = _read(connector, inbox)
                    if side is not None:
                        lasting[f"browser of {connector.name}"] = side()
                self._routes.open(inbox.add)
                tasks = [group.create_task(_for_ever(name, part), name=name) for name, part in lasting.items()]
                # what lives from here on is short-lived; what is there already is never looked at again
                gc.freeze()
                await self._stop_wanted.wait()
                health.stopping = True
                around.manager.stopping()
                async with asyncio.timeout(STOP_WITHIN):
                    await reactor.drain(IN_FLIGHT)
                for task in tasks:
                    task.cancel()
        finally:
            self._routes.close()
            calendar.close()
            gc.unfreeze()

    async def _look_for_damage(self) -> None:
        damage = await asyncio.to_thread(self._journal.find_damage)
        if damage is not None:
            raise JournalFailed(f"the journal is damaged: {damage}", lasting=True)
        await asyncio.Event().wait()

    async def _pass_on_reloads(self, reloader: Reloader) -> None:
        while True:
            await self._reload_wanted.wait()
            self._reload_wanted.clear()
            await reloader.wish(Who(by="SIGHUP"))


async def _read(connector: Connector, inbox: Inbox) -> None:
    async with aclosing(connector.events()) as events:
        async for item in events:
            await inbox.put(item)


async def _for_ever(name: str, part: Coroutine[None, None, None]) -> None:
    await part
    raise Ended(f"{name} has come to its end")
