"""The program's entrance: every command has help with an example, and nothing is loaded that is not needed."""

import subprocess
import sys
from pathlib import Path

import pytest

import ozrules
from ozrules.cli.commands import ABOUT
from ozrules.cli.main import main

ROOT = Path(__file__).parent.parent.parent


@pytest.mark.parametrize("command", ABOUT)
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


@pytest.mark.parametrize(
    ("arguments", "heavy"),
    [
        (["--help"], ("ozrules.rules", "ozrules.engine", "ozrules.app", "msgspec", "asyncio")),
        (["--version"], ("ozrules.rules", "ozrules.engine", "ozrules.app", "msgspec", "asyncio")),
        (["check", "rules.example.yaml"], ("ozrules.engine.engine", "asyncio", "holidays.countries", "rich")),
    ],
)
def test_nothing_is_loaded_that_is_not_needed(arguments: list[str], heavy: tuple[str, ...]) -> None:
    script = (
        "import sys; from ozrules.cli.main import main\n"
        f"try: main({arguments})\n"
        "except SystemExit: pass\n"
        f"print([name for name in sys.modules if name.startswith({heavy})])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.rstrip().endswith("[]"), done.stdout


def test_help_on_all_of_them_says_a_line_of_each(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    said = " ".join(capsys.readouterr().out.split())
    assert [command for command, about in ABOUT.items() if f"{command} {about}" not in said] == []


def test_python_m_is_the_same_program() -> None:
    done = subprocess.run([sys.executable, "-m", "ozrules", "--version"], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("ozrules ")
