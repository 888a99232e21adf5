"""What is found at the start: nothing, a journal, a damaged one, a foreign one, or another daemon."""

import asyncio
import contextlib
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import apsw
import pytest

from ozrules.app.overrides import Override, Overrides
from ozrules.app.paused import PausedRules
from ozrules.engine.effects import Remember, Send, Tally
from ozrules.store import opening, schema
from ozrules.store.boot import steady_clock
from ozrules.store.journal import SqliteJournal
from ozrules.store.state_directory import StateUnusable
from tests.fakes.clock import StandingClock
from tests.fakes.effects import KEY, command, decision, outcome, post, record

CLOCK = StandingClock()
TALLY = Tally(name="n", group="g", member="m", at=CLOCK.at, until=CLOCK.at + 60)


def _fill(path: Path) -> None:
    _filled(path).close()


def _filled(path: Path) -> SqliteJournal:
    journal = SqliteJournal(path, CLOCK)

    async def work() -> None:
        for number in range(1, 40):
            await journal.commit(
                [decision(number), Send(command(number)), Remember(KEY, b"{}" * 200)], [record(number, number)]
            )
        await journal.commit([outcome(command(3)), decision(40), post(40), TALLY], [record(40, 40)])
        await journal.keep_rule_files({"rules.yaml": b"the rules before"})
        await journal.keep_rule_files({"rules.yaml": b"rules"})

    asyncio.run(work())
    return journal


def _open(path: Path, *, new_state: bool = False) -> SqliteJournal:
    return SqliteJournal(path, CLOCK, new_state=new_state)


@pytest.mark.fault(83)
def test_a_second_daemon_is_refused_with_the_first_ones_process(tmp_path: Path) -> None:
    first = _open(tmp_path)
    with pytest.raises(StateUnusable, match=rf"another ozrules is running.*process {os.getpid()}"):
        _open(tmp_path)
    first.close()
    _open(tmp_path).close()


def test_a_program_that_writes_in_the_journal_is_told_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "PATIENCE", 1)
    _fill(tmp_path)
    other = apsw.Connection(str(tmp_path / "journal.db"))
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StateUnusable, match="another program is writing in the journal"):
        _open(tmp_path)
    other.close()
    _open(tmp_path).close()


@pytest.mark.fault(102)
def test_nobody_else_can_read_the_state(tmp_path: Path) -> None:
    state = tmp_path / "state"
    before = os.umask(0)
    try:
        journal = _filled(state)
        steady_clock(state)
        PausedRules(state).put("rule", paused=True)
        Overrides(state).put("hours", Override(open=True, until=None, by="admin", at=0.0))
        assert state.stat().st_mode & 0o077 == 0
        modes = {file.name: oct(file.stat().st_mode & 0o777) for file in state.iterdir()}
        assert set(modes.values()) == {"0o600"}, modes
        assert {"clock.json", "journal.db", "journal.db-mark", "journal.db-wal", "lock", "paused.json", "reserve"} < {
            *modes
        }
        journal.close()
        for file in state.iterdir():  # as a copy makes them
            file.chmod(0o644)
        (state / "notes.txt").touch(0o644)
        (state / "journal.link").symlink_to(tmp_path / "elsewhere")
        (tmp_path / "elsewhere").touch(0o644)
        _open(state).close()
    finally:
        os.umask(before)
    assert {file.name for file in state.iterdir() if file.stat().st_mode & 0o077} == {"notes.txt", "journal.link"}


@pytest.mark.fault(50)
@pytest.mark.parametrize(
    "mix",
    [
        "ALTER TABLE decisions DROP COLUMN crc",
        "DROP INDEX outcomes_by_time",
        "DROP TABLE recording",
        "ALTER TABLE records ADD COLUMN more TEXT",
        "PRAGMA user_version = 1",
        "PRAGMA user_version = 2",
        "DROP TABLE webhooks; CREATE TABLE webhooks (id TEXT)",
    ],
)
def test_a_journal_whose_tables_are_of_different_versions_is_refused_and_left_as_it_is(
    tmp_path: Path, mix: str
) -> None:
    _fill(tmp_path)
    db = apsw.Connection(str(tmp_path / "journal.db"))
    db.execute(mix)
    db.pragma("wal_checkpoint(TRUNCATE)")
    db.close()
    found = (tmp_path / "journal.db").read_bytes()
    with pytest.raises(StateUnusable, match=r"journal\.db: the tables of this journal are of different versions"):
        _open(tmp_path)
    assert (tmp_path / "journal.db").read_bytes() == found
    _open(tmp_path, new_state=True).close()


@pytest.mark.fault(49)
def test_what_cannot_be_opened_is_said_with_its_path_and_the_user(tmp_path: Path) -> None:
    (tmp_path / "journal.db").mkdir()
    with pytest.raises(StateUnusable, match=rf"journal\.db: cannot be written as user {os.geteuid()}: Is a directory"):
        _open(tmp_path)


@pytest.mark.fault(56)
def test_a_journal_with_a_second_name_is_refused(tmp_path: Path) -> None:
    _open(tmp_path).close()
    (tmp_path / "copy.db").hardlink_to(tmp_path / "journal.db")
    with pytest.raises(StateUnusable, match="2 names"):
        _open(tmp_path)
    (tmp_path / "copy.db").unlink()
    _open(tmp_path).close()


@pytest.mark.fault(50)
@pytest.mark.parametrize("page", range(20))
def test_a_damaged_page_is_noticed_or_harmless(tmp_path: Path, page: int) -> None:
    _fill(tmp_path)
    file = tmp_path / "journal.db"
    data = bytearray(file.read_bytes())
    assert len(data) >= 21 * 4096
    for offset in range(page * 4096, page * 4096 + 4096, 97):
        data[offset] ^= 0x20
    file.write_bytes(data)
    with contextlib.suppress(StateUnusable):
        journal = _open(tmp_path)
        saved = journal.load()
        journal.close()
        assert (saved.next_seq, saved.next_decision, len(saved.open_commands)) == (41, 41, 38)
        assert saved.memories == ((KEY, b"{}" * 200),)


@pytest.mark.fault(50)
@pytest.mark.parametrize("size", [0, 100, 512, 4096, 8192 + 7, 40_960])
def test_a_file_that_was_cut_is_never_taken_for_whole(tmp_path: Path, size: int) -> None:
    _fill(tmp_path)
    os.truncate(tmp_path / "journal.db", size)
    with pytest.raises(StateUnusable, match="damaged" if size else "the end of the journal is missing"):
        _open(tmp_path)


@pytest.mark.fault(50)
@pytest.mark.parametrize("content", [b"no database at all" * 100, b"\x00" * 8192])
def test_a_file_of_something_else_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "journal.db").write_bytes(content)
    with pytest.raises(StateUnusable, match="damaged"):
        _open(tmp_path)
    assert (tmp_path / "journal.db").read_bytes() == content


@pytest.mark.fault(50)
def test_the_database_of_another_program_is_refused(tmp_path: Path) -> None:
    with apsw.Connection(str(tmp_path / "journal.db")) as other:
        other.execute("CREATE TABLE theirs (a)")
    with pytest.raises(StateUnusable, match="another program"):
        _open(tmp_path)


CHANGES = {
    "memories": "memory = x'7b7c'",
    "counters": "value = value + 1 WHERE name = 'decision'",
    "moments": "at = at + 1 WHERE name = 'alive'",
    "decisions": "decision_id = 'x' || decision_id WHERE number = 7",
    "intents": "command = x'7b7c' WHERE id = '7-0'",
    "outcomes": "outcome = 'unknown' WHERE id = '3-0'",
    "tallies": "at = at + 1",
    "webhooks": "request = x'7b7c'",
    "rule_files": "data = x'00'",
    "earlier_rule_files": "data = x'00'",
}


@pytest.mark.fault(50)
@pytest.mark.parametrize("table", CHANGES)
def test_a_value_that_changed_by_itself_is_noticed(tmp_path: Path, table: str) -> None:
    _fill(tmp_path)
    with apsw.Connection(str(tmp_path / "journal.db")) as db:
        db.execute(f"UPDATE {table} SET {CHANGES[table]}")  # noqa: S608
        assert db.changes() == 1
    with pytest.raises(StateUnusable, match=f"a row of {table}"):
        _open(tmp_path)


def test_every_table_is_checked_at_the_start_or_when_it_is_read(tmp_path: Path) -> None:
    _fill(tmp_path)
    with apsw.Connection(str(tmp_path / "journal.db")) as db:
        tables = {str(name) for (name,) in db.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
    assert tables - set(CHANGES) == {"records", "recording"}


@pytest.mark.fault(59)
def test_a_record_that_is_missing_is_noticed(tmp_path: Path) -> None:
    _fill(tmp_path)
    with apsw.Connection(str(tmp_path / "journal.db")) as db:
        db.execute("DELETE FROM records WHERE seq = 17")
    with pytest.raises(StateUnusable, match="records are missing"):
        _open(tmp_path)


def _empty(path: Path) -> None:
    os.truncate(path / "journal.db", 0)


def _remove(path: Path) -> None:
    (path / "journal.db").unlink()


def _cut_off(path: Path) -> None:
    log = path / "journal.db-wal"
    os.truncate(log, log.stat().st_size * 2 // 3)


def _without_log(path: Path) -> None:
    (path / "journal.db-wal").unlink()


@pytest.mark.fault(50, 56)
@pytest.mark.parametrize("lose", [_empty, _remove, _cut_off, _without_log])
def test_a_journal_that_has_lost_its_end_is_refused_and_left_as_it_is(
    tmp_path: Path, lose: Callable[[Path], None]
) -> None:
    living, state = tmp_path / "living", tmp_path / "state"
    journal = _filled(living)
    shutil.copytree(living, state)  # as after a kill: the log is not yet written back
    journal.close()
    lose(state)
    left = {file.name: file.read_bytes() for file in state.iterdir() if file.suffix in (".db", ".db-wal")}
    for _ in range(2):
        with pytest.raises(StateUnusable, match="the end of the journal is missing: 42 commits were written") as told:
            _open(state)
    assert {name: (state / name).read_bytes() for name in left} == left
    assert f"remove {state / 'journal.db-mark'}" in str(told.value)
    anew = _open(state, new_state=True)
    assert anew.load().next_decision == int(CLOCK.at)
    anew.close()
    _open(state).close()


@pytest.mark.fault(56)
def test_a_backup_is_gone_on_from_where_the_mark_is_removed(tmp_path: Path) -> None:
    _fill(tmp_path)
    earlier = (tmp_path / "journal.db").read_bytes()
    journal = _open(tmp_path)
    asyncio.run(journal.commit([decision(41)], [record(41, 41)]))
    journal.close()
    (tmp_path / "journal.db").write_bytes(earlier)
    with pytest.raises(StateUnusable, match="and it knows"):
        _open(tmp_path)
    (tmp_path / "journal.db-mark").unlink()
    journal = _open(tmp_path)
    assert journal.load().next_decision == 41
    journal.close()


@pytest.mark.parametrize("spoilt", [b"", b"\xff" * 42, b"00000000000000000099 00000000000000000041\n"])
def test_a_mark_that_cannot_be_read_hinders_nobody(tmp_path: Path, spoilt: bytes) -> None:
    _fill(tmp_path)
    (tmp_path / "journal.db-mark").write_bytes(spoilt)
    _open(tmp_path).close()


@pytest.mark.fault(50, 59)
def test_a_new_state_sets_the_old_aside_and_repeats_no_number(tmp_path: Path) -> None:
    _fill(tmp_path)
    os.truncate(tmp_path / "journal.db", 5000)
    journal = _open(tmp_path, new_state=True)
    assert journal.load().next_decision == int(CLOCK.at)
    journal.close()
    assert (tmp_path / "journal.old.1.db").stat().st_size == 5000
    _open(tmp_path, new_state=True).close()
    assert (tmp_path / "journal.old.1.db").stat().st_size == 5000
    assert (tmp_path / "journal.old.2.db").exists()


@pytest.mark.fault(57)
def test_a_journal_of_a_newer_version_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    _fill(tmp_path)
    with apsw.Connection(str(tmp_path / "journal.db")) as db:
        db.execute(f"PRAGMA user_version = {schema.VERSION + 1}")
    before = (tmp_path / "journal.db").read_bytes()
    with pytest.raises(StateUnusable, match="newer ozrules"):
        _open(tmp_path)
    assert (tmp_path / "journal.db").read_bytes() == before


# --- a large journal is checked while the daemon runs -----------------------------------------------------------------


def _change(path: Path, statement: str) -> None:
    db = apsw.Connection(str(path / "journal.db"))
    db.execute(statement)
    db.close()


@pytest.mark.fault(50)
@pytest.mark.parametrize("table", CHANGES)
def test_in_a_large_journal_what_the_daemon_acts_by_is_noticed_at_the_start_and_the_rest_soon(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, table: str
) -> None:
    monkeypatch.setattr(opening, "SMALL", 0)
    _fill(tmp_path)
    _change(tmp_path, f"UPDATE {table} SET {CHANGES[table]}")  # noqa: S608
    # decision 7 is open, and so is its command; command 3 has its outcome
    if table != "outcomes":
        with pytest.raises(StateUnusable, match=f"damaged: a row of {table} is not as it was written"):
            _open(tmp_path)
        return
    journal = _open(tmp_path)
    assert journal.find_damage() == "a row of outcomes is not as it was written"
    journal.close()
    for _ in range(2):  # the next start, and each after it
        with pytest.raises(StateUnusable, match="damaged: a row of outcomes is not as it was written"):
            _open(tmp_path)
    _open(tmp_path, new_state=True).close()
    _open(tmp_path).close()


@pytest.mark.fault(50, 59)
@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM records WHERE seq = 20",
        "UPDATE decisions SET at = at + 1 WHERE number = 3",
        "UPDATE intents SET at = at + 1 WHERE id = '3-0'",
    ],
)
def test_a_large_journals_past_is_looked_through(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, statement: str
) -> None:
    monkeypatch.setattr(opening, "SMALL", 0)
    _fill(tmp_path)
    _change(tmp_path, "UPDATE decisions SET open = 0 WHERE number = 3")  # its command has its outcome
    journal = _open(tmp_path)
    assert journal.find_damage() is None
    journal.close()
    _change(tmp_path, statement)
    journal = _open(tmp_path)
    assert journal.find_damage() is not None
    journal.close()
    with pytest.raises(StateUnusable, match="damaged"):
        _open(tmp_path)


def test_who_closes_the_journal_does_not_wait_for_the_look(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "SMALL", 0)
    _fill(tmp_path)
    journal = _open(tmp_path)
    journal.close()
    assert journal.find_damage() is None, "nobody wants to know any more"
    assert not (tmp_path / "journal.db-damaged").exists()
