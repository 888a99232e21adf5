"""``actions``: the ten methods of a session, what phone systems do beyond them, and ours.

Each item is a bare name, or a mapping with that one key.
"""

import re
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, Literal

import msgspec

from ozrules.rules.diagnostics import Findings
from ozrules.rules.document import ListNode, MapNode, Node, TextNode
from ozrules.rules.model import (
    Action,
    Branch,
    Choose,
    Log,
    SetVariables,
    Stop,
    Wait,
    WaitFor,
)
from ozrules.rules.reading import methods, system
from ozrules.rules.reading.conditions import Conditions
from ozrules.rules.reading.methods import PLAIN, POSITIVE
from ozrules.rules.reading.scope import Defaults, Scope
from ozrules.rules.reading.values import STATES, TemplateText
from ozrules.rules.scalars import Choice
from ozrules.rules.shape import (
    INVALID,
    ByKind,
    Converted,
    Invalid,
    Key,
    Pairs,
    Record,
    Schema,
    Shape,
    Values,
    unknown,
    wrong_type,
)

ACTIONS: Final = (
    "forward",
    "blindTransfer",
    *PLAIN,
    "sendDtmf",
    "attendedTransfer",
    "play",
    "speak",
    "record",
    "call",
    "sendSms",
    "sendEmail",
    "hunt",
    "webhook",
    "log",
    "set",
    "wait",
    "waitFor",
    "stop",
    "choose",
)

_BARE: Final = (*PLAIN, "record", "stop")
"""Those that need not be told more."""

_ALL: Final = f"Known here: {', '.join(ACTIONS)}."

_DOES: Final[dict[str, str]] = {
    "forward": "The ringing call goes to another number.",
    "blindTransfer": "One party of a call goes to another number.",
    "close": "Ends the session without telling the phones.",
    "closeWithHangup": "Ends the session and hangs up both phones.",
    "hangup": "Hangs up.",
    "hold": "Puts the call on hold.",
    "unhold": "Takes the call off hold.",
    "startListen": "A supervisor listens in.",
    "stopListen": "Nobody listens in any more.",
    "sendDtmf": "Sends keys to one party, one after the other.",
    "attendedTransfer": "Joins the parties of two calls.",
    "play": "Plays a sound into the call.",
    "speak": "Speaks a text into the call.",
    "record": "Records the call.",
    "call": "Begins a further call.",
    "sendSms": "Sends a text message.",
    "sendEmail": "Sends an e-mail.",
    "hunt": "Rings one number after the other.",
    "webhook": "Tells another program, at least once.",
    "log": "Writes a line to the log.",
    "set": "Sets variables of the session, read as var.NAME.",
    "wait": "The next action waits this long.",
    "waitFor": "The next action waits for a state.",
    "stop": "The rule ends here.",
    "choose": "Does what stands under the first condition that holds.",
}
_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}")


@dataclass(frozen=True)
class Actions:
    """A list of actions, done one after the other."""

    scope: Scope
    defaults: Defaults
    what: str = "a list of actions (each begins with a -)"

    def read(self, node: Node, findings: Findings) -> tuple[Action, ...] | Invalid:
        """All of them."""
        if not isinstance(node, ListNode):
            suggestion = "Begin each action with a - and a space."
            if isinstance(node, TextNode) and not node.quoted and not node.empty:
                suggestion = f"Write a list: [{node.text}]."
            return wrong_type(node, self.what, findings, suggestion)
        if not node.items:
            findings.error("no-actions", node, "This list of actions is empty, so nothing is done.")
            return INVALID
        actions = [self._action(item, findings) for item in node.items]
        sound = tuple(action for action in actions if action is not INVALID)
        return sound if len(sound) == len(actions) else INVALID

    def _action(self, node: Node, findings: Findings) -> Action | Invalid:
        if isinstance(node, TextNode) and not node.empty:
            if node.text in _BARE:
                return self._made(
                    node.text, TextNode(node.file, node.line, node.column, 0, "", quoted=False), node, findings
                )
            if node.text in ACTIONS:
                findings.error(
                    "wrong-type",
                    node,
                    f"{node.text} needs to be told more.",
                    suggestion=f"Write {_EXAMPLES[node.text]}.",
                )
                return INVALID
            return unknown("unknown-action", node, "action", ACTIONS, findings, _ALL)
        if not isinstance(node, MapNode):
            return wrong_type(node, "an action such as hangup or forward: 2010", findings)
        names = [entry for entry in node.entries if entry.key.text in ACTIONS]
        if not names:
            if not node.entries:
                return wrong_type(node, "an action such as hangup or forward: 2010", findings)
            return unknown("unknown-action", node.entries[0].key, "action", ACTIONS, findings, _ALL)
        extra = [entry for entry in node.entries if entry is not names[0]]
        name = names[0].key.text
        if extra:
            other = extra[0].key
            findings.error(
                "several-keys",
                other,
                f"An action has one key, and this one has {name} already.",
                suggestion=f"Indent {other.text} under {name}, or begin a new action with a -.",
            )
            return INVALID
        return self._made(name, names[0].value, names[0].key, findings)

    def _made(self, name: str, value: Node, at: TextNode, findings: Findings) -> Action | Invalid:
        if name in _BARE and isinstance(value, TextNode) and value.empty:
            value = MapNode(at.file, at.line, at.column, at.length, ())
        action = self._shapes[name].read(value, findings)
        # an action stands where its name does, whatever it was made of
        return INVALID if action is INVALID else msgspec.structs.replace(action, place=at.place)

    @cached_property
    def _shapes(self) -> dict[str, Shape[Action]]:
        """What stands under each action's key."""
        common = methods.CommonKeys(self._nested)
        plain: dict[str, Shape[Action]] = {method: methods.plain(method, common) for method in PLAIN}
        return plain | {
            "forward": methods.forward(self.scope, common),
            "blindTransfer": methods.blind_transfer(self.scope, common),
            "sendDtmf": methods.send_dtmf(self.scope, common),
            "attendedTransfer": system.attended_transfer(common),
            **system.system_actions(self.scope, common),
            "hunt": methods.hunt(self.scope, common, self._nested),
            "webhook": methods.webhook(self.scope, common),
            "log": Converted(TemplateText(self.scope), lambda text, node, _: Log(text=text, place=node.place)),
            "set": self._set(),
            "wait": Converted(POSITIVE, lambda seconds, node, _: Wait(seconds=seconds, place=node.place)),
            "waitFor": self._wait_for(),
            "stop": Record("nothing", (), lambda values: Stop(place=values.place)),
            "choose": _Choices(self),
        }

    @property
    def _nested(self) -> "_Nested":
        return _Nested(self)

    def _set(self) -> Converted[Any, Action]:
        pairs = Pairs("variables such as {NAME: text}", TemplateText(self.scope), _NAME)

        def build(found: Any, node: Node, findings: Findings) -> Action | Invalid:
            if not found:
                findings.error("no-actions", node, "No variable is set here.")
                return INVALID
            self.scope.variables_set.update(f"var.{name.text}" for name, _ in found)
            return SetVariables(values={name.text: text for name, text in found}, place=node.place)

        return Converted(pairs, build)

    def _wait_for(self) -> Record[Action]:
        state = Key("state", STATES, required=True, help="The sequence goes on when one of these is seen.")
        timeout = Key("timeout", POSITIVE, required=True, help="How long it is waited for.")
        words: Choice[Literal["continue", "stop"]] = Choice("way to go on", ("continue", "stop"))
        otherwise: Key[Literal["continue", "stop"] | tuple[Action, ...]] = Key(
            "onTimeout",
            ByKind[Literal["continue", "stop"] | tuple[Action, ...]](
                "continue, stop or a list of actions", text=words, items=self._nested
            ),
            help="stop unless given.",
        )

        def build(values: Values) -> Action:
            return WaitFor(
                states=values[state],
                timeout=values[timeout],
                on_timeout=values.get(otherwise) or "stop",
                place=values.place,
            )

        return Record("{state: InCall, timeout: 30s}", (state, timeout, otherwise), build)

    def schema(self, definitions: dict[str, Schema]) -> Schema:
        """An array of actions."""
        if "action" not in definitions:
            definitions["action"] = {}
            one: list[Schema] = [{"enum": list(_BARE)}]
            for name in ACTIONS:
                inner = self._shapes[name].schema(definitions)
                if name in _BARE:
                    inner = {"anyOf": [inner, {"type": "null"}]}
                one.append(
                    {
                        "type": "object",
                        "properties": {name: {"description": _DOES[name]} | inner},
                        "required": [name],
                        "additionalProperties": False,
                    }
                )
            definitions["action"] = {"anyOf": one}
        return {"type": "array", "items": {"$ref": "#/$defs/action"}, "minItems": 1}


@dataclass(frozen=True)
class _Nested:
    """Actions inside an action; apart, because the shapes of actions contain it."""

    of: Actions

    @property
    def what(self) -> str:
        return self.of.what

    def read(self, node: Node, findings: Findings) -> tuple[Action, ...] | Invalid:
        return self.of.read(node, findings)

    def schema(self, definitions: dict[str, Schema]) -> Schema:
        return self.of.schema(definitions)


@dataclass(frozen=True)
class _Choices:
    """``choose``: branches with a condition each, and one without at the end."""

    actions: Actions
    what: str = "a list of {if: CONDITION, then: ACTIONS}, and {else: ACTIONS} at its end"

    @cached_property
    def _condition(self) -> Key[Any]:
        return Key("if", Conditions(self.actions.scope, self.actions.defaults, "choose.if"), required=True)

    @cached_property
    def _then(self) -> Key[tuple[Action, ...]]:
        return Key("then", _Nested(self.actions), required=True)

    @cached_property
    def _else(self) -> Key[tuple[Action, ...]]:
        return Key("else", _Nested(self.actions), required=True)

    @cached_property
    def _branch(self) -> Record[Branch]:
        return Record(
            "{if: CONDITION, then: ACTIONS}",
            (self._condition, self._then),
            lambda values: Branch(values[self._condition], values[self._then]),
        )

    @cached_property
    def _last(self) -> Record[Branch]:
        return Record("{else: ACTIONS}", (self._else,), lambda values: Branch(None, values[self._else]))

    def read(self, node: Node, findings: Findings) -> Action | Invalid:
        if not isinstance(node, ListNode) or not node.items:
            return wrong_type(node, self.what, findings)
        branches: list[Branch] = []
        for index, item in enumerate(node.items):
            is_else = isinstance(item, MapNode) and item.get("else") is not None and item.get("if") is None
            if is_else and index < len(node.items) - 1:
                findings.error(
                    "else-not-last", item, "After else no branch is ever taken.", suggestion="Put else last."
                )
            branch = (self._last if is_else else self._branch).read(item, findings)
            if branch is not INVALID:
                branches.append(branch)
        return Choose(branches=tuple(branches), place=node.place) if len(branches) == len(node.items) else INVALID

    def schema(self, definitions: dict[str, Schema]) -> Schema:
        branches = [self._branch.schema(definitions), self._last.schema(definitions)]
        return {"type": "array", "items": {"anyOf": branches}, "minItems": 1}


_EXAMPLES: Final = {
    "forward": "forward: 2010",
    "blindTransfer": "blindTransfer: {move: caller, to: 2010}",
    "sendDtmf": 'sendDtmf: {to: callee, keys: "1234#"}',
    "attendedTransfer": "attendedTransfer: {transferor: callee}",
    "play": "play: {to: all, file: hello.wav}",
    "speak": 'speak: {to: all, text: "…"}',
    "call": "call: {to: 2010, url: https://…}",
    "sendSms": 'sendSms: {to: "+36201234567", text: "…"}',
    "sendEmail": "sendEmail: {to: desk@example.com, text: …}",
    "hunt": "hunt: {to: [2001, 2002], ring: 15s}",
    "webhook": "webhook: {url: https://…}",
    "log": "log: TEXT",
    "set": "set: {NAME: TEXT}",
    "wait": "wait: 5s",
    "waitFor": "waitFor: {state: InCall, timeout: 30s}",
    "choose": "choose: [{if: …, then: […]}, {else: […]}]",
}
