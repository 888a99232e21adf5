"""The native protocol of systemd's journal, against a socket of our own."""

import array
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from ozrules.logs.journald import JournalSocket, entry


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[tuple[socket.socket, JournalSocket]]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(tmp_path / "socket"))
        listener.settimeout(10)
        way = JournalSocket(str(tmp_path / "socket"))
        yield listener, way
        way.close()


def _fields(data: bytes) -> dict[str, str]:
    fields: dict[str, str] = {}
    while data:
        name, _, rest = data.partition(b"\n")
        size = int.from_bytes(rest[:8], "little")
        fields[name.decode()] = rest[8 : 8 + size].decode()
        data = rest[9 + size :]
    return fields


@pytest.mark.fault(92)
def test_a_value_cannot_begin_another_field(journal: tuple[socket.socket, JournalSocket]) -> None:
    fields = {"MESSAGE": "a\nPRIORITY=0\nOZ_RULE=forged", "PRIORITY": "5"}
    listener, way = journal
    way.send([entry(fields)])
    assert _fields(listener.recv(65_536)) == fields


def test_an_entry_too_big_for_a_datagram_comes_as_a_sealed_file(journal: tuple[socket.socket, JournalSocket]) -> None:
    fields = {"MESSAGE": "x" * 600_000}
    listener, way = journal
    way.send([entry(fields)])
    _, control, _, _ = listener.recvmsg(16, socket.CMSG_SPACE(4))
    descriptors = array.array("i")
    descriptors.frombytes(control[0][2])
    with os.fdopen(descriptors[0], "rb") as file:
        file.seek(0)
        assert _fields(file.read()) == fields
