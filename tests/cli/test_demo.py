"""`ozrules demo`: a few calls, very fast, and an account that agrees with the phone system's ledger."""

import subprocess
import sys
from pathlib import Path


def demo(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "ozrules", "demo", *arguments], capture_output=True, text=True, timeout=100, check=False
    )


def test_calls_are_acted_on_and_every_command_arrived_once() -> None:
    done = demo("--calls", "12", "--speed", "60", "--seed", "3")
    assert done.returncode == 0, done.stderr
    assert "12 calls" in done.stdout
    assert "fired" in done.stdout
    assert "every one arrived exactly once" in done.stdout


def test_wrong_rules_are_said_with_their_place(tmp_path: Path) -> None:
    (tmp_path / "wrong.yaml").write_text("ozrules: 1\nrules: [{id: a}]\n")
    done = demo("--rules", str(tmp_path / "wrong.yaml"))
    assert done.returncode == 1
    assert "wrong.yaml:2:9" in done.stderr
    assert "Traceback" not in done.stderr
