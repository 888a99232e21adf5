"""What the documents show is true: their YAML loads, their commands exist, their names are complete.

The rule blocks of a page are one set of rules, as several files are.
"""

import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from ozrules.rules import loader
from ozrules.rules.document import Source
from ozrules.rules.fields import FIELDS
from ozrules.rules.reading.actions import ACTIONS
from ozrules.rules.reading.comparisons import OPS
from ozrules.session.state import GROUPS, KNOWN_STATES
from ozrules.settings import configuration

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
_FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_LINK = re.compile(r"\]\(([^)#\s]+)(?:#([^)\s]*))?\)")
ELSEWHERE = frozenset(
    {
        "export",
        "install",
        "make",
        "systemctl",
        "python3",
        "/opt/ozrules/bin/pip",
        "apt-get",
        "journalctl",
        "curl",
        "openssl",
        "chmod",
        "ssh",
    }
)
"""Commands of others that the documents use."""


def _blocks(language: str) -> Iterator[tuple[Path, str]]:
    for page in PAGES:
        for found in _FENCE.finditer(page.read_text(encoding="utf-8")):
            if found[1] == language:
                yield page, found[2]


def _sets_of_rules() -> dict[str, list[Source]]:
    sets: dict[str, list[Source]] = {}
    for page, text in _blocks("yaml"):
        if text.startswith("ozrules: 1") and "connections:" not in text:
            name = str(page.relative_to(ROOT))
            sets.setdefault(name, []).append(Source(f"{name}-{len(sets[name]):02}", text.encode()))
    return sets


@pytest.mark.parametrize("page", _sets_of_rules())
def test_the_rules_of_a_page_load(page: str) -> None:
    assert loader.load(_sets_of_rules()[page], secrets=frozenset({"doorPin"})).rules


CONFIGURATIONS = [text for _, text in _blocks("yaml") if "\nconnections:" in text]


@pytest.mark.parametrize("text", CONFIGURATIONS)
def test_the_configurations_load(text: str) -> None:
    configuration.load(Path("/etc/ozrules/ozrules.yaml"), text.encode(), {}, with_secrets=False)


def test_every_yaml_block_is_a_whole_file() -> None:
    """So that it can be copied, and so that the tests above have seen it."""
    assert [text for _, text in _blocks("yaml") if not text.startswith(("ozrules: 1\n", "ozrulesTest: 1\n"))] == []


COMMANDS = [line for _, block in _blocks("sh") for line in block.splitlines() if line and not line.startswith("#")]


@pytest.mark.parametrize("line", COMMANDS)
def test_the_commands_exist(line: str) -> None:
    words = line.removeprefix("sudo ").split()
    if words[0].rpartition("/")[2] != "ozrules":
        assert words[0] in ELSEWHERE
        return
    shown = _help(words[1])
    assert [word for word in words[2:] if word.startswith("--") and word not in shown] == []


@cache
def _help(command: str) -> str:
    done = subprocess.run(
        [Path(sys.executable).parent / "ozrules", command, "--help"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_links_lead_somewhere() -> None:
    broken = []
    for page in PAGES:
        for found in _LINK.finditer(page.read_text(encoding="utf-8")):
            target = found[1]
            if not target.startswith(("http:", "https:")) and not (page.parent / target).exists():
                broken.append(f"{page.relative_to(ROOT)}: {target}")
    assert broken == []


def test_every_recipe_that_the_table_names_is_there() -> None:
    page = (ROOT / "docs" / "rules.md").read_text(encoding="utf-8")
    headings = {
        re.sub(r"[^a-z0-9 -]", "", heading.lower()).replace(" ", "-")
        for heading in re.findall(r"^#{2,3} (.*)$", page, re.MULTILINE)
    }
    table = page[page.index("| what | recipe |") : page.index("### ")]
    named = re.findall(r"\(#([^)]*)\)", table)
    assert [each for each in named if each not in headings] == []
    assert len(table.splitlines()) >= 12
    recipes = page[page.index("## Recipes") : page.index("## Test your rules")]
    told = {
        re.sub(r"[^a-z0-9 -]", "", heading.lower()).replace(" ", "-")
        for heading in re.findall(r"^### (.*)$", recipes, re.MULTILINE)
    }
    assert told - set(named) <= {
        "an-important-caller-and-nobody-there",
        "a-caller-who-calls-again-and-again",
        "blocked-callers",
        "one-thing-or-another",
    }


def _keys(schema: object) -> set[str]:
    """The names of all properties that a JSON Schema describes."""
    match schema:
        case dict():
            properties = schema.get("properties")
            own = set(properties) if isinstance(properties, dict) else set()
            return own.union(*(_keys(each) for each in schema.values()))
        case list():
            return set().union(*(_keys(each) for each in schema))
        case _:
            return set()


@pytest.mark.parametrize("name", sorted({*FIELDS, *KNOWN_STATES, *GROUPS, *OPS, *ACTIONS, *_keys(loader.schema())}))
def test_the_reference_names_everything(name: str) -> None:
    reference = (ROOT / "docs" / "reference.md").read_text(encoding="utf-8")
    assert re.search(rf"`[^`\n]*(?<!\w){re.escape(name)}(?!\w)[^`\n]*`", reference), name


def test_the_configuration_page_names_every_key() -> None:
    page = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
    assert [key for key in sorted(_keys(configuration.schema())) if not re.search(rf"\b{key}\b", page)] == []
