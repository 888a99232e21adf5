"""The ten methods of a session as actions, with hunt and webhook, which are sent and answered like them."""

import re
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias, get_args

from ozrules.rules.diagnostics import Findings
from ozrules.rules.document import ListNode, Node, TextNode
from ozrules.rules.model import (
    Action,
    BlindTransfer,
    Common,
    Expect,
    Forward,
    Hunt,
    Party,
    Plain,
    PlainMethod,
    Retry,
    SecretRef,
    SendDtmf,
    Target,
    Webhook,
)
from ozrules.rules.reading.scope import Scope
from ozrules.rules.reading.values import STATES, Destination, TemplateText, check_destination, target
from ozrules.rules.scalars import Choice, Duration, Text, Whole
from ozrules.rules.shape import (
    INVALID,
    ByKind,
    Converted,
    Invalid,
    Key,
    ListOf,
    Pairs,
    Record,
    Schema,
    Shape,
    Values,
)

PLAIN: Final[tuple[Plain, ...]] = get_args(Plain)
PARTIES: Final[tuple[Party, ...]] = get_args(Party)
DEFAULT_GAP: Final = 0.2  # seconds between two keys
DEFAULT_DELAY: Final = 1.0  # seconds before a further try

Order: TypeAlias = Literal["sequential", "random", "roundRobin"]
Verb: TypeAlias = Literal["POST", "PUT"]
POSITIVE: Final = Duration(least=0.001)
_EXPECT_STATE: Final = Key("state", STATES, required=True, help="One of these states must be seen …")
_EXPECT_WITHIN: Final = Key("within", POSITIVE, required=True, help="… within this time after the command left.")
_ATTEMPTS: Final = Key("attempts", Whole(1, 10), required=True, help="Further tries.")
_DELAY: Final = Key("delay", Duration(), help="Time between two tries; 1s unless given.")
_EXPECT: Final = Key(
    "expect",
    Record(
        "a proof such as {state: InCall, within: 5s}",
        (_EXPECT_STATE, _EXPECT_WITHIN),
        lambda values: Expect(values[_EXPECT_STATE], values[_EXPECT_WITHIN]),
    ),
    help="The effect that proves the action.",
)
_RETRY: Final = Key(
    "retry",
    Record(
        "a retry such as {attempts: 2, delay: 1s}",
        (_ATTEMPTS, _DELAY),
        lambda values: Retry(values[_ATTEMPTS], values.get(_DELAY, DEFAULT_DELAY)),
    ),
    help="Tries again what was surely not done.",
)
_TIMEOUT: Final = Key("timeout", POSITIVE, help="How long an answer is waited for.")


class CommonKeys:
    """The keys that every action on a call may have."""

    def __init__(self, nested: Shape[tuple[Action, ...]]) -> None:
        help_text = "What to do where the action failed; else the sequence stops."
        self._on_failure = Key("onFailure", nested, help=help_text)
        self.keys: tuple[Key[Any], ...] = (_EXPECT, _RETRY, self._on_failure, _TIMEOUT)

    def of(self, values: Values) -> Common:
        """What stood under them."""
        return Common(
            expect=values.get(_EXPECT),
            retry=values.get(_RETRY),
            on_failure=values.get(self._on_failure),
            timeout=values.get(_TIMEOUT),
        )


def plain(method: Plain, common: CommonKeys) -> Record[Action]:
    """A method without arguments of its own."""

    def build(values: Values) -> Action:
        return PlainMethod(method=method, common=common.of(values), place=values.place)

    return Record(f"{method}, or {method}: {{expect: …}}", common.keys, build)


def forward(scope: Scope, common: CommonKeys) -> ByKind[Action]:
    """``forward``: the ringing call goes elsewhere."""
    goal: ByKind[Target] = target(scope)
    to: Key[Target] = Key("to", goal, required=True, help="Where the call goes.")

    def build(values: Values) -> Action:
        return Forward(to=values[to], common=common.of(values), place=values.place)

    def short(number: Target, node: Node, findings: Findings) -> Action:
        return Forward(to=number, common=Common(), place=node.place)

    return ByKind(
        "a number, or {to: NUMBER}",
        text=Converted[Target, Action](goal, short),
        keys=Record("{to: NUMBER}", (to, *common.keys), build),
        hint="Several numbers, one after the other, are called by hunt: {to: [2001, 2002], ring: 20s}.",
    )


def blind_transfer(scope: Scope, common: CommonKeys) -> Record[Action]:
    """``blindTransfer``: one party goes elsewhere."""
    move: Key[Party] = Key(
        "move", Choice[Party]("party", PARTIES), required=True, help="The party that goes to the target."
    )
    to: Key[Target] = Key("to", target(scope), required=True, help="Where that party goes.")

    def build(values: Values) -> Action:
        return BlindTransfer(move=values[move], to=values[to], common=common.of(values), place=values.place)

    return Record("{move: caller, to: NUMBER}", (move, to, *common.keys), build)


def send_dtmf(scope: Scope, common: CommonKeys) -> Record[Action]:
    """``sendDtmf``: keys, or a secret that holds them."""
    secret = Key(
        "secret", Text("the name of a secret"), required=True, help="A name under secrets: of the configuration."
    )

    def build_secret(values: Values) -> SecretRef | Invalid:
        node = values.at(secret)
        assert isinstance(node, TextNode)
        return SecretRef(node.text) if scope.find("secret", node, values.findings) else INVALID

    keys_text: Text = Text("a row of keys (0 to 9, *, #, A to D)", re.compile(r"[0-9*#A-D]{1,64}"), code="bad-keys")
    to: Key[Party] = Key("to", Choice[Party]("party", PARTIES), required=True, help="The party that hears the keys.")
    keys: Key[str | SecretRef] = Key(
        "keys",
        ByKind[str | SecretRef](
            'keys such as "1234#", or {secret: NAME}',
            text=keys_text,
            keys=Record("{secret: NAME}", (secret,), build_secret),
        ),
        required=True,
        help="The keys, sent one at a time.",
    )
    gap = Key("gap", Duration(most=60), help="Time between two keys; 200ms unless given.")

    def build(values: Values) -> Action:
        return SendDtmf(
            to=values[to],
            keys=values[keys],
            gap=values.get(gap, DEFAULT_GAP),
            common=common.of(values),
            place=values.place,
        )

    return Record('{to: callee, keys: "1234#"}', (to, keys, gap, *common.keys), build)


def hunt(scope: Scope, common: CommonKeys, nested: Shape[tuple[Action, ...]]) -> Record[Action]:
    """``hunt``: one number after the other."""
    to: Key[tuple[str, ...]] = Key("to", _HuntTargets(scope), required=True, help="The numbers, or a list's name.")
    ring = Key("ring", POSITIVE, required=True, help="How long each number rings.")
    orders: tuple[Order, ...] = get_args(Order)
    order: Key[Order] = Key("order", Choice[Order]("order", orders), help="sequential unless given.")
    exhausted = Key("onExhausted", nested, help="What to do where nobody answered.")

    def build(values: Values) -> Action:
        return Hunt(
            targets=values[to],
            ring=values[ring],
            order=values.get(order) or "sequential",
            on_exhausted=values.get(exhausted, ()),
            common=common.of(values),
            place=values.place,
        )

    return Record("{to: LIST, ring: 15s}", (to, ring, order, exhausted, *common.keys), build)


def webhook(scope: Scope, common: CommonKeys) -> Record[Action]:
    """``webhook``: a request to another program."""
    url = Key(
        "url",
        Text(
            "an address that begins with http:// or https://, without templates",
            re.compile(r"https?://[^\s{}]+"),
            code="bad-url",
        ),
        required=True,
        help="Where the request goes; no templates.",
    )
    verbs: tuple[Verb, ...] = get_args(Verb)
    method: Key[Verb] = Key("method", Choice[Verb]("method", verbs), help="POST unless given.")
    line = Text("a text of one line", re.compile(r"[^\r\n]*"), code="bad-text")
    token = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}")
    headers = Key("headers", Pairs("headers", line, token, "a header's name is one word"))
    body = Key("body", Pairs("names with their texts", TemplateText(scope)), help="The data of the event.")

    def build(values: Values) -> Action:
        return Webhook(
            url=values[url],
            method=values.get(method) or "POST",
            headers={name.text: text for name, text in values.get(headers, ())},
            body={name.text: text for name, text in values.get(body, ())},
            common=common.of(values),
            place=values.place,
        )

    return Record("{url: https://…}", (url, method, headers, body, *common.keys), build)


@dataclass(frozen=True)
class _HuntTargets:
    """Numbers, or the name of a list of them."""

    scope: Scope
    what: str = "a list of numbers, or the name of one"

    def read(self, node: Node, findings: Findings) -> tuple[str, ...] | Invalid:
        if not isinstance(node, TextNode) or node.empty:
            return ListOf(Destination(self.scope), least=1, most=100).read(node, findings)
        if not self.scope.find("list", node, findings, _hint(node.text)):
            return INVALID
        named = self.scope.lists[node.text]
        if named.table is not None:
            findings.error("not-a-list", node, f"{node.text} is a map, for lookup; hunt needs a list of numbers.")
            return INVALID
        if not named.members:
            findings.error("empty-list", node, f"The list {node.text} is empty, so there is nobody to ring.")
            return INVALID
        wrong = [each for each in named.members if not check_destination(_still(node), each, self.scope, findings)]
        return INVALID if wrong else named.members

    def schema(self, definitions: dict[str, Schema]) -> Schema:
        return {"anyOf": [{"type": "string"}, ListOf(Destination(self.scope), least=1).schema(definitions)]}


def _hint(text: str) -> str:
    if text.isdecimal():
        return f"A single number stands in brackets: [{text}]."
    return f"Add a list {text} under lists, or write the numbers here: [2001, 2002]."


def _still(node: TextNode) -> Node:
    """The same place as something that no repair is offered for: the number stands in the list, not here."""
    return ListNode(node.file, node.line, node.column, node.length, ())
