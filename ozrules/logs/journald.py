"""The native protocol of systemd's journal: fields that `journalctl OZ_SESSION=s1` can find.

One datagram is one entry. What is too big for a datagram goes in a sealed memory file whose descriptor is passed.
"""

import array
import errno
import fcntl
import os
import socket
from collections.abc import Mapping
from typing import Final

SOCKET: Final = "/run/systemd/journal/socket"
_SEALS: Final = fcntl.F_SEAL_SEAL | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE


def entry(fields: Mapping[str, str]) -> bytes:
    """One entry. Every value is sent with its length, so that no value can end early or begin another field."""
    parts: list[bytes] = []
    for name, value in fields.items():
        data = value.encode("utf-8", "replace")
        parts.append(b"%b\n%b%b\n" % (name.encode("ascii"), len(data).to_bytes(8, "little"), data))
    return b"".join(parts)


class JournalSocket:
    """The way to the journal. Raises OSError where there is none."""

    def __init__(self, path: str = SOCKET) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
        try:
            self._socket.connect(path)
        except OSError:
            self._socket.close()
            raise

    def send(self, entries: list[bytes]) -> None:
        """Sends entries one by one."""
        for one in entries:
            try:
                self._socket.send(one)
            except OSError as error:
                if error.errno not in (errno.EMSGSIZE, errno.ENOBUFS):
                    raise
                _send_file(self._socket, one)

    def close(self) -> None:
        """Ends it."""
        self._socket.close()


def _send_file(connection: socket.socket, data: bytes) -> None:
    descriptor = os.memfd_create("journal-entry", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    try:
        with open(descriptor, "wb", closefd=False) as file:
            file.write(data)
        fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, _SEALS)
        connection.sendmsg([b""], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [descriptor]))])
    finally:
        os.close(descriptor)
