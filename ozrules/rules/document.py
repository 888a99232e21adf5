"""YAML text to nodes that know where they were written. The only importer of yaml.

Rules are edited by people who think in phone numbers, and YAML bends those: ``0036`` becomes octal, ``12:30`` a number
in base 60, ``no`` false. So YAML is used for its layout alone: a scalar is the text that was typed, and whether it was
quoted. The parser's events are read, not its objects: that keeps every position, never recurses (a file nested a
million deep ends in a sentence, not in a crash), and lets each limit hold before the cost is paid.

The file is long because all that YAML is allowed to be here stands in one place.
"""

from typing import Any, Final, NoReturn, TypeAlias

import msgspec
import yaml

from ozrules.rules import quoting, syntax
from ozrules.rules.characters import HIDDEN, ODD_INDENT, describe, is_bidirectional
from ozrules.rules.diagnostics import Edit, Findings, Related, Span
from ozrules.rules.model import Place

MAX_FILE: Final = 1024 * 1024  # bytes
MAX_ALL: Final = 16 * 1024 * 1024  # bytes of all files together
MAX_DEPTH: Final = 40
MAX_ALIASES: Final = 20
MAX_COPIED: Final = 10_000  # nodes that aliases may repeat

_LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Source(msgspec.Struct, frozen=True):
    """A file as it was found: the name that diagnostics show, and its bytes."""

    name: str
    data: bytes


class _Node(msgspec.Struct, frozen=True, gc=False):
    file: str
    line: int
    column: int
    length: int  # in the first line; 0 where it goes on to the next

    @property
    def place(self) -> Place:
        """Where it begins."""
        return Place(self.file, self.line, self.column)


class TextNode(_Node, frozen=True, gc=False):
    """A scalar, as it was typed."""

    text: str
    quoted: bool

    @property
    def empty(self) -> bool:
        """Whether nothing was written where a value belongs."""
        return not self.text and not self.quoted


class ListNode(_Node, frozen=True, gc=False):
    """A sequence."""

    items: "tuple[Node, ...]"


class Entry(msgspec.Struct, frozen=True, gc=False):
    """A key and its value."""

    key: TextNode
    value: "Node"


class MapNode(_Node, frozen=True, gc=False):
    """A mapping; each key stands once."""

    entries: tuple[Entry, ...]

    def get(self, key: str) -> "Node | None":
        """The value under ``key``, or None."""
        for entry in self.entries:
            if entry.key.text == key:
                return entry.value
        return None


Node: TypeAlias = TextNode | ListNode | MapNode


def parse(source: Source, findings: Findings) -> Node | None:
    """The one document in ``source``, or None where it cannot be read; ``findings`` then says why.

    What can be said about single places (a duplicate key, a hidden character) does not end the reading.
    """
    text = _decode(source, findings)
    if text is None:
        return None
    before = findings.errors
    _check_characters(source.name, text, findings)
    if findings.errors > before:
        return None
    return _Reader(source.name, text, findings).read()


def _decode(source: Source, findings: Findings) -> str | None:
    data, start = source.data, Span(Place(source.name, 1, 1))
    if len(data) > MAX_FILE:
        findings.error(
            "file-too-large",
            start,
            f"This file has {len(data):,} bytes; at most {MAX_FILE:,} are read.",
            suggestion="Split it: several files make one rule set.",
        )
        return None
    if data.startswith((b"\xff\xfe\x00\x00", b"\x00\x00\xfe\xff")):
        findings.error(
            "not-utf-8",
            start,
            "This file is encoded in UTF-32; rules are read as UTF-8.",
            suggestion="Save it again with the encoding UTF-8 (without BOM).",
        )
        return None
    if data.startswith((b"\xff\xfe", b"\xfe\xff")) or _every_other_is_zero(data):
        findings.error(
            "not-utf-8",
            start,
            "This file is encoded in UTF-16; rules are read as UTF-8.",
            suggestion="Save it again with the encoding UTF-8 (without BOM).",
        )
        return None
    if b"\x00" in data:
        findings.error("binary-file", start, "This is a binary file, not text.")
        return None
    if data.startswith(b"\xef\xbb\xbf"):
        findings.error(
            "byte-order-mark",
            start,
            "This file begins with a byte order mark, which hides before the first key.",
            suggestion="Save it again as UTF-8 without BOM.",
        )
        return None
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        good = data[: error.start].decode("utf-8")
        line, column = good.count("\n") + 1, len(good) - (good.rfind("\n") + 1) + 1
        findings.error(
            "not-utf-8",
            Span(Place(source.name, line, column), 1),
            f"The byte 0x{data[error.start]:02X} is no UTF-8 text.",
            suggestion="Save the file again with the encoding UTF-8.",
        )
        return None


def _every_other_is_zero(data: bytes) -> bool:
    """Whether this looks like western text in UTF-16: zeros at every second place, and nowhere else."""
    ones, others = data[::2].count(0), data[1::2].count(0)
    half = len(data) // 2
    return half > 1 and ((others * 2 > half and not ones) or (ones * 2 > half and not others))


def _check_characters(name: str, text: str, findings: Findings) -> None:
    if HIDDEN.search(text) is None and ODD_INDENT.search(text) is None:
        return
    for number, line in enumerate(text.split("\n"), 1):
        line = line.removesuffix("\r")
        odd = ODD_INDENT.match(line)
        if odd is not None:
            span = Span(Place(name, number, odd.end()), 1)
            findings.error(
                "control-character",
                span,
                f"The character {describe(odd.group()[-1])} stands where a space belongs.",
                suggestion="Use plain spaces; this one looks alike and is none.",
                edit=Edit(span.place, 1, " "),
            )
        found = HIDDEN.search(line)
        if found is None:
            continue
        character = found.group()
        span = Span(Place(name, number, found.start() + 1), 1)
        if character == "\t":
            findings.error("tab", span, "A tab stands here; YAML is laid out with spaces.", suggestion="Use spaces.")
        else:
            kind = "bidirectional" if is_bidirectional(character) else "control"
            findings.error(
                f"{kind}-character",
                span,
                f"The invisible character {describe(character)} stands here.",
                suggestion="Delete it; it makes a text look other than it is.",
            )


class _Open:
    """A collection, or the document itself, whose end has not been read."""

    __slots__ = ("anchor", "children", "event", "size")

    def __init__(self, event: Any) -> None:
        self.event = event
        self.anchor: str | None = event.anchor if event is not None else None
        self.children: list[Node] = []
        self.size = 1


class _Stop(Exception):
    """The rest of the file cannot be read; why is already among the findings."""


class _Reader:
    """Builds the nodes of one file from the parser's events, with a stack of what is open.

    Events are Any: their stubs allow marks to be absent, which they never are in text that was scanned.
    """

    def __init__(self, name: str, text: str, findings: Findings) -> None:
        self._name = name
        self._text = text
        self._findings = findings
        self._stack: list[_Open] = [_Open(None)]
        self._anchors: dict[str, tuple[Node, int] | None] = {}  # None: its node has not ended
        self._lines = text.split("\n")
        self._escapes = "\\" in text
        self._aliases = 0
        self._copied = 0

    def read(self) -> Node | None:
        loader = _LOADER(self._text)
        try:
            while (event := loader.get_event()) is not None:
                self._take(event)
        except _Stop:
            return None
        except yaml.YAMLError as error:
            self._not_yaml(error)
            return None
        finally:
            loader.dispose()
        roots = self._stack[0].children
        if not roots:
            self._findings.error("empty-file", Span(Place(self._name, 1, 1)), "This file is empty.")
            return None
        return roots[0]

    def _take(self, event: Any) -> None:
        kind = type(event)
        if kind is yaml.ScalarEvent:
            self._scalar(event)
        elif kind is yaml.MappingStartEvent or kind is yaml.SequenceStartEvent:
            if len(self._stack) > MAX_DEPTH:
                self._stop("nested-too-deep", event, f"This is nested more than {MAX_DEPTH} levels deep.")
            self._no_tag(event)
            opened = _Open(event)
            if opened.anchor is not None:
                self._anchors[opened.anchor] = None
            self._stack.append(opened)
        elif kind is yaml.MappingEndEvent or kind is yaml.SequenceEndEvent:
            self._close(event)
        elif kind is yaml.AliasEvent:
            self._alias(event)
        elif kind is yaml.DocumentStartEvent:
            if event.version or event.tags:
                self._stop("yaml-directive", event, "A YAML directive (%) stands here; rule files need none.")
            if self._stack[0].children:
                self._stop(
                    "several-documents",
                    event,
                    "A second document begins here; a rule file holds one.",
                    suggestion="Remove the line ---, or move what follows to a file of its own.",
                )

    def _scalar(self, event: Any) -> None:
        self._no_tag(event)
        start, end = event.start_mark, event.end_mark
        quoted = bool(event.style)
        length = end.column - start.column if end.line == start.line else 0
        text = event.value
        if not text and not quoted and event.anchor is None and self._code_taken_for_comment(start):
            return
        node = TextNode(self._name, start.line + 1, start.column + 1, length, text, quoted)
        if not quoted and (inner := quoting.typographic(text)) is not None:
            self._findings.error(
                "quote-this",
                node,
                "These are a printer's quotation marks; for YAML they are part of the text.",
                suggestion=f'Write "{inner}".',
                edit=Edit(node.place, length, f'"{inner}"') if length and '"' not in inner else None,
            )
        if quoted and self._escapes:  # only an escape can bring in what the text itself does not hold
            hidden = HIDDEN.search(text.replace("\n", ""))
            if hidden is not None:
                self._findings.error(
                    "bidirectional-character" if is_bidirectional(hidden.group()) else "control-character",
                    node,
                    f"This text holds the invisible character {describe(hidden.group())}.",
                    suggestion="Remove the escape.",
                )
        if event.anchor is not None:
            self._anchors[event.anchor] = (node, 1)
        self._add(node, 1)

    def _code_taken_for_comment(self, mark: Any) -> bool:
        """Where a value belongs stands ``#21#``, which YAML drops: notes it, and takes it as the value."""
        line = self._lines[mark.line] if mark.line < len(self._lines) else ""
        dropped = quoting.dropped_code(line, mark.column)
        if dropped is None:
            return False
        column, code = dropped
        node = TextNode(self._name, mark.line + 1, column + 1, len(code), code, quoted=True)
        self._findings.error(
            "quote-this",
            node,
            "YAML takes what begins with # for a comment, so no value is left here.",
            suggestion=f'Quote this: "{code}".',
            edit=quoting.quoting_edit(node.place, code),
        )
        self._add(node, 1)
        return True

    def _add(self, node: Node, size: int) -> None:
        opened = self._stack[-1]
        opened.children.append(node)
        opened.size += size

    def _close(self, end: Any) -> None:
        opened = self._stack.pop()
        event = opened.event
        assert event is not None  # the document itself has no collection's end
        start = event.start_mark
        length = end.end_mark.column - start.column if end.end_mark.line == start.line else 0
        node: Node
        if isinstance(event, yaml.SequenceStartEvent):
            node = ListNode(self._name, start.line + 1, start.column + 1, length, tuple(opened.children))
        elif (template := self._unquoted_template(opened.children)) is not None:
            text = f"{{{{ {template.text} }}}}"
            node = TextNode(self._name, start.line + 1, start.column + 1, length, text, quoted=True)
            self._findings.error(
                "quote-this",
                node,
                "Curly brackets that are not quoted are YAML's own.",
                suggestion=f'Quote this: "{text}".',
                edit=Edit(node.place, length, f'"{text}"') if length else None,
            )
        else:
            entries = self._entries(opened.children)
            node = MapNode(self._name, start.line + 1, start.column + 1, length, entries)
        if opened.anchor is not None:
            self._anchors[opened.anchor] = (node, opened.size)
        self._add(node, opened.size)

    def _entries(self, children: list[Node]) -> tuple[Entry, ...]:
        entries: dict[str, Entry] = {}
        for key, value in zip(children[::2], children[1::2], strict=True):
            if not isinstance(key, TextNode):
                self._findings.error("odd-key", key, "A list or mapping stands here as a key; keys are plain texts.")
            elif key.text == "<<" and not key.quoted:
                self._findings.error(
                    "merge-key",
                    key,
                    "Merging with << is not part of the rule language.",
                    suggestion="Write the keys out, or name what is shared under conditions or lists.",
                )
            elif (first := entries.get(key.text)) is not None:
                self._findings.error(
                    "duplicate-key",
                    key,
                    f"The key {quoting.shown(key.text)} is given twice; first in line {first.key.line}.",
                    suggestion="Keep one of the two.",
                    related=(Related(first.key.place, "first given here"),),
                )
            else:
                entries[key.text] = Entry(key, value)
        return tuple(entries.values())

    @staticmethod
    def _unquoted_template(children: list[Node]) -> TextNode | None:
        """The field of ``{{ FIELD }}`` without quotation marks: YAML reads a mapping whose key is a mapping."""
        if len(children) != 2 or not isinstance(children[0], MapNode) or len(children[0].entries) != 1:
            return None
        inner = children[0].entries[0]
        empty = all(isinstance(each, TextNode) and each.empty for each in (children[1], inner.value))
        return inner.key if empty else None

    def _alias(self, event: Any) -> None:
        name = event.anchor
        if name not in self._anchors:
            mark = event.start_mark
            at = self._span(event)
            line = self._lines[mark.line]
            typed = quoting.token_at(line, mark.column)
            self._findings.error(
                "quote-this",
                at,
                "YAML keeps * at the beginning of a value for itself.",
                suggestion=f'Quote this: "{typed}".',
                edit=quoting.quoting_edit(at.place, typed),
            )
            length = event.end_mark.column - mark.column
            self._add(TextNode(self._name, mark.line + 1, mark.column + 1, length, typed, quoted=True), 1)
            return
        self._aliases += 1
        if self._aliases > MAX_ALIASES:
            self._stop("too-many-aliases", event, f"A file may use at most {MAX_ALIASES} aliases.")
        anchored = self._anchors[name]
        if anchored is None:
            self._stop("endless-alias", event, f"*{name} stands inside what it refers to, and would have no end.")
        node, size = anchored
        self._copied += size
        if self._copied > MAX_COPIED:
            self._stop("too-many-aliases", event, f"Aliases here repeat more than {MAX_COPIED:,} values.")
        self._add(node, size)

    def _no_tag(self, event: Any) -> None:
        if event.tag is not None:
            at = self._span(event)
            typed = quoting.token_at(self._lines[event.start_mark.line], event.start_mark.column)
            self._findings.error(
                "tag",
                Span(at.place, len(typed)),
                f"A ! at the beginning of a value is a YAML tag ({quoting.shown(typed)}); rules have none.",
                suggestion="Remove it, or quote the value if the ! belongs to it.",
            )

    def _stop(self, code: str, event: Any, message: str, suggestion: str | None = None) -> NoReturn:
        self._findings.error(code, self._span(event), message, suggestion=suggestion)
        raise _Stop

    def _span(self, event: Any) -> Span:
        start, end = event.start_mark, event.end_mark
        length = end.column - start.column if end.line == start.line else 0
        return Span(Place(self._name, start.line + 1, start.column + 1), length)

    def _not_yaml(self, error: yaml.YAMLError) -> None:
        mark = getattr(error, "problem_mark", None)
        context = getattr(error, "context_mark", None)
        syntax.explain(
            self._name,
            self._lines,
            self._findings,
            context=getattr(error, "context", None),
            context_at=(context.line, context.column) if context is not None else None,
            problem=getattr(error, "problem", None) or str(error),
            at=(mark.line, mark.column) if mark is not None else (0, 0),
        )
