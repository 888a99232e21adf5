"""One rule from its parts."""

from ozrules.rules.document import Source
from ozrules.rules.loader import check, load
from ozrules.rules.model import Rule

SHARED = """ozrules: 1
defaults: {country: HU, timezone: Europe/Budapest}
lists:
  sales: [2001, 2002]
  owners: {2001: "+36301110001"}
schedules:
  office: {weekdays: monday..friday, times: 08:00-17:30}
conditions:
  vip: {caller: 2005}
  both: {use: vip, direction: inbound}
"""


def text(trigger: str, actions: str, more: str) -> Source:
    rule = f"rules:\n  - id: r\n    trigger: {trigger}\n    actions: {actions}\n{more}"
    return Source("f.yaml", (SHARED + rule).encode())


def one(trigger: str = "{state: Ringing}", actions: str = "[hangup]", more: str = "") -> Rule:
    (rule,) = load([text(trigger, actions, more)]).rules
    return rule


def errors(trigger: str = "{state: Ringing}", actions: str = "[hangup]", more: str = "") -> list[str]:
    found = check([text(trigger, actions, more)])[1]
    return [each.code for each in found if each.severity == "error"]
