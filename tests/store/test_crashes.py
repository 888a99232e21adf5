"""Nothing that was said to be on disk is lost: not when the process is killed, not when the power goes.

The process is a real one, killed with signal 9 while it writes. The power is cut on a file system in Python under the
very code that runs, at any write, sync or deletion: what was not synced is lost, or torn, or came to the disk before
what was written earlier.
"""

import asyncio
import random
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

import apsw
import pytest

from ozrules.engine.effects import Send
from ozrules.runtime.ports import Saved
from ozrules.store.journal import SqliteJournal
from tests.fakes.clock import StandingClock
from tests.fakes.effects import KEY, command, decision, record

KILLS: Final = 8

WRITER: Final = """
import asyncio, sys
from pathlib import Path
from ozrules.engine.effects import Remember, Send
from ozrules.store.journal import SqliteJournal
from tests.fakes.clock import StandingClock
from tests.fakes.effects import KEY, command, decision, record

async def main() -> None:
    journal = SqliteJournal(Path(sys.argv[1]), StandingClock())
    number = journal.load().next_decision
    while True:
        await journal.commit(
            [decision(number), Send(command(number)), Remember(KEY, b"%d" % number)], [record(number, number)]
        )
        print(number, flush=True)
        number += 1

asyncio.run(main())
"""


@pytest.mark.fault(51, 79)
def test_a_killed_writer_loses_nothing_that_it_said(tmp_path: Path) -> None:
    chance = random.Random(1)
    said = 0
    for _ in range(KILLS):
        writer = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE, text=True, cwd=Path.cwd()
        )
        assert writer.stdout is not None
        with writer.stdout:
            wanted = said + chance.randint(1, 60)
            for line in writer.stdout:
                said = int(line)
                if said == wanted:
                    writer.kill()
            writer.wait()
        journal = SqliteJournal(tmp_path, StandingClock())
        saved = journal.load()
        journal.close()
        assert said < saved.next_decision <= said + 2, "at most one commit was not yet said"
        assert [one.decision for one in saved.open_commands] == list(range(1, saved.next_decision))
        assert saved.memories == ((KEY, b"%d" % (saved.next_decision - 1)),)
        assert saved.next_seq == saved.next_decision
        said = saved.next_decision - 1


Image = dict[str, bytes]


class _Disk(apsw.VFS):
    """A disk that remembers what was written since the last sync, and at which the power is cut at random moments.

    ``said`` is how many commits had returned at such a moment. Deletions reach the disk at once.
    """

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.said = 0
        self.durable: dict[str, bytearray] = {}
        self.pending: dict[str, list[tuple[int, bytes | None]]] = {}
        self.cuts: list[tuple[int, Image]] = []
        super().__init__("power", "")

    def xOpen(self, name: str | apsw.URIFilename | None, flags: list[int]) -> "_File":  # SQLite's name
        return _File(self, name, flags)

    def xDelete(self, filename: str, syncdir: bool) -> None:  # SQLite's name
        self.moment()
        super().xDelete(filename, syncdir)
        self.durable.pop(filename, None)
        self.pending.pop(filename, None)
        self.moment()

    def moment(self) -> None:
        """The power may be cut now."""
        if self.chance.random() < 0.1:
            self.cuts.append((self.said, self._after_power_cut()))

    def _after_power_cut(self) -> Image:
        """What the disk holds then: each write since the sync came whole, in part, or not at all."""
        found: Image = {}
        for path, image in self.durable.items():
            kept = bytearray(image)
            for offset, data in self.pending[path]:
                if self.chance.random() < 0.5:
                    torn = data[: self.chance.randrange(len(data) + 1)] if data and self.chance.random() < 0.3 else data
                    _apply(kept, offset, torn)
            found[path] = bytes(kept)
        return found


class _File(apsw.VFSFile):
    def __init__(self, disk: _Disk, name: str | apsw.URIFilename | None, flags: list[int]) -> None:
        super().__init__("", name, flags)
        self._disk = disk
        self._path = name.filename() if isinstance(name, apsw.URIFilename) else name or ""
        if self._path not in disk.durable:
            file = Path(self._path)
            disk.durable[self._path] = bytearray(file.read_bytes() if file.exists() else b"")
            disk.pending[self._path] = []

    def xWrite(self, data: bytes, offset: int) -> None:  # SQLite's name
        self._disk.moment()
        super().xWrite(data, offset)
        self._disk.pending[self._path].append((offset, bytes(data)))

    def xTruncate(self, newsize: int) -> None:  # SQLite's name
        super().xTruncate(newsize)
        self._disk.pending[self._path].append((newsize, None))

    def xSync(self, flags: int) -> None:  # SQLite's name
        self._disk.moment()
        super().xSync(flags)
        for offset, data in self._disk.pending[self._path]:
            _apply(self._disk.durable[self._path], offset, data)
        self._disk.pending[self._path].clear()
        self._disk.moment()


def _apply(image: bytearray, offset: int, data: bytes | None) -> None:
    if data is None:
        del image[offset:]
        return
    image.extend(bytes(max(0, offset - len(image))))
    image[offset : offset + len(data)] = data


@pytest.mark.fault(52)
@pytest.mark.timeout(3600)
def test_a_power_cut_loses_nothing_that_was_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, enough: Callable[[int, int], int]
) -> None:
    wanted, cuts, torn_off = enough(1_000, 10_000), 0, 0
    chance = random.Random(2)
    disk = _Disk(chance)
    plain = apsw.Connection

    def connect(path: str, flags: int = apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE) -> apsw.Connection:
        return plain(path, flags, vfs="power")

    async def write(journal: SqliteJournal) -> None:
        for number in range(1, chance.randint(2, 30)):
            text = "x" * chance.choice([10, 900, 20_000])
            await journal.commit([decision(number), Send(command(number))], [record(number, number, t=text)])
            disk.said = number

    state, after = tmp_path / "state", tmp_path / "after"
    while cuts < wanted:
        shutil.rmtree(state, ignore_errors=True)
        disk.said, disk.cuts = 0, []
        disk.durable.clear()
        disk.pending.clear()
        monkeypatch.setattr(apsw, "Connection", connect)
        journal = SqliteJournal(state, StandingClock())
        asyncio.run(write(journal))
        journal.close()
        monkeypatch.undo()
        for said, image in disk.cuts:
            saved = _opened(after, image)
            assert said < saved.next_decision <= said + 2, "what was said, and at most what was being written"
            assert saved.next_seq == saved.next_decision
            assert [one.decision for one in saved.open_commands] == list(range(1, saved.next_decision))
            cuts += 1
            torn_off += saved.next_decision == said + 1
    assert 0 < torn_off < cuts, "some cuts fell before the sync, and some after it"


def _opened(folder: Path, image: Image) -> Saved:
    """What a daemon finds on a disk after a power cut."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for path, content in image.items():
        if not path.endswith("-shm"):
            (folder / Path(path).name).write_bytes(content)
    journal = SqliteJournal(folder, StandingClock())
    saved = journal.load()
    journal.close()
    return saved
