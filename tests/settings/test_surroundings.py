"""What the environment and the host add to the file."""

import os
from pathlib import Path

import pytest

from ozrules.settings.surroundings import NoSecret, Surroundings


def _around(**environment: str) -> Surroundings:
    return Surroundings(Path("/home/anna/ozrules.yaml"), environment)


@pytest.mark.parametrize(("variable", "zone"), [("Europe/Budapest", "Europe/Budapest"), (":Asia/Tokyo", "Asia/Tokyo")])
def test_the_zone_of_the_environment_comes_first(variable: str, zone: str) -> None:
    assert _around(TZ=variable).zone == zone


def test_the_host_has_a_zone() -> None:
    assert _around().zone


def test_variables_and_the_home_directory_are_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/anna")
    assert _around(X="/x").path("${X}/a") == Path("/x/a")
    assert _around().path("~/a") == Path("/home/anna/a")
    assert _around().path("$X/a") is None


def test_a_fifo_or_a_directory_is_no_secret(tmp_path: Path) -> None:
    with pytest.raises(NoSecret, match="directory"):
        _around().from_file(tmp_path)
    os.mkfifo(tmp_path / "fifo", 0o600)
    with pytest.raises(NoSecret, match="no regular file"):
        _around().from_file(tmp_path / "fifo")


def test_a_credential_needs_a_service_manager() -> None:
    with pytest.raises(NoSecret, match="LoadCredential=token"):
        _around().from_credential("token")
