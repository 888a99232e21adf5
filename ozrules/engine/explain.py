"""Why a rule was never judged on a session, by the states that the session went through.

The arbiter gives the reason of every rule that it judged. This is for the others: for `ozrules why` and for rule tests.
"""

from collections.abc import Iterable

from ozrules.engine.effects import EventView, Reason
from ozrules.rules.model import Rule, StateTrigger


def unheard(rule: Rule, seen: Iterable[EventView]) -> Reason | None:
    """The reason, or None where a trigger matched: then it lies with the conditions, or nobody saw the state begin."""
    seen = tuple(seen)
    reason: Reason = "stateOther"
    for trigger in rule.triggers:
        if not isinstance(trigger, StateTrigger):
            continue
        for index, event in enumerate(seen):
            if event.state not in trigger.states:
                continue
            if trigger.origins is not None and event.from_state not in trigger.origins:
                reason = "fromOther"
            elif trigger.hold is None:
                return None
            elif all(later.state in trigger.states for later in seen[index:]):
                return "forRunning"
            else:
                return "stateLeftBeforeFor"
    return reason
