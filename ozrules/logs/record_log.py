"""The decision record as it is shown: JSON lines, sentences for a terminal, or entries of the journal.

The record itself lies in the store, whole. What is shown here is capped and, where that is wanted, pseudonymous.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Final, Literal

import msgspec

from ozrules.logs.escaping import MAX_DETAIL, MAX_SHOWN, json_safe
from ozrules.logs.journald import entry
from ozrules.logs.output import Output
from ozrules.logs.pseudonyms import Pseudonyms
from ozrules.logs.sentences import sentence
from ozrules.runtime.ports import Record

Format = Literal["console", "json", "journal"]

_ENCODER: Final = msgspec.json.Encoder(enc_hook=str)
_NOTICE, _WARNING = "5", "4"
_WARNED: Final = frozenset({"gap"})


class RecordLog:
    """`ozrules.runtime.ports.RecordSink` on an output. ``pseudonyms`` may be set and unset while it runs."""

    def __init__(self, output: Output, form: Format, *, colour: bool = False) -> None:
        self.pseudonyms: Pseudonyms | None = None
        self._output = output
        self._line = {"console": self._sentence, "json": self._json, "journal": self._entry}[form]
        self._colour = colour

    def write(self, records: Sequence[Record]) -> None:
        """One line for each record."""
        self._output.put(*[self._line(record, self._shown(record.body)) for record in records])

    def _shown(self, body: Mapping[str, object]) -> dict[str, object]:
        rename = self.pseudonyms.of if self.pseudonyms is not None else _as_it_is
        return {name: _capped(name, value, rename) for name, value in body.items()}

    def _json(self, record: Record, body: dict[str, object]) -> bytes:
        return (json_safe(_ENCODER.encode(body).decode()) + "\n").encode()

    def _sentence(self, record: Record, body: dict[str, object]) -> bytes:
        return (sentence(body, colour=self._colour) + "\n").encode("utf-8", "replace")

    def _entry(self, record: Record, body: dict[str, object]) -> bytes:
        fields = {
            "MESSAGE": json_safe(_ENCODER.encode(body).decode()),
            "PRIORITY": _WARNING if record.type in _WARNED else _NOTICE,
            "SYSLOG_IDENTIFIER": "ozrules",
            "OZ_TYPE": record.type,
            "OZ_REVISION": str(body.get("revision", "")),
        }
        for name, value in (
            ("OZ_DECISION", record.decision_id),
            ("OZ_RULE", record.rule),
            ("OZ_CONNECTION", record.connection),
            ("OZ_SESSION", record.session_id),
        ):
            if value is not None:
                fields[name] = value[:MAX_SHOWN]
        return entry(fields)


def _as_it_is(field: str, text: str) -> str:
    return text


def _capped(field: str, value: object, rename: Callable[[str, str], str]) -> object:
    match value:
        case str():
            # a lone surrogate cannot be written anywhere
            shown = rename(field, value if value.isascii() else value.encode("utf-8", "replace").decode())
            most = MAX_DETAIL if field == "detail" else MAX_SHOWN
            return shown if len(shown) <= most else f"{shown[:most]}…"
        case Mapping():
            return {str(name)[:MAX_SHOWN]: _capped(str(name), one, rename) for name, one in value.items()}
        case list() | tuple():
            return [_capped(field, one, rename) for one in value]
        case _:
            return value
