"""What a reload may change."""

from pathlib import Path

import pytest

from ozrules.settings.changes import needs_restart
from ozrules.settings.configuration import load
from ozrules.settings.model import Settings

BASE = """\
ozrules: 1
connections:
  - {name: lab, type: simulator}
  - {name: office, type: simulator}
"""


def _settings(text: str) -> Settings:
    return load(Path("/etc/ozrules/ozrules.yaml"), text.encode(), {"A": "a", "B": "b"})


@pytest.mark.parametrize(
    ("old", "new", "keys"),
    [
        (BASE, BASE, ()),
        (BASE, BASE + "rules: [other.yaml]\nmode: observe\nsecrets: {a: {env: A}}\n", ()),
        (BASE + "secrets: {a: {env: A}}\n", BASE + "secrets: {a: {env: B}}\n", ()),
        (BASE, BASE + "log: {level: debug, decisions: all, pseudonyms: true}\n", ()),
        (BASE, BASE + "log: {level: debug, format: json}\n", ("log.format",)),
        (BASE, BASE + "state: /elsewhere\n", ("state",)),
        (BASE, BASE + "web: {listen: 127.0.0.1:1, token: {env: A}}\n", ("web",)),
        (BASE, BASE.replace("type: simulator}", "type: simulator, seed: 7}", 1), ("connections.lab",)),
        (BASE, BASE.replace("name: lab", "name: new"), ("connections.lab", "connections.new")),
        (
            BASE,
            "ozrules: 1\nconnections: [{name: office, type: simulator}, {name: lab, type: simulator}]\n",
            ("connections",),
        ),
    ],
)
def test_only_what_can_change_live_does(old: str, new: str, keys: tuple[str, ...]) -> None:
    assert needs_restart(_settings(old), _settings(new)) == keys
