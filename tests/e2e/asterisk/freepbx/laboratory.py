"""An Asterisk with the dialplan that offices have: FreePBX's, imitated in ``etc/extensions.conf``."""

import socket
from pathlib import Path
from string import Template
from typing import Final

from ozrules.connectors.asterisk.configuration import AsteriskAccess
from tests.e2e.asterisk.lab import Lab, free_port
from tests.e2e.asterisk.tree import Tree

ETC: Final = Path(__file__).parent / "etc"
FLOORS: Final = ("1", "2", "3", "4")
DESKS: Final = ("01", "02", "03", "04", "06")
UNREGISTERED: Final = "09"
CONTEXT: Final = "from-internal-xfer"
"""Where numbers are dialled: unlike from-internal it has no extension for a number that nobody has."""
TRUNKS: Final = {"trkA": "127.0.0.2", "trkB": "127.0.0.3"}
REFUSED_CALLER: Final = "0900555"


class Laboratory(Lab):
    """Four floors of phones with the same numbers behind the floor's digit, and two trunks."""

    def __init__(self, tree: Tree, run: Path) -> None:
        self.trunks = {name: free_port(socket.SOCK_DGRAM, host) for name, host in TRUNKS.items()}
        super().__init__(tree, run, [floor + desk for floor in FLOORS for desk in DESKS])

    def office(self) -> AsteriskAccess:
        """The configuration of a connection to it, as docs/freepbx.md has it."""
        return AsteriskAccess(
            host="127.0.0.1",
            port=self.ami,
            username="ozrules",
            password=self.access().password,
            context=CONTEXT,
            trunks=tuple(f"PJSIP/{name}-*" for name in TRUNKS),
            ari=self.access().ari,
        )

    def _configure(self) -> None:
        super()._configure()
        etc = self.run / "etc"
        away = [floor + UNREGISTERED for floor in FLOORS]
        phones = [
            f"[{number}](phone{'-of-2026' if number.endswith('06') else ''})\naors={number}\n"
            f'callerid="Phone {number}" <{number}>\n[{number}]({"unregistered" if number in away else "aor"})'
            for number in (*self.phones, *away)
        ]
        reached = {number: f"\ncontact=sip:{number}@127.0.0.1:{port}" for number, port in self.phones.items()}
        trunks = [
            f"[{name}](trunk)\naors={name}\n[{name}](aor)\ncontact=sip:{TRUNKS[name]}:{port}\n"
            f"[{name}]\ntype=identify\nendpoint={name}\nmatch={TRUNKS[name]}"
            for name, port in self.trunks.items()
        ]
        members = [
            f"[{floor}40](default-queue)\n"
            + "\n".join(
                f"member => Local/{floor}{desk}@from-queue/n,0,Phone {floor}{desk},hint:{floor}{desk}@ext-local"
                for desk in ("01", "02")
            )
            for floor in FLOORS
        ]
        values = {
            "sip": self.sip,
            "phones": "\n".join(each + reached.get(each[1:4], "") for each in phones),
            "trunks": "\n".join(trunks),
            "queues": "\n".join(members),
        }
        for name in ("pjsip", "queues"):
            (etc / f"{name}.conf").write_text(Template((ETC / f"{name}.conf").read_text()).substitute(values))
        for name in ("extensions", "features", "res_parking"):
            (etc / f"{name}.conf").write_text((ETC / f"{name}.conf").read_text())
        kept = [f"database put DEVICE/{number} user {number} = yes" for number in (*self.phones, *away)]
        kept += [f"database put blacklist {REFUSED_CALLER}{floor} 1 = yes" for floor in FLOORS]
        (etc / "cli.conf").write_text("[startup_commands]\n" + "\n".join(kept) + "\n")
