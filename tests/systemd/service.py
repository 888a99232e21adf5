"""The unit as it is shipped, in the container, and what an admin would set up around it."""

import shutil
from typing import Any, Final

from tests.e2e.stage import TOKEN
from tests.systemd.boot import PORT, Container, until

UNIT: Final = "ozrules.service"
STATE: Final = "/var/lib/private/ozrules"
RULES: Final = "/etc/ozrules/rules.d/office.yaml"

CONFIGURATION: Final = f"""\
ozrules: 1
connections:
  - {{name: lab, type: gateway, url: "ws://127.0.0.1:{PORT}/", token: {{credential: lab-token}}, movedParty: argument}}
rules: [{RULES}]
"""
DROP_IN: Final = """\
[Service]
LoadCredential=lab-token:/etc/ozrules/secrets/lab-token
WatchdogSec=3
RestartSec=200ms
ExecStartPre=/usr/bin/python3 -I /usr/local/lib/probe.py
"""
"""What an admin writes, with short times, and a probe that tries the sandbox from within."""

PROBE: Final = """\
import ctypes, json, os, socket

def tried(what):
    try:
        what()
    except OSError as error:
        return error.errno and os.strerror(error.errno)
    return "ALLOWED"

def connect(address):
    with socket.socket() as one:
        one.settimeout(1)
        one.connect((address, 9))

libc = ctypes.CDLL(None, use_errno=True)
status = dict(line.split(":\\t", 1) for line in open("/proc/self/status").read().splitlines() if ":\\t" in line)
facts = {
    "uid": os.getuid(),
    "privileges": {name: status[name] for name in ("NoNewPrivs", "Seccomp", "CapEff", "CapBnd")},
    "credential": open(os.environ["CREDENTIALS_DIRECTORY"] + "/lab-token").read(),
    "refused": {
        "the secret itself": tried(lambda: open("/etc/ozrules/secrets/lab-token").read()),
        "writing /etc": tried(lambda: open("/etc/ozrules/new", "w")),
        "writing /usr": tried(lambda: open("/usr/lib/ozrules/new", "w")),
        "reading /root": tried(lambda: os.listdir("/root")),
        "raw packets": tried(lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW)),
        "netlink": tried(lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW)),
        "another host": tried(lambda: connect("192.0.2.1")),
    },
    "this host": tried(lambda: connect("127.0.0.1")),
    "processes": [name for name in os.listdir("/proc") if name.isdigit() and name != str(os.getpid())],
}
with open(os.environ["STATE_DIRECTORY"] + "/probe.json", "w") as out:
    json.dump(facts, out)
"""

FORWARD: Final = """\
ozrules: 1
rules:
  - id: to-desk
    trigger: {{state: Ringing, for: {after}}}
    conditions: {{callee: 2666}}
    actions:
      - forward: 2010
"""
BROKEN: Final = """\
ozrules: 1
rules:
  - id: to-desk
    triger: {state: Ringing}
    actions: [hangup]
"""


class Service:
    """The daemon as a service, with a rule that forwards a call which nobody answers."""

    def __init__(self, container: Container) -> None:
        self.container = container

    def configure(self) -> None:
        """Writes what an admin would."""
        write = self.container.write
        write("/etc/ozrules/ozrules.yaml", CONFIGURATION)
        write("/etc/ozrules/secrets/lab-token", TOKEN, 0o600)
        write(f"/etc/systemd/system/{UNIT}.d/test.conf", DROP_IN)
        write("/usr/local/lib/probe.py", PROBE)
        self.rules(FORWARD.format(after="2s"))
        self.container.run("systemctl", "daemon-reload")

    def rules(self, text: str) -> None:
        """Puts these rules there, in the way of `mv`: whole."""
        self.container.write("/etc/ozrules/new", text)
        self.container.run("mv", "/etc/ozrules/new", RULES)

    def start(self) -> None:
        """Returns when it is ready."""
        self.ctl("start")
        assert self.state == "active"

    def ctl(self, verb: str, *, check: bool = True) -> int:
        """`systemctl VERB ozrules`; its exit code."""
        return self.container.run("systemctl", verb, UNIT, check=check).returncode

    def shows(self, name: str) -> str:
        """One of the unit's."""
        return self.container.show(UNIT, name)

    @property
    def state(self) -> str:
        return self.shows("ActiveState")

    @property
    def pid(self) -> str:
        return self.shows("MainPID")

    def came_back(self, before: str) -> None:
        """Waits until another process than ``before`` is ready."""
        until(lambda: self.state == "active" and self.pid not in (before, "0"), "the service is back")

    def said(self, *matches: str) -> list[dict[str, Any]]:
        """Its entries in the journal."""
        return self.container.journal(UNIT, *matches)

    def ozrules(self, *arguments: str) -> str:
        """One of the program's commands, as root on that machine."""
        return self.container.run("ozrules", *arguments).stdout

    def clear(self) -> None:
        """As if it had never run."""
        self.ctl("stop", check=False)
        self.container.run("systemctl", "reset-failed", UNIT, check=False)
        shutil.rmtree(self.container.root / STATE.lstrip("/"), ignore_errors=True)
        self.container.run("journalctl", "--rotate", "--vacuum-time=1s")
