"""Rules for tests, made directly: the engine's tests need no reader of files."""

from hashlib import sha256
from typing import Any

import msgspec

from ozrules.rules.model import (
    Action,
    All,
    BlindTransfer,
    Common,
    Compare,
    Condition,
    Expect,
    Fixed,
    Forward,
    Guards,
    Log,
    NumberPattern,
    Place,
    PlainMethod,
    Rule,
    RuleSet,
    StateTrigger,
)
from ozrules.rules.model import Op as Op
from ozrules.rules.numbers import NumberPlan
from ozrules.session.state import GROUPS, State

HERE = Place("office.yaml", 1, 1)


def states(*names: str) -> frozenset[State]:
    found: set[State] = set()
    for name in names:
        found |= GROUPS.get(name, frozenset({State(name)}))
    return frozenset(found)


def enters(*names: str, came: tuple[str, ...] | None = None, hold: float | None = None, **rest: Any) -> StateTrigger:
    rest.setdefault("id", "0")
    origins = None if came is None else states(*came)
    return StateTrigger(states=states(*names), origins=origins, hold=hold, place=HERE, **rest)


def having(field: str, op: "Op", *texts: str, number: float | None = None) -> Compare:
    return Compare(field=field, op=op, texts=texts, number=number, path=f"conditions.{field}", place=HERE)


def every(*conditions: Condition) -> All:
    return All(of=conditions, path="conditions", place=HERE)


def common(expect: Expect | None = None, **rest: Any) -> Common:
    return Common(expect=expect, **rest)


def forward(to: str = "2010", **rest: Any) -> Forward:
    return Forward(to=Fixed(to, HERE), common=Common(**rest), place=HERE)


def transfer(to: str = "2010", **rest: Any) -> BlindTransfer:
    return BlindTransfer(move="caller", to=Fixed(to, HERE), common=Common(**rest), place=HERE)


def plain(method: Any, **rest: Any) -> PlainMethod:
    return PlainMethod(method=method, common=Common(**rest), place=HERE)


def log(text: str = "seen") -> Log:
    return Log(text=(text,), place=HERE)


def rule(rule_id: str, trigger: Any, *actions: Action, conditions: tuple[Condition, ...] = (), **rest: Any) -> Rule:
    rest.setdefault("order", 0)
    triggers = trigger if isinstance(trigger, tuple) else (trigger,)
    return Rule(id=rule_id, triggers=triggers, condition=every(*conditions), actions=actions, place=HERE, **rest)


def rules(*each: Rule, **rest: Any) -> RuleSet:
    ordered = tuple(
        Rule(**{name: getattr(one, name) for name in Rule.__struct_fields__} | {"order": number})
        for number, one in enumerate(each)
    )
    rest.setdefault("numbers", NumberPlan(country="HU"))
    made = RuleSet(rules=ordered, **rest)
    digest = sha256(repr(made).encode()).hexdigest()  # of what is in it, as of files
    return msgspec.structs.replace(made, revision=f"sha256:{digest}")


def allowing(*patterns: str, **rest: Any) -> Guards:
    return Guards(allow=tuple(NumberPattern(text, HERE) for text in ("internal", *patterns)), **rest)
