"""A session whose 17 properties have 17 values of their own, and what each must be wherever it is read.

Written by hand, name by name: nothing of it comes from the tables of the product.
"""

from typing import Final

WIRE: Final[dict[str, str]] = {
    "masterSessionId": "master-01",
    "sessionId": "session-02",
    "sessionState": "OnHold",
    "startTime": "2026-11-23T10:00:00+01:00",
    "talkDuration": "00:01:00",
    "stateDuration": "00:00:05",
    "caller": "+36201110006",
    "callee": "2007",
    "callerDisplayName": "Anna 08",
    "calleeDisplayName": "Béla 09",
    "callerCallLegId": "leg-10",
    "calleeCallLegId": "leg-11",
    "source": "+36201110012",
    "sourceType": "OutsideLine13",
    "destination": "+36201110014",
    "destinationType": "Extension15",
    "dialedNumber": "+36201110016",
}
"""As a phone system sends it, after a minute of talk and five seconds on hold."""

CONDITION: Final[dict[str, str]] = {
    **{name: f'"{text}"' for name, text in WIRE.items()},
    "sessionState": "OnHold",
    "talkDuration": "1m",
    "stateDuration": "5s",
}
"""What a rule asks for, to hold for this value and for none of the others."""

TEXT: Final[dict[str, str]] = {**WIRE, "talkDuration": "1m", "stateDuration": "5s"}
"""What a template puts in."""

GROUP: Final[dict[str, str]] = {**WIRE, "startTime": "1795424400", "talkDuration": "60", "stateDuration": "5"}
"""What a groupBy counts under: the bare value."""

READ: Final[dict[str, str]] = {**TEXT, "startTime": "2026-11-23T09:00:00.000+00:00"}
"""What stands in the record among the values read."""

ON_RECORD: Final = ("caller", "callee", "dialedNumber", "callerDisplayName", "startTime")
"""Which of them a decision shows of its session."""

HEAD: Final = 'ozrules: 1\ndefaults: {country: HU, extensions: ["_2XXX"], timezone: UTC}\nrules:\n'


def rules(trigger: str, *names: str, conditions: dict[str, str] = CONDITION) -> str:
    """One rule for each property, which asks for it, counts by it and says it."""
    return HEAD + "".join(
        f"""  - id: {name}
    trigger: {trigger}
    conditions: {{{name}: {conditions[name]}}}
    throttle: {{onceWithin: 1h, groupBy: [{name}]}}
    actions: [{{log: "<{{{{ {name} }}}}>"}}]
"""
        for name in names
    )
