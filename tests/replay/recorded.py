"""Recordings as tests write them: seconds after ten o'clock, and what happened."""

import json
from typing import Any

from ozrules.rules.document import Source
from ozrules.rules.loader import load
from ozrules.rules.model import RuleSet


def line(second: float, event: str, **more: Any) -> str:
    at = f"2026-11-23T10:{int(second // 60):02}:{second % 60:06.3f}Z"
    return json.dumps({"at": at, "connection": "office", "event": event} | more)


def seen(second: float, state: str, session: str = "s1", **properties: str) -> str:
    whole = {"caller": "+36201234567", "callee": "2001", "startTime": "2026-11-23T10:00:00Z"} | properties
    event = "created" if state == "Ringing" else "stateChanged"
    return line(second, event, session=whole | {"sessionId": session, "sessionState": state})


def asked(second: float, kind: str, session: str = "s1", **properties: str) -> str:
    whole = {"sessionId": session, "sessionState": "Setup", "caller": "+36201234567", "callee": "2001"} | properties
    return line(second, "routing", routing=kind, session=whole)


def sent(
    second: float,
    action: str,
    outcome: str,
    session: str = "s1",
    start: str | None = "2026-11-23T10:00:00Z",
    **args: str,
) -> list[str]:
    named = {"sessionId": session} | ({} if start is None else {"startTime": start})
    said = {"session": named, "command_id": f"{session}-{second:g}", "action": action}
    return [line(second, "command", **said, args=args), line(second + 0.5, "outcome", **said, outcome=outcome)]


def rules(*lines: str, name: str = "rules.yaml") -> RuleSet:
    return load([Source(name, text(*lines).encode())])


def text(*lines: str) -> str:
    return "\n".join(["ozrules: 1", "rules:", *(f"  - {each}" for each in lines)]) + "\n"


DESK = "{id: desk, trigger: {state: Ringing, for: 20s}, conditions: {callee: 2001}, actions: [{forward: {to: 2010}}]}"
