"""``python -m tests.connectors.webclient.mutants NAME``: plants this bug and runs the tests until one finds it.

A bug in the page is planted into a copy of the page's files, one in the process that keeps the browser where it is
imported. Ends with 0 where a test failed, as it must, and with 1 where none did.
"""

import shutil
import sys
import tempfile
from pathlib import Path

import pytest

from ozrules.connectors.webclient import page_server
from tests.simulation.mutants.planting import Mutant, mutants, plant

HERE = Path(__file__).parent
PHONE = ("phone.js", "settling.js", "live.js")
"""What is tried in virtual time; the other modules are tried alone."""


def main(name: str) -> int:
    mutant = next(mutant for mutant in mutants(HERE) if mutant.name == name)
    if mutant.path.endswith(".py"):
        plant(mutant)
        return _hunt("test_tokens.py")
    with tempfile.TemporaryDirectory() as folder:
        _plant_in_page(mutant, Path(folder))
        return _hunt("test_phone.py" if mutant.path.endswith(PHONE) else "test_modules.py")


def _plant_in_page(mutant: Mutant, folder: Path) -> None:
    shutil.copytree(page_server.FOLDER, folder, dirs_exist_ok=True)
    (folder / Path(mutant.path).name).write_text(mutant.planted(), encoding="utf-8")
    page_server.FOLDER = folder  # type: ignore[misc]


def _hunt(tests: str) -> int:
    found = pytest.main(["-x", "-q", "-p", "no:cacheprovider", str(HERE.parent / tests)])
    return 0 if found == pytest.ExitCode.TESTS_FAILED else 1


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1]))
