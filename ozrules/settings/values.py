"""Shapes of the single values of a configuration: addresses, URLs, paths, zones, secrets."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from typing import Final
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from ozrules.rules.diagnostics import Findings
from ozrules.rules.document import MapNode, Node, TextNode
from ozrules.rules.quoting import shown
from ozrules.rules.scalars import Duration, Text
from ozrules.rules.shape import INVALID, Converted, Invalid, Key, Record, Schema, unknown, wrong_type
from ozrules.runtime.secret import KeptElsewhere, Secret
from ozrules.settings.model import Address, Generate
from ozrules.settings.surroundings import NoSecret, Surroundings

NAME: Final = Text("a name of letters, digits, - and _", re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}"), code="bad-name")
HOST: Final = Text(
    "a host name or IP address", re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,252}[A-Za-z0-9])?|[0-9A-Fa-f:]{2,39}")
)
_ADDRESS: Final = re.compile(r"(?:\[(?P<six>[0-9A-Fa-f:.]+)\]|(?P<host>[A-Za-z0-9.-]+)):(?P<port>[0-9]{1,5})")
_SOURCES: Final = ("credential", "env", "file")
_FROM: Final = {
    "credential": "A systemd credential of this name.",
    "env": "The environment variable of this name.",
    "file": "The file at this path, without its last line end.",
}


@dataclass(frozen=True)
class _LineOrNull:
    """A text, or the word null for none."""

    what: str = "a text, or null"

    def read(self, node: Node, findings: Findings) -> str | Invalid | None:
        """The text as typed."""
        if isinstance(node, TextNode) and node.text == "null" and not node.quoted:
            return None
        return Text(self.what).read(node, findings)

    def schema(self, definitions: dict[str, Schema]) -> Schema:
        """A string or null."""
        return {"anyOf": [*Text().schema(definitions)["anyOf"], {"type": "null"}]}


LINE_OR_NULL: Final = _LineOrNull()


def _address(text: str, node: Node, findings: Findings) -> Address | Invalid:
    found = _ADDRESS.fullmatch(text)
    if found is None or int(found["port"]) > 65_535:
        findings.error("bad-address", node, f"{shown(text)} is no address; write HOST:PORT, such as 127.0.0.1:8780.")
        return INVALID
    return Address(found["six"] or found["host"], int(found["port"]))


ADDRESS: Final = Converted(Text("an address such as 127.0.0.1:8780"), _address)


def is_loopback(host: str) -> bool:
    """Whether only this host can reach it."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def url(*schemes: str) -> Converted[str, str]:
    """A URL with one of these schemes and a host."""

    def convert(text: str, node: Node, findings: Findings) -> str | Invalid:
        try:
            parts = urlsplit(text)
            sound = parts.scheme in schemes and bool(parts.hostname) and (parts.port or 0) >= 0
        except ValueError:
            sound = False
        if not sound or not text.isascii() or " " in text:
            findings.error("bad-url", node, f"{shown(text)} is no URL; it begins with {schemes[0]}://HOST.")
            return INVALID
        if parts.username is not None or parts.password is not None:
            findings.error("secret-in-url", node, "A user name or password stands in this URL, and URLs are shown.")
            return INVALID
        return text

    return Converted(Text(f"a URL such as {schemes[0]}://HOST/"), convert)


def _prefix(text: str, node: Node, findings: Findings) -> str | Invalid:
    if not urlsplit(text).path.startswith("/"):
        findings.error(
            "open-prefix",
            node,
            f"{shown(text)} would also let {text}.example.com through: a prefix has a / after the host.",
            suggestion=f"Write {text}/.",
        )
        return INVALID
    if "?" in text or "#" in text:
        findings.error("bad-url", node, "A prefix ends with a path; ? and # cannot stand in it.")
        return INVALID
    return text


URL_PREFIX: Final = Converted(url("https", "http"), _prefix)


def _network(text: str, node: Node, findings: Findings) -> str | Invalid:
    try:
        return str(ip_network(text, strict=False))
    except ValueError:
        findings.error("bad-address", node, f"{shown(text)} is no IP address or network.")
        return INVALID


NETWORK: Final = Converted(Text("an IP address, or a network such as 192.168.116.0/24"), _network)


def _zone(text: str, node: Node, findings: Findings) -> str | Invalid:
    try:
        ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        findings.error(
            "unknown-timezone", node, f"There is no time zone {shown(text)}; write one such as Europe/Budapest."
        )
        return INVALID
    return text


ZONE: Final = Converted(Text("a time zone such as Europe/Budapest"), _zone)


def path(around: Surroundings) -> Converted[str, str]:
    """A path, relative to the file, ``$VARIABLES`` and ``~`` replaced."""

    def convert(text: str, node: Node, findings: Findings) -> str | Invalid:
        found = around.path(text)
        if found is None:
            findings.error("unset-variable", node, f"{shown(text)} names an environment variable that is not set.")
            return INVALID
        return str(found)

    return Converted(Text("a path"), convert)


def files(around: Surroundings) -> Converted[str, str]:
    """A path or a pattern, as `ozrules.settings.rule_files` takes it; ``**`` is any depth of folders."""
    plain = path(around)

    def convert(text: str, node: Node, findings: Findings) -> str | Invalid:
        if any("**" in part and part != "**" for part in text.split("/")):
            message = f"In {shown(text)} ** stands beside other letters: it means folders of any depth."
            findings.error(
                "bad-pattern", node, message, suggestion="Write * for any letters, **/*.yaml for all folders."
            )
            return INVALID
        return plain.convert(text, node, findings)

    return Converted(Text("a path or a pattern"), convert)


@dataclass(frozen=True)
class SecretShape:
    """Where a secret comes from. A plain text works and warns: configuration files are copied and shown around.

    ``stays``: it is read once, at the start; else each time that it is needed.
    """

    around: Surroundings
    stays: bool = True
    what: str = "a secret: {credential: NAME}, {env: NAME} or {file: PATH}"

    def read(self, node: Node, findings: Findings) -> Secret | Invalid:
        """The secret's text, read now."""
        if isinstance(node, TextNode) and not node.empty:
            findings.warning(
                "plain-secret",
                node,
                "A secret stands here in plain text.",
                suggestion="Write {credential: NAME}, {env: NAME} or {file: PATH}, and keep it there.",
            )
            return Secret(node.text)
        if not isinstance(node, MapNode) or len(node.entries) != 1:
            return wrong_type(node, self.what, findings)
        key, value = node.entries[0].key, node.entries[0].value
        if key.text not in _SOURCES:
            return unknown("unknown-key", key, "source of secrets", _SOURCES, findings)
        name = (Text("a path") if key.text == "file" else NAME).read(value, findings)
        if name is INVALID:
            return INVALID
        return self._fetch(key.text, name, value, findings) if self.around.with_secrets else Secret("")

    def _fetch(self, source: str, name: str, node: Node, findings: Findings) -> Secret | Invalid:
        fetch: Callable[[], str]
        if source == "file":
            found = path(self.around).convert(name, node, findings)
            if found is INVALID:
                return INVALID
            where = self.around.directory / found
            fetch = lambda: self.around.from_file(where)  # noqa: E731  # three ways to the same call
        elif source == "env":
            fetch = lambda: self.around.from_variable(name)  # noqa: E731
        else:
            fetch = lambda: self.around.from_credential(name)  # noqa: E731
        try:
            return Secret(fetch()) if self.stays else KeptElsewhere(f"{source} {name}", fetch)
        except NoSecret as error:
            if self.around.optional:
                return Secret("")
            findings.error("no-secret", node, str(error))
            return INVALID

    def schema(self, definitions: dict[str, Schema]) -> Schema:
        """A text, or one of the three sources."""
        sources = [
            {
                "type": "object",
                "properties": {name: {"type": "string", "description": _FROM[name]}},
                "required": [name],
                "additionalProperties": False,
            }
            for name in _SOURCES
        ]
        return {"oneOf": [{"type": "string"}, *sources]}


_OVER: Final = Key("generate", NAME, required=True, help="The ozeki-http connection that is asked for a token.")
_LIFE: Final = Key(
    "life",
    Duration(least=1.0, most=366 * 86_400.0, days=True, what="a duration such as 24h"),
    help="How long a token holds; 1d where absent, as the phone system makes them.",
)
_GENERATE: Final = Record(
    "{generate: CONNECTION}",
    (_OVER, _LIFE),
    lambda values: Generate(values[_OVER], values.get(_LIFE, Generate("").life)),
)


@dataclass(frozen=True)
class TokenShape:
    """A secret, or ``{generate: CONNECTION}``."""

    secret: SecretShape
    what: str = "a token: {credential: NAME}, {env: NAME}, {file: PATH} or {generate: CONNECTION}"

    def read(self, node: Node, findings: Findings) -> Secret | Generate | Invalid:
        """The secret, or whom to ask for one."""
        if isinstance(node, MapNode) and node.get("generate") is not None:
            return _GENERATE.read(node, findings)
        return self.secret.read(node, findings)

    def schema(self, definitions: dict[str, Schema]) -> Schema:
        """One more source."""
        return {"oneOf": [*self.secret.schema(definitions)["oneOf"], _GENERATE.schema(definitions)]}
