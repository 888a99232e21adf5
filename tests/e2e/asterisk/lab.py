"""One running Asterisk on loopback, as an admin would have set it up, with ports of its own."""

import math
import os
import random
import shutil
import socket
import ssl
import struct
import subprocess
import time
import wave
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from string import Template
from typing import Final

from ozrules.connectors.asterisk.configuration import AriAccess, AsteriskAccess
from tests.connectors.asterisk.certificate import self_signed
from tests.e2e.asterisk.pasted import pasted
from tests.e2e.asterisk.tree import NoAsterisk, Tree

ETC: Final = Path(__file__).parent / "etc"
SECRET: Final = "laboratory-secret"
PHONES: Final = ("1001", "1002", "1003", "1004", "1005")
MUSIC: Final = 440
READY_WITHIN: Final = 60.0
RTP: Final = 20_000
"""Sound has the ports from here to 32000, signalling those below: the kernel gives away the ones above."""
MAY_LESS: Final = f"""
[watcher]
secret = {SECRET}
read = call,dtmf,system
write = reporting

[deaf]
secret = {SECRET}
read = system
write = call,originate,reporting

[forgetful]
secret = {SECRET}
read = call,dtmf,system
write = call,originate,reporting
eventfilter = !Event: Hangup
eventfilter = !Event: HangupRequest
eventfilter = !Event: SoftHangupRequest
eventfilter = !Event: BridgeLeave

[late]
secret = {SECRET}
read = call,dtmf,system
write = call,originate,reporting
eventfilter = !Event: DialEnd
eventfilter = !Event: BridgeEnter
eventfilter = !ChannelStateDesc: Up
"""
LEFT_EMPTY: Final = ("acl", "amd", "ccss", "cdr", "cel", "cli_aliases", "codecs", "confbridge", "pjproject", "sorcery")
LEFT_EMPTY_TOO: Final = ("stasis", "udptl", "voicemail", "agents", "followme", "pjsip_wizard", "pjsip_notify")


class Lab:
    """Asterisk's process and where to reach it."""

    def __init__(self, tree: Tree, run: Path, phones: Sequence[str] = PHONES) -> None:
        self.tree = tree
        self.run = run
        self.sip = free_port(socket.SOCK_DGRAM)
        self.ami = free_port(socket.SOCK_STREAM)
        self.tls = free_port(socket.SOCK_STREAM)
        self.ari = free_port(socket.SOCK_STREAM)
        self.phones = {number: free_port(socket.SOCK_DGRAM) for number in phones}
        self.trunk = free_port(socket.SOCK_DGRAM, "127.0.0.2")
        self._process: subprocess.Popen[bytes] | None = None
        self.certificate, self._key = self_signed(run)
        self._configure()

    def access(
        self,
        *,
        user: str = "ozrules",
        ari: bool = True,
        hold: str | None = None,
        listen: str | None = None,
        tls: bool = False,
    ) -> AsteriskAccess:
        """The configuration of a connection to it."""
        return AsteriskAccess(
            host="127.0.0.1",
            port=self.tls if tls else self.ami,
            username=user,
            password=SECRET,
            tls=ssl.create_default_context(cafile=str(self.certificate)) if tls else None,
            context="internal",
            hold_extension=hold,
            supervisor=listen,
            trunks=("PJSIP/trunk-*",),
            ari=AriAccess(url=f"http://127.0.0.1:{self.ari}/ari", app="ozrules", username="ozrules", password=SECRET)
            if ari
            else None,
        )

    def start(self) -> None:
        """Starts it and waits until it takes calls."""
        for stale in (self.run / "run").iterdir():
            stale.unlink()
        command = self.tree.command("usr/sbin/asterisk", "-C", str(self.run / "etc/asterisk.conf"), "-f", "-vvv")
        with (self.run / "log/console").open("ab") as console:
            self._process = subprocess.Popen(
                command, cwd=self.run, stdin=subprocess.DEVNULL, stdout=console, stderr=console
            )
        ends = time.monotonic() + READY_WITHIN
        while self.cli("core waitfullybooted").returncode:
            if self._process.poll() is not None or time.monotonic() > ends:
                console_text = (self.run / "log/console").read_text(errors="replace")[-2000:]
                self.kill()
                raise NoAsterisk(f"Asterisk does not start here: {console_text}")
            time.sleep(0.1)

    @property
    def is_alive(self) -> bool:
        """Whether it runs. Asterisk 22.10.1 crashes now and then; the kernel's log shows it."""
        return self._process is not None and self._process.poll() is None

    def stop(self) -> None:
        """As an admin stops it."""
        self.cli("core stop now")
        self._wait()

    def kill(self) -> None:
        """As a crash ends it."""
        if self._process is not None:
            self._process.kill()
        self._wait()

    def cli(self, words: str) -> "subprocess.CompletedProcess[str]":
        """A command of Asterisk's console."""
        command = self.tree.command("usr/sbin/asterisk", "-C", str(self.run / "etc/asterisk.conf"), "-rx", words)
        return subprocess.run(command, check=False, capture_output=True, text=True, timeout=30)

    def channels(self) -> list[str]:
        """The names of all channels that live."""
        return [
            line.split("!")[0] for line in self.cli("core show channels concise").stdout.splitlines() if "!" in line
        ]

    def _wait(self) -> None:
        if self._process is not None:
            try:
                self._process.wait(20)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait(20)
            self._process = None

    def _configure(self) -> None:
        run = self.run
        for folder in (
            "etc",
            "lib/agi-bin",
            "lib/keys",
            "lib/moh",
            "log",
            "run",
            "cache",
            "spool/outgoing",
            "spool/tmp",
        ):
            (run / folder).mkdir(parents=True, exist_ok=True)
        share = self.tree.root / "usr/share/asterisk"
        for name in ("documentation", "rest-api", "static-http"):
            if (share / name).is_dir():
                (run / "lib" / name).symlink_to(share / name)
        (run / "lib/sounds").mkdir()
        # a maintainer script would have made this; without it nothing that plays a prompt works
        (run / "lib/sounds/en").symlink_to(share / "sounds/en_US_f_Allison")
        _music(run / "lib/moh/music.wav")
        rtp = RTP + os.getpid() % 60 * 200
        phones = "\n".join(
            f'[{number}](phone)\naors={number}\ncallerid="Phone {number}" <{number}>\n'
            f"[{number}](aor)\ncontact=sip:{number}@127.0.0.1:{port}"
            for number, port in self.phones.items()
        )
        values = {
            "run": run,
            "modules": self.tree.modules,
            "sip": self.sip,
            "trunk": self.trunk,
            "rtp_start": rtp,
            "rtp_end": rtp + 199,
            "phones": phones,
        }
        for name in (*LEFT_EMPTY, *LEFT_EMPTY_TOO):
            packaged = self.tree.root / f"etc/asterisk/{name}.conf"
            target = run / f"etc/{name}.conf"
            if packaged.exists():
                shutil.copyfile(packaged, target)
            else:
                target.touch()
        for template in ETC.glob("*.conf"):
            (run / "etc" / template.name).write_text(Template(template.read_text()).substitute(values))
        self._paste(run / "etc")

    def _paste(self, etc: Path) -> None:
        """What docs/asterisk.md says, with the ports and secrets of this laboratory."""
        pem = etc / "manager.pem"
        pem.write_bytes(self.certificate.read_bytes() + self._key.read_bytes())
        changed = {"0.0.0.0:5039": f"127.0.0.1:{self.tls}", "/etc/asterisk/keys/manager.pem": str(pem)}
        more = f"[general]\nport = {self.ami}\n{pasted('manager.conf, in [general]', changed)}"
        manager = pasted("manager.conf", {"[general]\n": more, "a long random word": SECRET})
        (etc / "manager.conf").write_text(manager + MAY_LESS)
        ari = {"another long random word": SECRET}
        (etc / "ari.conf").write_text(pasted("ari.conf", ari))
        (etc / "http.conf").write_text(pasted("http.conf", {"[general]\n": f"[general]\nbindport = {self.ari}\n"}))


def free_port(kind: socket.SocketKind, host: str = "127.0.0.1") -> int:
    """A port that nobody has now, and that the kernel gives to nobody who asks for any."""
    while True:
        port = random.randrange(10_000, RTP)
        with socket.socket(socket.AF_INET, kind) as probe, suppress(OSError):
            probe.bind((host, port))
            return port


def _music(path: Path) -> None:
    """Music on hold that a test can recognise: one tone."""
    with wave.open(str(path), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(8000)
        samples = (int(6000 * math.sin(2 * math.pi * MUSIC * n / 8000)) for n in range(80_000))
        out.writeframes(b"".join(struct.pack("<h", sample) for sample in samples))
