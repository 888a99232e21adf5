"""The program's entrance: every command has help with an example, and nothing is loaded that is not needed."""

import subprocess
import sys

import pytest

import ozrules
from ozrules.cli.main import COMMANDS, main


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_an_example(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([command, "--help"])
    said = capsys.readouterr().out
    assert ended.value.code == 0
    assert "example" in said
    assert f"ozrules {command}" in said


def test_the_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert ended.value.code == 0
    assert capsys.readouterr().out == f"ozrules {ozrules.__version__}\n"


@pytest.mark.parametrize("arguments", [[], ["nonsense"], ["run", "--nonsense"], ["pause", "a", "b"]])
def test_a_wrong_call_is_two_and_no_traceback(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert "usage: ozrules" in capsys.readouterr().err


def test_asking_loads_neither_the_engine_nor_a_connector() -> None:
    script = (
        "import sys; from ozrules.cli.main import main\n"
        "try: main(['status', '--help'])\n"
        "except SystemExit: pass\n"
        "heavy = ('ozrules.engine.engine', 'ozrules.connectors', 'rich')\n"
        "print([name for name in sys.modules if name.startswith(heavy)])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.rstrip().endswith("[]")


def test_python_m_is_the_same_program() -> None:
    done = subprocess.run([sys.executable, "-m", "ozrules", "--version"], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("ozrules ")
