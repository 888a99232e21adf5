"""XML as the phone system sends it, and nothing more of XML than that. A codec, no I/O.

Expat's own handlers build a small tree. A document type declaration ends the reading at its first character, so there
are no entities but XML's five, nothing that expands and nothing that is fetched; see
docs/decisions/0007-xml.md. Size, depth and number of elements are limited.
"""

import re
from collections.abc import Iterator
from typing import Final
from xml.parsers import expat

import msgspec

MAX_BYTES: Final = 1 << 20
MAX_DEPTH: Final = 32
MAX_ELEMENTS: Final = 100_000

_SAYS_UTF_16: Final = re.compile(rb"""<\?xml[^>]{0,100}encoding=["']utf-16["']""", re.IGNORECASE)
"""As .NET writes what it makes in a string: it says UTF-16 and is sent as UTF-8. Real UTF-16 begins otherwise."""


class NotXml(ValueError):
    """What was received is no XML that is read here; the text says why, in words that hold nothing of it."""


class Element(msgspec.Struct, frozen=True):
    """An element: its name without prefix, its attributes, its own text without surrounding blanks, its children."""

    name: str
    attributes: tuple[tuple[str, str], ...] = ()
    text: str = ""
    children: tuple["Element", ...] = ()

    def child(self, name: str) -> "Element | None":
        """The first child of that name, whatever its capitals."""
        wanted = name.lower()
        return next((child for child in self.children if child.name.lower() == wanted), None)

    def walk(self) -> Iterator["Element"]:
        """The element and all below it, in the order of the document."""
        yield self
        for child in self.children:
            yield from child.walk()


class _Builder:
    """Expat's handlers. ``open`` holds name, attributes, texts and children of the elements that are not closed."""

    def __init__(self) -> None:
        self.root: Element | None = None
        self.open: list[tuple[str, tuple[tuple[str, str], ...], list[str], list[Element]]] = []
        self.count = 0

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self.count += 1
        if len(self.open) >= MAX_DEPTH or self.count > MAX_ELEMENTS:
            raise NotXml(f"more than {MAX_DEPTH} levels or {MAX_ELEMENTS} elements")
        own = tuple((_local(key), value) for key, value in attributes.items() if not key.startswith("xmlns"))
        self.open.append((_local(name), own, [], []))

    def text(self, text: str) -> None:
        if self.open:
            self.open[-1][2].append(text)

    def end(self, _: str) -> None:
        name, attributes, texts, children = self.open.pop()
        element = Element(name, attributes, "".join(texts).strip(), tuple(children))
        if self.open:
            self.open[-1][3].append(element)
        else:
            self.root = element

    def doctype(self, *_: object) -> None:
        raise NotXml("it has a document type declaration, which is not read")


def parse(document: bytes) -> Element:
    """The root element. Raises NotXml, and nothing else."""
    if len(document) > MAX_BYTES:
        raise NotXml(f"more than {MAX_BYTES} bytes")
    document = document.lstrip(b"\xef\xbb\xbf \t\r\n")
    builder = _Builder()
    parser = expat.ParserCreate("utf-8" if _SAYS_UTF_16.match(document) else None)
    parser.buffer_text = True
    parser.StartElementHandler = builder.start
    parser.EndElementHandler = builder.end
    parser.CharacterDataHandler = builder.text
    parser.StartDoctypeDeclHandler = builder.doctype
    parser.EntityDeclHandler = builder.doctype
    try:
        parser.Parse(document, True)
    except expat.ExpatError as error:
        raise NotXml(f"{expat.errors.messages[error.code]}, line {error.lineno}") from None
    except (LookupError, UnicodeError, ValueError) as error:
        if isinstance(error, NotXml):
            raise
        raise NotXml("its encoding is not known") from None
    if builder.root is None:
        raise NotXml("there is no element in it")
    return builder.root


def _local(name: str) -> str:
    """A name without its namespace prefix."""
    return name.rpartition(":")[2]
