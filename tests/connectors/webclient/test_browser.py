"""Finding and running a browser; what it is told, and what is left when it goes."""

import asyncio
import tempfile
from pathlib import Path

import pytest

from ozrules.connectors.webclient.browser import NAMES, Browser, NoBrowser, browser, find_browser
from ozrules.connectors.webclient.devtools import BrowserGone


def _program(folder: Path, name: str, text: str) -> Path:
    program = folder / name
    program.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
    program.chmod(0o755)
    return program


@pytest.mark.parametrize("name", NAMES)
def test_any_of_the_known_names_is_found(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    program = _program(tmp_path, name, "true")
    assert find_browser() == str(program)


def test_a_path_is_taken_as_it_is(tmp_path: Path) -> None:
    program = _program(tmp_path, "my-browser", "true")
    assert find_browser(str(program)) == str(program)


def test_where_there_is_none_the_admin_hears_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NoBrowser, match="apt install chromium"):
        find_browser()
    with pytest.raises(NoBrowser, match="'/nowhere/chromium' is not there"):
        find_browser("/nowhere/chromium")


async def _last_words(program: Path) -> str:
    """What a program that is no browser says before it ends."""
    words: list[Browser] = []

    async def listen() -> None:
        async with browser(str(program), {"page.localhost": "127.0.0.1:1"}) as running:
            words.append(running)
            async for _ in running.devtools.events():
                pass

    with pytest.raises(ExceptionGroup) as caught:
        await listen()
    assert caught.group_contains(BrowserGone)
    return words[0].last_words


def test_a_browser_that_ends_at_once_leaves_its_last_words_and_no_profile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    program = _program(tmp_path, "broken", 'echo "no usable sandbox" >&2; exit 1')
    assert asyncio.run(_last_words(program)) == "no usable sandbox\n"
    assert [path.name for path in tmp_path.iterdir()] == ["broken"]


@pytest.mark.fault(99)
def test_it_gets_a_fresh_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OZ_BRIDGE", "canary")
    said = asyncio.run(_last_words(_program(tmp_path, "tells", "env >&2")))
    assert "HOME=" in said
    assert "canary" not in said
