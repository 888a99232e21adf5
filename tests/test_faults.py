"""Every case of docs/faults.md has a test that names it, or a reason why not; never both, never neither."""

import subprocess
import sys
from pathlib import Path

from tests.conftest import fault_cases

ROOT = Path(__file__).parent.parent


def test_the_table_of_cases_is_whole_and_says_why_of_each_that_no_test_shows() -> None:
    table = subprocess.run(
        [sys.executable, "-m", "pytest", "--faults", "-q", "-p", "no:cacheprovider"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert table.returncode == 0, table.stdout
    assert "does not say why" not in table.stdout


def test_there_are_108_cases_and_none_of_the_first_rank_is_left_without_a_test() -> None:
    cases = fault_cases()
    assert list(cases) == list(range(1, 109))
    assert [number for number, case in cases.items() if case.priority == 0 and case.reason] == []
