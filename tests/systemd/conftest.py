"""One package and one boot for all tests here, and one phone system for each."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.systemd.boot import ROOT, Container, Phones, booted
from tests.systemd.service import Service

NEEDED = ("systemd-nspawn", "nsenter", "dpkg-deb", "deb-systemd-helper")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    missing = [name for name in NEEDED if shutil.which(name) is None]
    reason = "only root may boot a machine" if os.geteuid() else f"not installed: {', '.join(missing)}"
    for item in items:
        if item.path.parent == Path(__file__).parent:
            item.add_marker(pytest.mark.timeout(600))  # the first one builds, boots and installs
            if missing or os.geteuid():
                item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(scope="session")
def deb() -> Path:
    """The package, built anew as `make deb` does."""
    done = subprocess.run(
        [ROOT / "packaging" / "build-deb", sys.executable],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return ROOT / done.stdout.split()[-1]


@pytest.fixture(scope="session")
def container(deb: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Container]:
    """A machine on which the package has just been installed."""
    with booted(tmp_path_factory.mktemp("machine")) as machine:
        shutil.copy(deb, machine.root / "root/ozrules.deb")
        machine.run("dpkg", "--force-unsafe-io", "--install", "/root/ozrules.deb")
        yield machine


@pytest.fixture
def service(container: Container) -> Iterator[Service]:
    """The service, set up for a phone system that is not there yet; stopped and without state afterwards."""
    one = Service(container)
    one.configure()
    try:
        yield one
    finally:
        one.clear()


@pytest.fixture
def phones(container: Container) -> Iterator[Phones]:
    """A phone system that runs."""
    system = Phones(container)
    try:
        yield system
    finally:
        system.close()
