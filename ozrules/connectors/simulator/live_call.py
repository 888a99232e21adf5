"""A call while it lives in the simulated phone system: who, which state, who holds whom, since when."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal

from ozrules.connectors.simulator.callers import CallPlan, Party
from ozrules.session.session import Session
from ozrules.session.state import CALLEE_ON_HOLD, CALLER_ON_HOLD, IN_CALL, ON_HOLD, ON_HOLD_INACTIVE, State


@dataclass(slots=True, eq=False)
class LiveCall:
    """``generation`` counts states: what was planned in an earlier one does not happen any more."""

    id: str
    master: str
    plan: CallPlan
    caller: str
    callee: str
    caller_name: str | None
    callee_name: str | None
    direction: Literal["inbound", "outbound", "internal", "transit"]
    source: str
    destination: str
    dialed: str
    state: State
    started: float
    since: float
    hop: int = 0
    generation: int = 0
    talked: float = 0.0
    acts_done: int = 0
    releases: dict[Party, float | None] = field(default_factory=dict)  # who holds the other, and until when
    held_by_method: bool = False
    listening: bool = False
    ring_time: float | None = None

    def talk_until(self, now: float) -> float:
        """Seconds of talk up to ``now``."""
        return self.talked + (now - self.since if self.state == IN_CALL else 0.0)

    def hold_state(self) -> State:
        """The state that the holds add up to: in call where there is none."""
        if self.held_by_method:
            return ON_HOLD_INACTIVE if self.releases else ON_HOLD
        if len(self.releases) == 2:
            return ON_HOLD
        if "caller" in self.releases:
            return CALLEE_ON_HOLD
        return CALLER_ON_HOLD if self.releases else IN_CALL

    def seen(self, now: float) -> Session:
        """The session as the phone system shows it at ``now``."""
        return Session(
            session_id=self.id,
            session_state=self.state,
            master_session_id=self.master,
            start_time=datetime.fromtimestamp(self.started, UTC).isoformat(timespec="milliseconds"),
            talk_duration=_span(self.talk_until(now)),
            state_duration=_span(now - self.since),
            caller=self.caller,
            callee=self.callee,
            caller_display_name=self.caller_name,
            callee_display_name=self.callee_name,
            caller_call_leg_id=f"{self.id}-a",
            callee_call_leg_id=f"{self.id}-b",
            source=self.source,
            source_type="OutsideLine" if self.direction in ("inbound", "transit") else "Extension",
            destination=self.destination,
            destination_type="OutsideLine" if self.direction in ("outbound", "transit") else "Extension",
            dialed_number=self.dialed,
            direction=self.direction,
        )


def _span(seconds: float) -> str:
    """As .NET writes a TimeSpan: ``00:01:30.500``."""
    milliseconds = max(0, round(seconds * 1000))
    return (
        f"{milliseconds // 3_600_000:02}:{milliseconds // 60_000 % 60:02}:"
        f"{milliseconds // 1000 % 60:02}.{milliseconds % 1000:03}"
    )
