"""The composition root: a part that dies ends the daemon, at once and with its name."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from pathlib import Path

import msgspec
import pytest

from ozrules.app.daemon import Around, Daemon, Ended
from ozrules.app.in_force import RulesInvalid
from ozrules.app.notify import ServiceManager
from ozrules.engine.events import ConnectionOpened, SessionsListed
from ozrules.runtime.clock import SystemClock
from ozrules.runtime.ports import ConnectionState, FromPhoneSystem, JournalFailed
from ozrules.runtime.routes import Routes
from ozrules.settings.model import LogSettings, Retention, Settings, WebhookSettings
from ozrules.store.journal import SqliteJournal
from tests.fakes.explaining import Echo
from tests.fakes.gateway import until
from tests.fakes.phone import FakePhone, QuietLog, Shelf
from tests.fakes.webhooks import NoWebhooks

RULES = "ozrules: 1\nrules:\n  - {id: r, trigger: {state: Ringing}, actions: [{log: seen}]}\n"


class Dying(FakePhone):
    """A phone system whose reader dies of a fault of ours."""

    async def events(self) -> AsyncGenerator[FromPhoneSystem, None]:
        yield ConnectionOpened(at=0.0, connection=self.name)
        raise ValueError("a fault of ours")


class Ending(FakePhone):
    """A phone system whose reader comes to an end."""

    async def events(self) -> AsyncGenerator[FromPhoneSystem, None]:
        yield ConnectionOpened(at=0.0, connection=self.name)


class Crowded(SqliteJournal):
    """Writes what happens, and has no room for anything else."""

    lasting = False

    async def retain(self, *, decisions: float, sessions: float) -> int:
        raise JournalFailed("the disk is full", lasting=self.lasting)

    async def keep_rule_files(self, files: Mapping[str, bytes]) -> None:
        raise JournalFailed("the disk is full")


class Spoilt(Crowded):
    lasting = True


class Filling(SqliteJournal):
    """Has room for the first rule files alone."""

    async def keep_rule_files(self, files: Mapping[str, bytes]) -> None:
        if self.rule_files():
            raise JournalFailed("the disk is full")
        await super().keep_rule_files(files)


class Stage:
    def __init__(
        self,
        folder: Path,
        phone: FakePhone,
        *,
        rules: str = RULES,
        journal: type[SqliteJournal] = SqliteJournal,
    ) -> None:
        (folder / "rules.yaml").write_text(rules)
        self.settings = Settings(
            file="",
            connections=(),
            rules=(str(folder / "rules.yaml"),),
            mode="enforce",
            state=folder / "state",
            control=folder / "control",
            log=LogSettings(),
            web=None,
            webhooks=WebhookSettings(),
            secrets={},
            retention=Retention(),
        )
        clock = SystemClock()
        self.shelf = Shelf()
        self.phone = phone
        self.log = QuietLog()
        self.levels: list[str] = []
        self.hooks: list[tuple[str, ...]] = []
        self.journal = journal(self.settings.state, clock)
        self.daemon = Daemon(
            self.settings,
            Around(
                clock=clock,
                log=self.log,
                sinks=[self.shelf],
                manager=ServiceManager({}),
                reread=lambda: self.settings,
                explains=Echo(),
                relog=lambda log: self.levels.append(log.level),
                rehook=lambda wanted: self.hooks.append(wanted.allow),
            ),
            journal=self.journal,
            links=[(phone, None)],
            routes=Routes(clock),
            webhooks=NoWebhooks(),
        )

    async def run(self) -> None:
        try:
            await self.daemon.run()
        finally:
            self.journal.close()


@pytest.mark.fault(81)
async def test_a_reader_that_dies_ends_the_daemon(tmp_path: Path) -> None:
    with pytest.raises(ExceptionGroup) as raised:
        await Stage(tmp_path, Dying()).run()
    assert raised.group_contains(ValueError, match="a fault of ours")
    assert not (tmp_path / "control").exists()


@pytest.mark.fault(81)
async def test_a_reader_that_ends_ends_the_daemon(tmp_path: Path) -> None:
    with pytest.raises(ExceptionGroup) as raised:
        await Stage(tmp_path, Ending()).run()
    assert raised.group_contains(Ended, match="connection office has come to its end")


async def test_it_becomes_ready_when_everything_is_merged_and_stops_when_it_is_told_to(tmp_path: Path) -> None:
    phone = FakePhone()
    stage = Stage(tmp_path, phone)
    assert not stage.daemon.health.ready
    phone.said.put_nowait(ConnectionOpened(at=0.0, connection="office"))
    phone.said.put_nowait(SessionsListed(at=0.0, connection="office", sessions=()))
    phone.said.put_nowait(ConnectionState(at=0.0, connection="office", ready=True, detail="merged"))
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(stage.run())
        await stage.shelf.holds(2)
        assert stage.daemon.health.ready
        stage.daemon.stop()
        await running
    assert [record.type for record in stage.shelf.records] == ["reload", "connection"]


@pytest.mark.fault(47, 58)
async def test_a_disk_without_room_for_tidying_up_does_not_end_the_daemon(tmp_path: Path) -> None:
    stage = Stage(tmp_path, FakePhone(), journal=Crowded)
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(stage.run())
        await until(lambda: len(stage.log.said) >= 2)
        stage.daemon.stop()
        await running
    said = {event for _, event, _ in stage.log.said}
    assert "old records could not be removed; it is tried again" in said
    assert "the rules in force could not be kept for the next start" in said


@pytest.mark.fault(47, 60)
@pytest.mark.parametrize("what", ["disk", "webhooks"])
async def test_a_reload_of_which_anything_fails_changes_nothing(tmp_path: Path, what: str) -> None:
    stage = Stage(tmp_path, FakePhone(), journal=Filling if what == "disk" else SqliteJournal)
    before = stage.settings

    def fail(wanted: WebhookSettings) -> None:
        stage.hooks.append(wanted.allow)
        if what == "webhooks" and wanted.allow:
            raise ValueError("no such target")

    stage.daemon._around = msgspec.structs.replace(stage.daemon._around, rehook=fail)
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(stage.run())
        await stage.shelf.holds(1)
        (tmp_path / "rules.yaml").write_text(RULES.replace("seen", "others"))
        stage.settings = msgspec.structs.replace(
            before,
            mode="observe",
            log=LogSettings(level="debug"),
            webhooks=WebhookSettings(allow=("https://crm.example/",)),
        )
        stage.daemon.reload()
        await stage.shelf.holds(2)
        stage.daemon.stop()
        await running
    first, second = stage.shelf.records[:2]
    assert (first.body["ok"], second.body["ok"]) == (True, False)
    assert second.body["revision"] == first.body["revision"]
    assert second.body["mode"] == "enforce"
    assert (stage.levels[-1], stage.hooks[-1]) == ("info", ())
    again = SqliteJournal(before.state, SystemClock())
    assert list(again.rule_files().values()) == [RULES.encode()]
    again.close()


@pytest.mark.fault(48, 81)
async def test_a_disk_that_broke_while_old_records_were_removed_ends_the_daemon(tmp_path: Path) -> None:
    with pytest.raises(ExceptionGroup) as raised:
        await Stage(tmp_path, FakePhone(), journal=Spoilt).run()
    assert raised.group_contains(JournalFailed)


async def test_without_any_good_rules_it_does_not_start(tmp_path: Path) -> None:
    with pytest.raises(RulesInvalid, match=r"rules\.yaml:1:1"):
        await Stage(tmp_path, FakePhone(), rules="rules: []\n").run()


@pytest.mark.fault(50)
async def test_damage_that_is_found_while_it_runs_ends_it(tmp_path: Path) -> None:
    class Rotten(SqliteJournal):
        def find_damage(self) -> str | None:
            return "a row of outcomes is not as it was written"

    with pytest.RaisesGroup(pytest.RaisesExc(JournalFailed, match="the journal is damaged: a row of outcomes")):
        await Stage(tmp_path, FakePhone(), journal=Rotten).run()
