"""Which rules ask their connections for what these cannot do, by the configuration.

A rule is for the connections that its conditions leave: ``connection: NAME``, or all. What none can do is found.
"""

from collections.abc import Mapping, Sequence

from ozrules.proofs.possible import conjuncts, exact_values
from ozrules.rules.diagnostics import Findings, Span
from ozrules.rules.model import Compare, Hunt, RoutingTrigger, Rule, RuleSet, StateTrigger, SystemAction
from ozrules.rules.nesting import every_action
from ozrules.rules.quoting import shown
from ozrules.rules.sense import operation_of
from ozrules.rules.suggest import closest
from ozrules.session.methods import METHODS, Operation
from ozrules.session.state import State
from ozrules.settings.abilities import deaf, lacking, untold
from ozrules.settings.model import ConnectionSettings, OzekiHttpSettings


def check(rules: RuleSet, connections: Sequence[ConnectionSettings], findings: Findings) -> None:
    """Note what rules ask of connections that cannot do it, and connections that do not exist."""
    named = {each.name: each for each in connections}
    for rule in rules.rules:
        bound = _named_by(rule, rules, named, findings)
        those = [each for each in connections if bound is None or each.name in bound]
        if not those:
            continue
        certain = bound is not None or len(connections) == 1
        if any(isinstance(trigger, RoutingTrigger) for trigger in rule.triggers):
            _routing(rule, those, findings, certain=certain)
        for trigger in rule.triggers:
            if isinstance(trigger, StateTrigger):
                _never_told(trigger, those, findings)
        for action in every_action(rule.actions):
            operation = operation_of(action)
            if operation is None:
                continue
            place, name = action.place, "hunt" if isinstance(action, Hunt) else operation
            over = action.connection if isinstance(action, SystemAction) else None
            if over is not None and over not in named:
                _unknown(over, named, Span(place, len(name)), findings)
                continue
            asked = those if over is None else [named[over]]
            if isinstance(action, SystemAction):
                _api_extension(action, asked, findings)
            reasons = [lacking(each).get(operation) for each in asked]
            if None not in reasons:
                where = f"the connection {asked[0].name}" if len(asked) == 1 else "any of these connections"
                note = findings.error if certain or over is not None else findings.warning
                note(
                    "not-on-connection",
                    Span(place, len(name)),
                    f"{name} cannot be done on {where}: {'; '.join(dict.fromkeys(filter(None, reasons)))}.",
                    suggestion=_advice(operation, connections),
                )


def _named_by(
    rule: Rule, rules: RuleSet, named: Mapping[str, ConnectionSettings], findings: Findings
) -> frozenset[str] | None:
    """The connections that the rule's conditions leave; None: all of them."""
    bound: frozenset[str] | None = None
    for each in conjuncts(rule.condition):
        if isinstance(each, Compare) and each.field == "connection":
            values = exact_values(each, rules.numbers)
            if values is not None:
                for value in sorted(values - set(named)):
                    _unknown(value, named, Span(each.place, 0), findings)
                bound = values if bound is None else bound & values
    return bound


def _unknown(name: str, named: Mapping[str, ConnectionSettings], span: Span, findings: Findings) -> None:
    meant = closest(name, tuple(named))
    known = f"Known here: {', '.join(named)}."
    suggestion = f"Did you mean {meant}?" if meant else known
    findings.error("unknown-connection", span, f"There is no connection {shown(name)}.", suggestion=suggestion)


def _routing(rule: Rule, those: Sequence[ConnectionSettings], findings: Findings, *, certain: bool) -> None:
    reasons = [deaf(each) for each in those]
    if None in reasons:
        return
    trigger = next(each for each in rule.triggers if isinstance(each, RoutingTrigger))
    where = f"the connection {those[0].name} does not ask" if len(those) == 1 else "none of these connections asks"
    # a rule that a state triggers too still has its use
    note = findings.error if certain and len(rule.triggers) == 1 else findings.warning
    note(
        "not-on-connection",
        Span(trigger.place, 0),
        f"This is never asked: {where} where a call goes; {'; '.join(dict.fromkeys(filter(None, reasons)))}.",
        suggestion="Use an ozeki-http connection with notifications, or trigger: {state: Ringing}.",
    )


def _never_told(trigger: StateTrigger, those: Sequence[ConnectionSettings], findings: Findings) -> None:
    for states in (trigger.states, trigger.origins):
        if states is None or any(states - set(untold(each)) for each in those):
            continue
        names = ", ".join(sorted(states))
        where = f"the connection {those[0].name} never tells" if len(those) == 1 else "none of these connections tells"
        findings.warning(
            "not-on-connection",
            Span(trigger.place, 0),
            f"This never fires: {where} of {names}.",
            suggestion=_instead(states, those),
        )


def _instead(states: frozenset[State], those: Sequence[ConnectionSettings]) -> str | None:
    told = {instead for each in those for state, instead in untold(each).items() if state in states and instead}
    return f"What is told in its place: {', '.join(sorted(told))}." if told else None


def _api_extension(action: SystemAction, asked: Sequence[ConnectionSettings], findings: Findings) -> None:
    """The vendor's pages want one for texts and e-mail. They do for calls too, but its own examples call without."""
    without = [each for each in asked if isinstance(each, OzekiHttpSettings) and each.api_extension is None]
    if action.operation in ("sendSms", "sendEmail") and without and "apiExtension" not in action.texts:
        findings.warning(
            "not-on-connection",
            Span(action.place, len(action.operation)),
            f"{action.operation} needs an API extension, and the connection {without[0].name} names none.",
            suggestion="Set apiExtension on the action, or on the connection.",
        )


def _advice(operation: Operation, connections: Sequence[ConnectionSettings]) -> str | None:
    able = [each.name for each in connections if operation not in lacking(each)]
    if able and operation in ("call", "sendSms", "sendEmail"):
        return f"Add connection: {able[0]} to the action."
    if able:
        return f"Ask for conditions: {{connection: {able[0]}}}, where it can be done."
    if operation == "blindTransfer":
        return "Set movedParty: argument, or other, on the connection; docs/ozeki.md says how to find out which."
    if operation in ("hold", "unhold"):
        return "Set ari or holdExtension on the connection."
    return None if operation in METHODS else "Add a connection of type ozeki-http."
