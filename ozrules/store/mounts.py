"""On what kind of file system something lies: the write-ahead log and the lock are safe only on a disk of this host.

Source: SQLite's page on write-ahead logging ("does not work over a network filesystem"), and proc(5) for the form of
``/proc/self/mountinfo``.
"""

import os
from typing import Final

NETWORK: Final = frozenset({"nfs", "nfs4", "cifs", "smb3", "smbfs", "afs", "ncpfs", "fuse.sshfs", "fuse.glusterfs"})


def network_kind(device: int, mounts: str) -> str | None:
    """The kind of the network file system with this device number, by what mountinfo says; None where it is none."""
    wanted = f"{os.major(device)}:{os.minor(device)}"
    for line in mounts.splitlines():
        mount, _, source = line.partition(" - ")
        if mount.split()[2:3] == [wanted]:
            kind = source.split()[0]
            return kind if kind in NETWORK else None
    return None
