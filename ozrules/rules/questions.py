"""Whether a rule can answer a phone system that asks where a call goes.

The phone system waits, so the answer (forward, hunt, or hangup to turn the caller away) must come before the rule waits
for anything, and there is no session yet that anything else could be done to. What stands after the answer is about the
call that then rings, and is not looked at here.
"""

from collections.abc import Iterable

from ozrules.rules.diagnostics import Findings, Span
from ozrules.rules.model import Action, Choose, Hunt, Wait, WaitFor
from ozrules.rules.sense import operation_of
from ozrules.session.methods import ANSWERS, APART


def check_answers(actions: Iterable[Action], findings: Findings, *, waited: bool = False) -> bool:
    """Note what cannot be done while the phone system asks. Returns whether these actions may have answered."""
    for action in actions:
        operation = operation_of(action)
        match action:
            case Wait() | WaitFor():
                waited = True
            case Choose(branches=branches):
                answered = [check_answers(branch.actions, findings, waited=waited) for branch in branches]
                if any(answered):
                    return True
            case _ if operation in ANSWERS:
                if waited:
                    findings.error(
                        "late-answer",
                        Span(action.place, len("hunt" if isinstance(action, Hunt) else operation or "")),
                        "By then the phone system no longer waits to be told where the call goes.",
                        suggestion="Put it before the wait, or use trigger: {state: Ringing}.",
                    )
                return True
            case _ if operation is not None and operation not in APART:
                findings.error(
                    "illegal-action",
                    Span(action.place, len(operation)),
                    f"{operation} cannot be done while the phone system asks where a call goes.",
                    suggestion="Answer first, by forward, hunt or hangup, or use a trigger: {state: …}.",
                )
                return True
            case _:
                pass
    return False
