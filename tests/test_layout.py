"""The tree on disk is the tree that is described: the README's, and one test file for each module."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "ozrules"
TESTS = ROOT / "tests"

TESTED_ELSEWHERE = {
    "ozrules/rules/model.py": "data, built and read by every test of rules and engine",
    "ozrules/engine/effects.py": "the engine's vocabulary: data",
    "ozrules/engine/events.py": "the engine's vocabulary: data",
    "ozrules/engine/identity.py": "data",
    "ozrules/engine/arbiter.py": "the conversations of tests/engine/test_engine.py",
    "ozrules/engine/attempts.py": "the conversations of tests/engine/test_sequence.py",
    "ozrules/engine/deliveries.py": "the conversations of tests/engine/test_sequence.py",
    "ozrules/engine/hunting.py": "the conversations of tests/engine/test_sequence.py and test_routing.py",
    "ozrules/engine/live.py": "tests/engine/test_readings.py, and every conversation",
    "ozrules/engine/planning.py": "the conversations of tests/engine/test_sequence.py",
    "ozrules/engine/proof.py": "the conversations of tests/engine/test_sequence.py",
    "ozrules/engine/run.py": "tests/engine/test_memory.py, and every conversation",
    "ozrules/engine/state.py": "every conversation",
    "ozrules/engine/world.py": "every conversation",
    "ozrules/runtime/ports.py": "Protocols",
    "ozrules/cli/explanation.py": "tests/cli/test_why.py, tests/cli/test_test.py",
    "ozrules/cli/backup.py": "tests/cli/test_stored.py",
    "ozrules/cli/decisions.py": "tests/cli/test_stored.py",
    "ozrules/cli/export.py": "tests/cli/test_stored.py",
    "ozrules/cli/moments.py": "tests/cli/test_stored.py",
    "ozrules/settings/connections.py": "tests/settings/test_configuration.py",
    "ozrules/settings/model.py": "data, built by tests/settings/test_configuration.py",
    "ozrules/settings/values.py": "tests/settings/test_configuration.py",
    "ozrules/store/rows.py": "tests/store/test_journal.py, and the contract in tests/ports/test_journal.py",
    "ozrules/store/schema.py": "tests/store/test_opening.py",
    "ozrules/store/state_directory.py": "tests/store/test_opening.py",
    "ozrules/engine/view.py": "data, shown by `ozrules sessions` in tests/e2e/test_troubles.py",
    "ozrules/app/admin.py": "tests/e2e/test_troubles.py",
    "ozrules/app/in_force.py": "tests/e2e/test_reloads.py",
    "ozrules/app/standing.py": "`ozrules status` and `sessions` in tests/e2e/test_troubles.py",
    "ozrules/app/trial.py": "tests/cli/test_init.py",
    "ozrules/settings/first_files.py": "tests/cli/test_init.py",
    "ozrules/actions/delivery.py": "tests/actions/test_webhooks.py",
    "ozrules/app/switching.py": "tests/e2e/test_overrides.py",
    "ozrules/app/webhooks.py": "tests/e2e/test_webhooks.py",
    "ozrules/cli/asking.py": "tests/e2e/test_troubles.py, tests/e2e/test_reloads.py",
    "ozrules/cli/commands.py": "data; tests/cli/test_main.py asks each of them for help",
    "ozrules/cli/configuration.py": "tests/e2e/test_troubles.py",
    "ozrules/cli/told.py": "tests/cli/test_why.py, tests/cli/test_explaining.py",
    "ozrules/cli/run.py": "all of tests/e2e",
    "ozrules/connectors/session_messages.py": "data, written and read by tests/connectors/test_session_protocol.py",
    "ozrules/connectors/simulator/behaviour.py": "data",
    "ozrules/connectors/simulator/callers.py": "data",
    "ozrules/replay/call_edits.py": "tests/replay/test_smallest.py",
    "ozrules/replay/edits.py": "tests/replay/test_smallest.py",
    "ozrules/replay/parts.py": "tests/replay/test_compare.py",
    "ozrules/replay/rule_edits.py": "tests/replay/test_smallest.py",
    "ozrules/connectors/simulator/http_manners.py": "data",
    "ozrules/web/source.py": "a Protocol; tests/fakes/source.py and ozrules/app/dashboard.py implement it",
    "ozrules/scenario/model.py": "data, built by tests/scenario/test_reading.py",
}
"""Modules without a test file of their own, and why."""


def test_every_module_has_its_test_file() -> None:
    missing = [
        str(module.relative_to(ROOT))
        for module in _modules()
        if str(module.relative_to(ROOT)) not in TESTED_ELSEWHERE and not _test_of(module).exists()
    ]
    assert not missing


def test_every_exception_to_that_is_a_module() -> None:
    assert [name for name in TESTED_ELSEWHERE if not (ROOT / name).exists()] == []


def test_every_folder_of_tests_mirrors_a_package() -> None:
    apart = {
        "",
        "e2e",
        "fakes",
        "oracle",
        "ports",
        "properties",
        "scenarios",
        "simulation",
        "standin",
        "systemd",
        "torture",
    }
    folders = {str(path.parent.relative_to(TESTS)) for path in TESTS.rglob("test_*.py")}
    mirrored = {str(path.relative_to(PACKAGE)) for path in PACKAGE.rglob("*") if path.is_dir()}
    assert {folder for folder in folders - mirrored if folder.split("/")[0] not in apart | {"."}} == set()


def test_the_readme_shows_the_tree() -> None:
    shown = set(_tree((ROOT / "README.md").read_text(encoding="utf-8")))
    packages = {f"ozrules/{path.name}/" for path in PACKAGE.iterdir() if (path / "__init__.py").exists()}
    assert {entry for entry in shown if entry.startswith("ozrules/") and entry != "ozrules/"} == packages
    assert {entry for entry in shown if not (ROOT / entry).is_dir()} == set()


def test_the_layers_are_the_packages() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = project["tool"]["importlinter"]["contracts"]
    layers = next(contract["layers"] for contract in contracts if contract["type"] == "layers")
    named = {name.strip() for layer in layers for name in layer.split("|")}
    children = {path.stem for path in PACKAGE.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()}
    assert named == children - {"__init__"}


def _modules() -> Iterator[Path]:
    for module in sorted(PACKAGE.rglob("*.py")):
        if module.name not in ("__init__.py", "__main__.py"):
            yield module


def _test_of(module: Path) -> Path:
    inside = module.relative_to(PACKAGE)
    return TESTS / inside.parent / f"test_{inside.name}"


def _tree(readme: str) -> Iterator[str]:
    block = re.search(r"```text\n(.*?)```", readme, re.DOTALL)
    assert block
    above = ""
    for line in block[1].splitlines():
        name = line.split()[0]
        if line.startswith(" "):
            yield above + name
        else:
            above = name
            yield name
