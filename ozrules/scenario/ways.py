"""How a call gets into a state: the shortest life that leads there."""

from ozrules.session.state import CREATED, ENDED, IN_CALL, RINGING, SETUP, State


def way_to(state: State) -> tuple[State, ...]:
    """The states through which a call gets into ``state``, that one included."""
    if state in (CREATED, SETUP, RINGING):
        return (state,)
    if state == IN_CALL or state in ENDED:
        return (RINGING, state)
    return (RINGING, IN_CALL, state)
