"""Puts the logs together: where lines go, in which form, and who may speak through them.

``auto`` is a person's form on a terminal, the journal of systemd where stdout leads there, JSON lines else. The
record goes to stdout, the daemon's own log to stderr, so that a pipe gets records alone.
"""

import logging
import os
import sys
from collections.abc import Mapping, MutableMapping
from typing import IO, Any, Final, Literal, TypeAlias

import msgspec
import structlog

from ozrules.logs.escaping import escaped, json_safe
from ozrules.logs.journald import JournalSocket, entry
from ozrules.logs.output import Output, to_descriptor
from ozrules.logs.pseudonyms import Pseudonyms
from ozrules.logs.record_log import Format, RecordLog
from ozrules.runtime.ports import Log

Level: TypeAlias = Literal["debug", "info", "warning", "error"]
_Event: TypeAlias = MutableMapping[str, Any]

_RANKS: Final[dict[str, int]] = {"debug": 0, "info": 1, "warning": 2, "error": 3, "critical": 3}
_PRIORITIES: Final = {"debug": "7", "info": "6", "warning": "4", "error": "3", "critical": "2"}
_MAX_TRACEBACK: Final = 16_384
_ISO: Final = structlog.processors.TimeStamper(fmt="iso")
_CLOCK: Final = structlog.processors.TimeStamper(fmt="%H:%M:%S", utc=False)
_ENCODER: Final = msgspec.json.Encoder(enc_hook=str)


class Logs:
    """The record and the log, open. `close` gives stdlib's logging back as it was."""

    def __init__(self, form: Format, *, stdout: IO[str], stderr: IO[str], colour: bool) -> None:
        self._level: Level = "info"
        self._form = form
        self._journal: JournalSocket | None = None
        if form == "journal":
            self._journal = JournalSocket()
            own = self._output = Output(self._journal.send, lambda count: self._render("warning", _dropped(count)))
        else:
            self._output = Output(to_descriptor(stdout.fileno()), self._dropped_record)
            own = Output(to_descriptor(stderr.fileno()), lambda count: self._render("warning", _dropped(count)))
        self._own = own
        self.records = RecordLog(self._output, form, colour=colour)
        self._console = structlog.dev.ConsoleRenderer(colors=colour, sort_keys=False, pad_event_to=0)
        self.log: Log = structlog.wrap_logger(
            _Lines(own),
            processors=[self._filter, structlog.processors.format_exc_info, _made_safe, self._finish],
            wrapper_class=structlog.BoundLogger,
        )
        self._foreign = _Foreign(self.log)
        logging.getLogger().addHandler(self._foreign)

    def apply(self, *, level: Level, pseudonyms: bool) -> None:
        """What may change while the daemon runs."""
        self._level = level
        if pseudonyms != (self.records.pseudonyms is not None):
            self.records.pseudonyms = Pseudonyms(os.urandom(16)) if pseudonyms else None

    @property
    def dropped(self) -> int:
        """How many lines nobody took in time."""
        return self._own.dropped + (self._output.dropped if self._output is not self._own else 0)

    def close(self) -> None:
        """Writes what still waits, as far as somebody reads it."""
        logging.getLogger().removeHandler(self._foreign)
        self._output.close()
        if self._own is not self._output:
            self._own.close()
        if self._journal is not None:
            self._journal.close()

    # --- the chain of structlog -------------------------------------------------------------------------------------

    def _filter(self, logger: object, method: str, event: _Event) -> _Event:
        if _RANKS[method] < _RANKS[self._level]:
            raise structlog.DropEvent
        return event

    def _finish(self, logger: object, method: str, event: _Event) -> bytes:
        return self._render(method, event)

    def _render(self, level: str, event: _Event) -> bytes:
        match self._form:
            case "json":
                now = _ISO(None, "", {})["timestamp"]
                line = {"type": "log", "time": now, "level": level, "event": event.pop("event", ""), **event}
                return (json_safe(_ENCODER.encode(line).decode()) + "\n").encode()
            case "journal":
                message = " ".join([str(event.pop("event", "")), *(f"{name}={value}" for name, value in event.items())])
                return entry({"MESSAGE": message, "PRIORITY": _PRIORITIES[level], "SYSLOG_IDENTIFIER": "ozrules"})
            case "console":
                stamped = _CLOCK(None, "", {**event, "level": level})
                return (self._console(None, level, stamped) + "\n").encode("utf-8", "replace")

    def _dropped_record(self, count: int) -> bytes:
        if self._form == "json":
            return _ENCODER.encode({"type": "dropped", "lines": count}) + b"\n"
        return f"({count} lines were dropped: nobody read them in time)\n".encode()


def open_logs(
    form: Literal["auto", "console", "json", "journal"],
    *,
    level: Level,
    pseudonyms: bool,
    environment: Mapping[str, str],
    stdout: IO[str] = sys.stdout,
    stderr: IO[str] = sys.stderr,
) -> Logs:
    """The logs of this process."""
    colour = stdout.isatty() and not environment.get("NO_COLOR")
    logs = Logs(_chosen(stdout, environment) if form == "auto" else form, stdout=stdout, stderr=stderr, colour=colour)
    logs.apply(level=level, pseudonyms=pseudonyms)
    return logs


def _chosen(stdout: IO[str], environment: Mapping[str, str]) -> Format:
    if stdout.isatty():
        return "console"
    status = os.fstat(stdout.fileno())
    leads_there = environment.get("JOURNAL_STREAM") == f"{status.st_dev}:{status.st_ino}"
    return "journal" if leads_there else "json"


def _dropped(count: int) -> _Event:
    return {"event": "lines were dropped: nobody read them in time", "lines": count}


def _made_safe(logger: object, method: str, event: _Event) -> _Event:
    return {name: _safe(name, value) for name, value in event.items()}


def _safe(name: str, value: object) -> object:
    match value:
        case None | bool() | int() | float():
            return value
        case str() if name == "exception":
            return "\n".join(escaped(line) for line in value[-_MAX_TRACEBACK:].split("\n"))
        case _:
            return escaped(str(value))


class _Lines:
    """What structlog calls a logger: takes the finished line, whatever its level."""

    def __init__(self, output: Output) -> None:
        self._output = output

    def _put(self, line: bytes) -> None:
        self._output.put(line)

    debug = info = warning = error = critical = _put


class _Foreign(logging.Handler):
    """Brings what libraries say through stdlib's logging into the same log, from warnings on."""

    def __init__(self, log: Log) -> None:
        super().__init__(logging.WARNING)
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        try:
            say = self._log.error if record.levelno >= logging.ERROR else self._log.warning
            say(record.getMessage(), logger=record.name, exc_info=record.exc_info)
        except Exception:  # noqa: BLE001  # a library's broken message must not stop what it speaks of
            self.handleError(record)
