"""Health: ready means that nothing is wrong, and what is wrong is said."""

import pytest

from ozrules.runtime.health import Health
from ozrules.runtime.ports import ConnectionState


def state(*, ready: bool) -> ConnectionState:
    return ConnectionState(at=0.0, connection="office", ready=ready, detail="refused")


def test_all_well_is_ready() -> None:
    assert Health(connections={"office": state(ready=True)}).ready


@pytest.mark.parametrize(
    ("health", "said"),
    [
        (Health(connections={"office": state(ready=False)}), "connection office: refused"),
        (Health(connections={}, journal="the disk is full"), "journal: the disk is full"),
        (Health(connections={}, room=lambda: "the disk is full"), "journal: the disk is full"),
        (Health(connections={}, rules="r.yaml:1:1: error"), "rules: r.yaml:1:1: error"),
        (Health(connections={}, stopping=True), "stopping"),
    ],
)
def test_each_trouble_is_said(health: Health, said: str) -> None:
    assert not health.ready
    assert health.problems() == [said]
