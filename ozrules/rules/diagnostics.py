"""What is wrong with a file, said to the person who wrote it: code, place, one sentence, and what to do.

A code is a stable name. Each has a page in ``explanations/CODE.md``, which `ozrules check --explain CODE` prints.
Findings are collected and reported all at once; nobody repairs a file one error at a time.
"""

from collections.abc import Iterable
from typing import Any, Literal, Protocol, TypeAlias

import msgspec

from ozrules.rules.model import Place

Severity: TypeAlias = Literal["error", "warning"]


class Span(msgspec.Struct, frozen=True):
    """A stretch of one line. ``length`` 0: from there to the end of the line."""

    place: Place
    length: int = 0


class Positioned(Protocol):
    """Anything that knows where it was written: a node, a span."""

    @property
    def place(self) -> Place: ...
    @property
    def length(self) -> int: ...


class Related(msgspec.Struct, frozen=True):
    """Another place that explains the finding, such as the first of two definitions."""

    place: Place
    message: str


class Edit(msgspec.Struct, frozen=True):
    """A certain repair: ``length`` characters at ``place`` become ``text``."""

    place: Place
    length: int
    text: str


class Diagnostic(msgspec.Struct, frozen=True, kw_only=True):
    """One finding: ``message`` is one sentence, ``suggestion`` what to do, ``edit`` that where it is certain.

    ``witness`` is the call that shows it, as an entry under ``tests`` of a rule test.
    """

    code: str
    severity: Severity
    place: Place
    length: int = 0
    message: str
    suggestion: str | None = None
    related: tuple[Related, ...] = ()
    edit: Edit | None = None
    witness: dict[str, Any] | None = None

    def __str__(self) -> str:
        return f"{self.place}: {self.severity}[{self.code}]: {self.message}"


class DocumentInvalid(Exception):
    """What was read has errors; ``diagnostics`` holds every finding, warnings too."""

    def __init__(self, diagnostics: tuple[Diagnostic, ...]) -> None:
        super().__init__("\n".join(map(str, diagnostics)))
        self.diagnostics = diagnostics


class Findings:
    """Collects diagnostics while files are read, after those that were found before."""

    def __init__(self, before: Iterable[Diagnostic] = ()) -> None:
        self._all: list[Diagnostic] = list(before)
        self.errors = sum(each.severity == "error" for each in self._all)

    def error(
        self,
        code: str,
        at: Positioned,
        message: str,
        *,
        suggestion: str | None = None,
        related: tuple[Related, ...] = (),
        edit: Edit | None = None,
        witness: dict[str, Any] | None = None,
    ) -> None:
        """Note what can never work, or is unsafe."""
        self.errors += 1
        self._add(code, "error", at, message, suggestion, related, edit, witness)

    def warning(
        self,
        code: str,
        at: Positioned,
        message: str,
        *,
        suggestion: str | None = None,
        related: tuple[Related, ...] = (),
        edit: Edit | None = None,
        witness: dict[str, Any] | None = None,
    ) -> None:
        """Note what is legal but useless or doubtful."""
        self._add(code, "warning", at, message, suggestion, related, edit, witness)

    def _add(
        self,
        code: str,
        severity: Severity,
        at: Positioned,
        message: str,
        suggestion: str | None,
        related: tuple[Related, ...],
        edit: Edit | None,
        witness: dict[str, Any] | None,
    ) -> None:
        self._all.append(
            Diagnostic(
                code=code,
                severity=severity,
                place=at.place,
                length=at.length,
                message=message,
                suggestion=suggestion,
                related=related,
                edit=edit,
                witness=witness,
            )
        )

    @property
    def all(self) -> tuple[Diagnostic, ...]:
        """Every finding once, in the order of the files and of the places in them."""
        once: dict[tuple[object, ...], Diagnostic] = {}
        for one in self._all:
            once.setdefault((one.place, one.length, one.code, one.message), one)
        return tuple(
            sorted(once.values(), key=lambda one: (one.place.file, one.place.line, one.place.column, one.code))
        )

    def raise_errors(self) -> None:
        """Raises DocumentInvalid where at least one finding is an error."""
        if self.errors:
            raise DocumentInvalid(self.all)
