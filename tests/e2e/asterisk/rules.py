"""A daemon's configuration for the laboratory's Asterisk."""

from pathlib import Path

from tests.e2e.asterisk.lab import Lab
from tests.e2e.stage import configure

OUTSIDE = "900442071838750"
DEFAULTS = 'defaults: {extensions: "_[127]XXX"}\n'
GUARDS = f"guards: {{destinations: {{allow: [internal, '{OUTSIDE}']}}}}\n"


def settings(folder: Path, lab: Lab, rules: str, *, user: str = "ozrules") -> None:
    """Writes the configuration and the rules of a daemon for this Asterisk."""
    connection = {
        "name": "open",
        "type": "asterisk",
        "host": "127.0.0.1",
        "port": lab.ami,
        "username": user,
        "password": {"env": "LAB_PASSWORD"},
        "context": "internal",
        "trunks": ["PJSIP/trunk-*"],
        "ari": {
            "url": f"http://127.0.0.1:{lab.ari}/ari",
            "username": "ozrules",
            "password": {"env": "LAB_PASSWORD"},
        },
    }
    configure(folder, "ws://127.0.0.1:1/", f"ozrules: 1\n{DEFAULTS}{GUARDS}rules:\n{rules}", connections=[connection])
