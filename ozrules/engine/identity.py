"""What makes two reports of a session the same session, and two commands the same command."""

from typing import NewType

import msgspec

CommandId = NewType("CommandId", str)
"""``DECISION-STEP``, as in ``17-0``: the decision's number and the command's place in it."""


class SessionKey(msgspec.Struct, gc=False, frozen=True, order=True):
    """The identity of a session. An id that comes back under another epoch or start is another session.

    ``start`` is the phone system's ``startTime`` as text, or ``@`` and the moment at which we first heard of it
    where it gives none.
    """

    connection: str
    epoch: str
    session_id: str
    start: str
