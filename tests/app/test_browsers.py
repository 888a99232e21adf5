"""Where a browser is missing, `check` says so at the place that asks for one."""

from pathlib import Path

import pytest

from ozrules.cli.main import main

CONFIG = """\
ozrules: 1
connections:
  - {name: desk, type: simulator}
  - name: office
    type: ozeki-webclient
    server: 192.0.2.1
    token: {env: T}
  - name: branch
    type: ozeki-webclient
    server: 192.0.2.2
    token: {env: T}
    browser: external
    bridge: {listen: "127.0.0.1:8790", token: {env: T}}
"""


def _check(folder: Path, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    (folder / "rules.d").mkdir()
    (folder / "ozrules.yaml").write_text(CONFIG, encoding="utf-8")
    code = main(["check", "--config", str(folder / "ozrules.yaml")])
    return code, capsys.readouterr().out


def test_a_missing_browser_is_said_where_it_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    code, said = _check(tmp_path, capsys)
    assert code == 0  # it may be checked elsewhere than it runs
    assert f"{tmp_path}/ozrules.yaml:5:11" in said
    assert f"{tmp_path}/ozrules.yaml:12:14" in said
    assert said.count("no-browser") == 2
    assert "apt install chromium" in said


def test_a_snap_is_no_browser_and_the_admin_hears_what_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    program = tmp_path / "chromium-browser"
    program.write_text("#!/bin/sh\nexec /snap/bin/chromium\n", encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    _, said = _check(tmp_path, capsys)
    assert "is a snap" in said
    assert "Google Chrome" in said


def test_with_a_browser_nothing_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    program = tmp_path / "google-chrome"
    program.write_text("#!/bin/sh\n", encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "no-browser" not in _check(tmp_path, capsys)[1]
