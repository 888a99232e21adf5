"""Which mounts lie on another host. The text is what Linux shows for a real NFS mount beside a local disk."""

import os
from pathlib import Path

import pytest

from ozrules.store.mounts import network_kind

MOUNTS = """\
22 28 0:21 / /proc rw,nosuid,nodev,noexec,relatime shared:12 - proc proc rw
28 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw,errors=remount-ro
96 28 0:53 / /srv/state rw,relatime shared:88 - nfs4 nas:/state rw,vers=4.2,hard,proto=tcp
97 28 0:54 / /srv/with\\040space rw,relatime shared:89 master:2 - cifs //nas/share rw,vers=3.1.1
"""


@pytest.mark.fault(56)
@pytest.mark.parametrize(
    ("major", "minor", "kind"), [(0, 53, "nfs4"), (0, 54, "cifs"), (8, 1, None), (0, 21, None), (9, 9, None)]
)
def test_a_network_file_system_is_known(major: int, minor: int, kind: str | None) -> None:
    assert network_kind(os.makedev(major, minor), MOUNTS) == kind


def test_the_mounts_of_this_host_can_be_read(tmp_path: Path) -> None:
    mounts = Path("/proc/self/mountinfo").read_text(encoding="utf-8")
    assert network_kind(Path("/proc").stat().st_dev, mounts) is None
    assert network_kind(tmp_path.stat().st_dev, mounts) is None
