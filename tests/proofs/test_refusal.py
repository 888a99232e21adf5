"""The call that the guards keep from being sent somewhere, however deep in a rule that stands."""

import pytest

from ozrules.proofs.checking import check
from ozrules.rules.document import Source
from tests.proofs.sets import rule
from tests.proofs.test_witness import HEAD, passes

FAR = "+4412345678"


@pytest.mark.parametrize(
    "actions",
    [
        f"[{{forward: '{FAR}'}}]",
        "[{forward: '{{ dialedNumber }}'}]",
        f"[{{log: x}}, {{forward: '{FAR}'}}]",
        f"[{{forward: {{to: 2002, onFailure: [{{forward: '{FAR}'}}]}}}}]",
        f"[{{hunt: {{to: ['{FAR}', '{FAR}1'], ring: 5s}}}}]",
        f"[{{choose: [{{if: {{caller: 2009}}, then: [{{forward: '{FAR}'}}]}}, {{else: [hangup]}}]}}]",
        f"[{{wait: 5s}}, {{forward: '{FAR}'}}]",
        f"[{{waitFor: {{state: InCall, timeout: 5s, onTimeout: [{{forward: '{FAR}'}}]}}}}]",
    ],
)
def test_the_call_comes_so_far_and_is_refused(actions: str) -> None:
    text = f"{HEAD}rules:\n" + rule(
        "a", f"trigger: {{state: Ringing, for: 3s}}, conditions: {{callee: 2001}}, actions: {actions}"
    )
    refused = [each for each in check([Source("f", text.encode())])[1] if each.code == "refused-destination"]
    assert refused
    for each in refused:
        assert each.witness is not None
        assert passes(each.witness, text)


def test_other_rules_that_send_the_call_on_before_are_refused_by_the_phone_system() -> None:
    earlier = "".join(
        rule(
            f"e{n}",
            f"trigger: {{state: Ringing, for: {n}s}}, conditions: {{callee: 2001}}, actions: [{{forward: 201{n}}}]",
        )
        for n in range(1, 4)
    )
    late = rule(
        "a", f"trigger: {{state: Ringing, for: 50s}}, conditions: {{callee: 2001}}, actions: [{{forward: '{FAR}'}}]"
    )
    text = f"{HEAD}rules:\n{earlier}{late}"
    [each] = check([Source("f", text.encode())])[1]
    assert each.witness is not None
    assert passes(each.witness, text)
