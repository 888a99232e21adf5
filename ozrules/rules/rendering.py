"""Diagnostics as text for people and as JSON and SARIF for programs. Pure: the source texts come in as data."""

import unicodedata
from collections.abc import Iterable, Mapping
from typing import Any, Final

from ozrules.rules.characters import HIDDEN
from ozrules.rules.diagnostics import Diagnostic

MAX_WIDTH: Final = 110  # columns of a source line that are shown
MAX_LENGTH: Final = 300  # characters of one line of a finding
UNREADABLE: Final = "plain-secret"  # the code of a finding about text that nobody should read

_COLOURS: Final = {"error": "\x1b[1;31m", "warning": "\x1b[1;33m", "help": "\x1b[1;36m", "bar": "\x1b[2m"}
_PLAIN: Final = "\x1b[0m"


def as_text(diagnostic: Diagnostic, lines: Mapping[str, list[str]], *, colour: bool = False) -> list[str]:
    """At most six lines: what is wrong and where, the source with carets under it, what to do, a related place.

    ``lines`` are the lines of each file, where it could be read.
    """

    def paint(kind: str, text: str) -> str:
        return f"{_COLOURS[kind]}{text}{_PLAIN}" if colour else text

    head = paint(diagnostic.severity, f"{diagnostic.severity}[{diagnostic.code}]")
    place = diagnostic.place
    shown = [f"{_one_line(str(place))}: {head}: {_one_line(diagnostic.message)}"]
    source = lines.get(place.file, [])
    number = str(place.line)
    margin = " " * max(len(number), 4)
    if place.line <= len(source) and source[place.line - 1].strip():
        line, carets = _excerpt(source[place.line - 1], place.column - 1, diagnostic.length)
        shown.append(f"{paint('bar', f'{number:>4} |')} {line}")
        shown.append(f"{paint('bar', f'{margin} |')} {paint(diagnostic.severity, carets)}")
    if diagnostic.suggestion is not None:
        shown.append(f"{paint('bar', f'{margin} =')} {paint('help', 'help')}: {_one_line(diagnostic.suggestion)}")
    for related in diagnostic.related[: 6 - len(shown)]:
        shown.append(f"{paint('bar', f'{margin} =')} {_one_line(str(related.place))}: {_one_line(related.message)}")
    return shown


def without_secrets(lines: Mapping[str, list[str]], findings: Iterable[Diagnostic]) -> dict[str, list[str]]:
    """The same lines with stars where a finding says that a secret stands: no finding may show it to a bystander."""
    shown = {name: list(texts) for name, texts in lines.items()}
    for finding in findings:
        texts, number = shown.get(finding.place.file, []), finding.place.line - 1
        if finding.code == UNREADABLE and number < len(texts):
            start = finding.place.column - 1
            end = start + finding.length if finding.length else len(texts[number])
            texts[number] = texts[number][:start] + "*" * (end - start) + texts[number][end:]
    return shown


def _excerpt(line: str, start: int, length: int) -> tuple[str, str]:
    """The line, cut to what fits, and the carets under its part of ``length`` characters from ``start``."""
    line = line.rstrip()
    start = min(start, len(line))
    end = min(start + length, len(line)) if length else len(line.split(" #")[0].rstrip()) if start else len(line)
    end = max(end, start + 1)
    line = HIDDEN.sub("\N{REPLACEMENT CHARACTER}", line)
    before, after = "", ""
    if _width(line) > MAX_WIDTH:
        first = max(0, start - 40)
        before, after = ("…" if first else ""), ("…" if len(line) > first + MAX_WIDTH - 10 else "")
        line, start, end = line[first : first + MAX_WIDTH - 10], start - first, end - first
        end = min(end, len(line) + 1)
    lead = "".join(" " * _width(character) for character in before + line[:start])
    carets = "^" * max(1, _width(line[start:end]))
    return before + line + after, lead + carets


def _width(text: str) -> int:
    """How many columns of a terminal the text takes."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(character) else 2 if unicodedata.east_asian_width(character) in "WF" else 1
        for character in text
    )


def _one_line(text: str) -> str:
    """Nothing in it that a terminal would obey, and not too long."""
    text = HIDDEN.sub(lambda found: f"\\u{ord(found.group()):04x}", text.replace("\n", "\\n"))
    return text if len(text) <= MAX_LENGTH else f"{text[: MAX_LENGTH - 1]}…"


def summary(diagnostics: Iterable[Diagnostic]) -> str:
    """How many errors and warnings."""
    errors = warnings = 0
    for diagnostic in diagnostics:
        if diagnostic.severity == "error":
            errors += 1
        else:
            warnings += 1
    return f"{errors} error{'' if errors == 1 else 's'}, {warnings} warning{'' if warnings == 1 else 's'}"


# --- for programs ---------------------------------------------------------------------------------------------------


def as_json(diagnostics: Iterable[Diagnostic]) -> dict[str, Any]:
    """Everything, with names that stay."""
    found = tuple(diagnostics)
    return {
        "schema": 1,
        "errors": sum(each.severity == "error" for each in found),
        "warnings": sum(each.severity == "warning" for each in found),
        "diagnostics": [_object(each) for each in found],
    }


def _object(diagnostic: Diagnostic) -> dict[str, Any]:
    place, edit = diagnostic.place, diagnostic.edit
    return {
        "code": diagnostic.code,
        "severity": diagnostic.severity,
        "file": place.file,
        "line": place.line,
        "column": place.column,
        "length": diagnostic.length,
        "message": diagnostic.message,
        "suggestion": diagnostic.suggestion,
        "related": [
            {"file": each.place.file, "line": each.place.line, "column": each.place.column, "message": each.message}
            for each in diagnostic.related
        ],
        "edit": edit
        and {"line": edit.place.line, "column": edit.place.column, "length": edit.length, "text": edit.text},
        "witness": diagnostic.witness,
    }


def as_sarif(diagnostics: Iterable[Diagnostic], version: str, pages: Mapping[str, str]) -> dict[str, Any]:
    """A SARIF 2.1.0 log, as code hosts and editors read it. ``pages`` explain the codes."""
    found = tuple(diagnostics)
    codes = sorted({each.code for each in found})
    return {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {"name": "ozrules", "version": version, "rules": [_rule(code, pages) for code in codes]}
                },
                "columnKind": "unicodeCodePoints",
                "results": [_result(each, codes) for each in found],
            }
        ],
    }


def _rule(code: str, pages: Mapping[str, str]) -> dict[str, Any]:
    page = pages.get(code, code)
    short = next((line for line in page.splitlines()[1:] if line.strip()), code)
    return {"id": code, "shortDescription": {"text": short}, "help": {"text": page, "markdown": page}}


def _result(diagnostic: Diagnostic, codes: list[str]) -> dict[str, Any]:
    text = diagnostic.message if diagnostic.suggestion is None else f"{diagnostic.message} {diagnostic.suggestion}"
    result: dict[str, Any] = {
        "ruleId": diagnostic.code,
        "ruleIndex": codes.index(diagnostic.code),
        "level": diagnostic.severity,
        "message": {"text": text},
        "locations": [
            _location(diagnostic.place.file, diagnostic.place.line, diagnostic.place.column, diagnostic.length)
        ],
    }
    if diagnostic.related:
        result["relatedLocations"] = [
            _location(each.place.file, each.place.line, each.place.column, 0) | {"message": {"text": each.message}}
            for each in diagnostic.related
        ]
    if diagnostic.edit is not None:
        edit = diagnostic.edit
        deleted = _region(edit.place.line, edit.place.column, edit.length)
        replacement = {"deletedRegion": deleted, "insertedContent": {"text": edit.text}}
        change = {"artifactLocation": {"uri": _uri(edit.place.file)}, "replacements": [replacement]}
        result["fixes"] = [{"description": {"text": text}, "artifactChanges": [change]}]
    return result


def _location(file: str, line: int, column: int, length: int) -> dict[str, Any]:
    region = _region(line, column, length)
    return {"physicalLocation": {"artifactLocation": {"uri": _uri(file)}, "region": region}}


def _region(line: int, column: int, length: int) -> dict[str, int]:
    return {"startLine": line, "startColumn": column} | ({"endColumn": column + length} if length else {})


def _uri(file: str) -> str:
    safe = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/")
    path = "".join(chr(byte) if chr(byte) in safe else f"%{byte:02X}" for byte in file.encode("utf-8", "replace"))
    return f"file://{path}" if path.startswith("/") else path
