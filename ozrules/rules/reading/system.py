"""What a phone system can be asked for beyond the methods of a session: attendedTransfer, play, speak, record, call,
sendSms and sendEmail. They are sent and answered like methods, and have the same common keys.
"""

import re
from dataclasses import dataclass
from typing import Any, Final, Literal, get_args

from ozrules.rules.diagnostics import Findings
from ozrules.rules.document import Node, TextNode
from ozrules.rules.emails import is_address
from ozrules.rules.model import (
    Action,
    AttendedTransfer,
    Common,
    Listener,
    Party,
    SystemAction,
    Target,
    Template,
)
from ozrules.rules.quoting import shown
from ozrules.rules.reading.methods import CommonKeys
from ozrules.rules.reading.scope import Scope
from ozrules.rules.reading.values import TemplateText, target
from ozrules.rules.scalars import Choice, Text, YesNo
from ozrules.rules.shape import INVALID, Invalid, Key, Record, Schema, Shape, Values

LISTENERS: Final[tuple[Listener, ...]] = get_args(Listener)
PARTIES: Final[tuple[Party, ...]] = get_args(Party)
Format = Literal["mp3", "wav"]
FORMATS: Final[tuple[Format, ...]] = get_args(Format)

_LINE: Final = Text("a text of one line", re.compile(r"[^\r\n]+"), code="bad-text")
_HEARS: Final[Key[Listener]] = Key(
    "to", Choice[Listener]("party", LISTENERS), required=True, help="Who hears it: caller, callee or all."
)
_FILE: Final = Key(
    "file", _LINE, required=True, help="An audio file of the phone system (wav, mp3), or the address of one."
)
_REPEAT: Final = Key("repeat", YesNo(), help="Whether it is played again and again.")
_FORMAT: Final[Key[Format]] = Key("format", Choice[Format]("format", FORMATS), help="mp3 unless given.")
_OVER: Final = Key("connection", Text("the name of a connection"), help="Over which; the session's unless given.")
_EXTENSION: Final = Key("apiExtension", _LINE, help="The API extension that does it; the connection's unless given.")
_SENDER: Final = Key("sender", _LINE, help="Whom it comes from.")
_ADDRESS: Final = Text(
    "an address that begins with http:// or https://", re.compile(r"https?://[^\s{}]+"), code="bad-url"
)
_FINISHED: Final = Key(
    "url", _ADDRESS, help="Whom the phone system tells when the recording is finished, and where it lies."
)
_URL: Final = Key(
    "url",
    _ADDRESS,
    required=True,
    help="Whom the phone system asks what to do when the call is answered (OzML).",
)
_CALLER_ID: Final = Key("callerId", _LINE, help="The number shown to who is called.")
_CALLER_NAME: Final = Key("callerDisplayName", _LINE, help="The name shown to who is called.")


def attended_transfer(common: CommonKeys) -> Record[Action]:
    """``attendedTransfer``: who has two calls leaves them to the others."""
    transferor: Key[Party] = Key(
        "transferor",
        Choice[Party]("party", PARTIES),
        required=True,
        help="The party that has a second call, held or talking, and leaves both.",
    )

    def build(values: Values) -> Action:
        return AttendedTransfer(transferor=values[transferor], common=common.of(values), place=values.place)

    return Record("{transferor: callee}", (transferor, *common.keys), build)


def system_actions(scope: Scope, common: CommonKeys) -> dict[str, Shape[Action]]:
    """What stands under each of the other names."""
    text: Key[Template] = Key("text", TemplateText(scope), required=True, help="The text.")
    subject: Key[Template] = Key("subject", TemplateText(scope), help="The subject.")
    body: Key[Template] = Key("text", TemplateText(scope), help="The message.")
    number: Key[Target] = Key("to", target(scope), required=True, help="The number.")
    address: Key[Template] = Key("to", _Address(scope), required=True, help="The address.")

    def play(values: Values) -> Action:
        return _made(values, common.of(values), "play", party=values[_HEARS], plain=(_FILE,), flags=(_REPEAT,))

    def speak(values: Values) -> Action:
        return _made(values, common.of(values), "speak", party=values[_HEARS], templates=(text,))

    def record(values: Values) -> Action:
        return _made(values, common.of(values), "record", plain=(_FORMAT, _FINISHED))

    def call(values: Values) -> Action:
        plain = (_URL, _EXTENSION, _CALLER_ID, _CALLER_NAME)
        return _made(values, common.of(values), "call", to=values[number], plain=plain)

    def sms(values: Values) -> Action:
        plain = (_EXTENSION, _SENDER)
        return _made(values, common.of(values), "sendSms", to=values[number], plain=plain, templates=(text,))

    def email(values: Values) -> Action:
        templates = (address, subject, body)
        return _made(values, common.of(values), "sendEmail", plain=(_EXTENSION, _SENDER), templates=templates)

    apart = (_EXTENSION, _OVER, *common.keys)
    return {
        "play": Record("{to: all, file: hello.wav}", (_HEARS, _FILE, _REPEAT, *common.keys), play),
        "speak": Record("{to: all, text: TEXT}", (_HEARS, text, *common.keys), speak),
        "record": Record("record, or record: {format: wav}", (_FORMAT, _FINISHED, *common.keys), record),
        "call": Record("{to: NUMBER, url: https://…}", (number, _URL, _CALLER_ID, _CALLER_NAME, *apart), call),
        "sendSms": Record("{to: NUMBER, text: TEXT}", (number, text, _SENDER, *apart), sms),
        "sendEmail": Record("{to: ADDRESS, text: TEXT}", (address, subject, body, _SENDER, *apart), email),
    }


def _made(
    values: Values,
    common: Common,
    operation: Literal["call", "play", "record", "sendEmail", "sendSms", "speak"],
    *,
    to: Target | None = None,
    party: Listener | None = None,
    plain: tuple[Key[Any], ...] = (),
    flags: tuple[Key[bool], ...] = (),
    templates: tuple[Key[Template], ...] = (),
) -> SystemAction:
    texts: dict[str, Template] = {key.name: (values[key],) for key in plain if key in values}
    texts |= {key.name: ("true",) for key in flags if values.get(key)}
    texts |= {key.name: values[key] for key in templates if key in values}
    over = values.get(_OVER) if operation in ("call", "sendSms", "sendEmail") else None
    return SystemAction(
        operation=operation, to=to, party=party, texts=texts, connection=over, common=common, place=values.place
    )


@dataclass(frozen=True)
class _Address:
    """An e-mail address, or a field that holds one."""

    scope: Scope
    what: str = "an e-mail address, or a template"

    def read(self, node: Node, findings: Findings) -> Template | Invalid:
        template = TemplateText(self.scope).read(node, findings)
        if template is INVALID:
            return INVALID
        if all(isinstance(part, str) for part in template) and isinstance(node, TextNode) and not is_address(node.text):
            findings.error("bad-email", node, f"{shown(node.text)} is no e-mail address.")
            return INVALID
        return template

    def schema(self, definitions: dict[str, Schema]) -> Schema:
        return TemplateText(self.scope).schema(definitions)
