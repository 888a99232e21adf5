"""The daemon's own log, and which form is chosen."""

import json
import logging
import os
import tempfile
from collections.abc import Callable
from typing import Literal

import pytest

from ozrules.logs.opening import Logs, open_logs
from ozrules.runtime.secret import Secret
from tests.fakes.effects import record


def _said(
    speak: Callable[[Logs], None],
    *,
    form: Literal["auto", "console", "json"] = "auto",
    level: Literal["debug", "info", "warning", "error"] = "info",
) -> tuple[str, str]:
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        logs = open_logs(form, level=level, pseudonyms=False, environment={}, stdout=out, stderr=err)
        try:
            speak(logs)
        finally:
            logs.close()
        out.seek(0)
        err.seek(0)
        return out.read(), err.read()


def test_in_a_pipe_the_record_and_the_log_are_json_lines_apart() -> None:
    def speak(logs: Logs) -> None:
        logs.log.info("connected", connection="office", server="pbx")
        logs.records.write([record(1, 1)])

    out, err = _said(speak)
    assert json.loads(out)["seq"] == 1
    said = json.loads(err)
    assert (said["level"], said["event"], said["connection"]) == ("info", "connected", "office")


@pytest.mark.fault(92, 99)
@pytest.mark.parametrize("form", ["console", "json"])
def test_hostile_fields_and_secrets_are_harmless(form: Literal["console", "json"]) -> None:
    def speak(logs: Logs) -> None:
        logs.log.warning("tolerated", detail="\r\nforged\x1b[2J\u202e" + "x" * 9999, token=Secret("hunter2"))

    _, err = _said(speak, form=form)
    assert len(err.splitlines()) == 1
    assert len(err) < 600
    assert not {"\x1b", "\u202e", "\r"} & set(err)
    assert "hunter2" not in err


def test_the_level_holds_and_may_change() -> None:
    def speak(logs: Logs) -> None:
        logs.log.debug("one")
        logs.log.info("two")
        logs.apply(level="warning", pseudonyms=False)
        logs.log.info("three")
        logs.log.error("four")

    _, err = _said(speak)
    assert [json.loads(line)["event"] for line in err.splitlines()] == ["two", "four"]


def test_a_traceback_is_part_of_its_line() -> None:
    def speak(logs: Logs) -> None:
        try:
            raise ValueError("\x1b[2J")
        except ValueError as error:
            logs.log.error("a connector failed", exc_info=error)

    _, err = _said(speak)
    (line,) = err.splitlines()
    assert "ValueError: \\u001b[2J" in json.loads(line)["exception"]


def test_what_libraries_say_comes_into_the_same_log() -> None:
    def speak(logs: Logs) -> None:
        logging.getLogger("somebody").warning("odd: %s", "a\nb")
        logging.getLogger("somebody").info("chatter")

    _, err = _said(speak)
    said = json.loads(err)
    assert (said["level"], said["event"], said["logger"]) == ("warning", "odd: a\\u000ab", "somebody")


@pytest.mark.fault(108)
def test_pseudonyms_may_be_switched_on_while_it_runs() -> None:
    def speak(logs: Logs) -> None:
        logs.apply(level="info", pseudonyms=True)
        logs.records.write([record(1, 1, session={"caller": "+36201234567"})])

    out, _ = _said(speak)
    assert "201234567" not in out


@pytest.mark.fault(85)
def test_dropped_lines_are_counted() -> None:
    reader, writer = os.pipe()
    with os.fdopen(writer, "w") as out, tempfile.TemporaryFile("w+") as err:
        logs = open_logs("json", level="info", pseudonyms=False, environment={}, stdout=out, stderr=err)
        for number in range(1, 400):
            logs.records.write([record(number, number, text={str(key): "x" * 250 for key in range(100)})])
        assert logs.dropped > 0
        os.close(reader)
        logs.close()
