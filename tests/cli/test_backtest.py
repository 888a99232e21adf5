"""Recordings that are large, out of order, or come through a pipe."""

import os
import random
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from ozrules.cli.backtest import LARGE, Backtest, opened, progress_bar
from ozrules.cli.main import main
from ozrules.replay.recording import NotARecording
from ozrules.rules.document import Source
from ozrules.rules.loader import load
from tests.replay.recorded import DESK, seen, text

OLD = Source("old.yaml", text(DESK).encode())
NEW = Source("new.yaml", text(DESK.replace("20s", "30s")).encode())


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("large") / "recording.jsonl"
    name = "x" * 600
    lines = [
        line
        for number in range(2800)
        for line in (
            seen(number, "Ringing", f"s{number}", callerDisplayName=name),
            seen(number + 25 + number % 2 * 15, "InCall", f"s{number}", callerDisplayName=name),
        )
    ]
    path.write_text("\n".join(sorted(lines)) + "\n", encoding="utf-8")
    assert path.stat().st_size > LARGE
    return path


def test_two_processes_find_what_one_finds(large: Path) -> None:
    with progress_bar() as bar:
        backtest = Backtest(large)
        (old, calls), (new, same) = backtest.decided_by(((OLD,), (NEW,)), bar)
        alone = list(backtest.decided(load([NEW]), bar, explain=0))
    assert calls == same == 2800
    assert sum(each.reason == "fired" for each in old) == 2800
    assert sum(each.reason == "fired" for each in new) == 1400
    assert [(each.at, each.rule, each.session_key, each.actions) for each in new] == [
        (each.at, each.rule, each.session_key, each.actions) for each in alone
    ]


def test_lines_out_of_order_are_sorted(tmp_path: Path) -> None:
    lines = [seen(number, "Ringing", f"s{number}") for number in range(50)]
    found = []
    for name in ("ordered", "shuffled"):
        path = tmp_path / name
        path.write_text("\n".join(lines), encoding="utf-8")
        with progress_bar() as bar:
            found.append([each.session_key for each in Backtest(path).decided(load([OLD]), bar)])
        random.Random(1).shuffle(lines)
    assert found[0] == found[1]
    assert len(found[0]) == 50


def test_a_recording_comes_through_a_pipe(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pipe, rules = tmp_path / "pipe", tmp_path / "rules.yaml"
    rules.write_bytes(OLD.data)
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_text, args=(seen(0, "Ringing") + "\n",))
    writer.start()
    assert main(["replay", str(pipe), "--rules", str(rules)]) == 0
    writer.join()
    assert "forward 2010" in capsys.readouterr().out


def test_of_a_recording_that_breaks_off_nothing_is_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, rules = tmp_path / "broken.jsonl", tmp_path / "rules.yaml"
    rules.write_bytes(OLD.data)
    path.write_text(seen(0, "Ringing") + "\n" + seen(60, "InCall")[:40], encoding="utf-8")
    assert main(["replay", str(path), "--rules", str(rules)]) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert "line 2 is no line of a recording" in said.err


def test_a_process_that_meets_a_bad_line_says_which(large: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.jsonl"
    broken.write_bytes(large.read_bytes() + b"{}\n")
    with opened(broken) as backtest, progress_bar() as bar, pytest.raises(NotARecording, match="line 5601 "):
        backtest.decided_by(((OLD,), (NEW,)), bar)


def test_there_is_a_bar_on_a_terminal_and_nothing_of_it_elsewhere(large: Path, tmp_path: Path) -> None:
    for source in (OLD, NEW):
        (tmp_path / source.name).write_bytes(source.data)
    program = Path(sys.executable).parent / "ozrules"
    asked: list[str | Path] = [
        program,
        "replay",
        large,
        "--rules",
        tmp_path / "new.yaml",
        "--against",
        tmp_path / "old.yaml",
    ]
    ours, theirs = os.openpty()
    seen_there = bytearray()

    def watch() -> None:
        while part := _read(ours):
            seen_there.extend(part)

    watcher = threading.Thread(target=watch)
    watcher.start()
    done = subprocess.run(
        asked, stdout=subprocess.PIPE, stderr=theirs, text=True, check=False, env={**os.environ, "TERM": "xterm"}
    )
    os.close(theirs)
    watcher.join()
    assert b"replaying" in seen_there
    assert b"100%" in seen_there
    quiet = subprocess.run(asked, capture_output=True, text=True, check=False)
    assert quiet.stderr == ""
    assert done.stdout == quiet.stdout
    assert done.stdout.splitlines()[0] == "2800 of 2800 calls change"


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 65536)
    except OSError:  # the last writer has gone
        return b""
