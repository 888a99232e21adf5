"""Commands as calls of the Session class's methods. The ids of parties are those the session shows."""

from typing import Literal

from ozrules.connectors.session_messages import Call
from ozrules.engine.effects import Command
from ozrules.engine.events import Refused
from ozrules.session.methods import is_method
from ozrules.session.session import Session

Party = Literal["caller", "callee"]
MovedParty = Literal["argument", "other"]
"""Whom the first argument of blindTransfer names: the party that is moved, or the other, who makes the transfer.

The vendor's pages say both, so it is a setting. Sources: https://ozekiphone.com/p_4575 (the one who leaves),
http://www.ozekiphone.com/voip-blindtransfer-1179.html (the one who moves).
"""


def call_for(
    command: Command,
    session: Session,
    *,
    id: int,
    moved_party: MovedParty | None,
    privileges: frozenset[str] | None,
) -> Call | Refused:
    """The request for ``command``, or why there can be none. ``privileges`` None: what may be called is not known."""
    parties = {"caller": session.caller, "callee": session.callee}
    method = command.action
    if not is_method(method):
        return Refused("denied", f"{method} is not a method of the Session class: no gateway can be asked for it")
    if privileges is not None and method not in privileges:
        return Refused("denied", f"the phone system does not let this connection call {method}")
    match method:
        case "forward":
            if not command.to:
                return Refused("invalid", "forward needs a number to go to")
            return Call(id=id, method=method, session_id=session.session_id, phone_number=command.to)
        case "blindTransfer":
            named = transferor_of(command, moved_party)
            if isinstance(named, Refused):
                return named
            if not parties[named]:
                return Refused("invalid", f"the session shows no {named}, and blindTransfer must name it")
            return Call(
                id=id,
                method=method,
                session_id=session.session_id,
                transferor=parties[named],
                phone_number=command.to,
            )
        case "sendDtmf":
            if command.party is None or command.party == "all" or not isinstance(command.key, str):
                return Refused("invalid", "sendDtmf needs one key and the party that receives it")
            if not parties[command.party]:
                return Refused("invalid", f"the session shows no {command.party} to send the key to")
            return Call(
                id=id,
                method=method,
                session_id=session.session_id,
                key=command.key,
                phone_number=parties[command.party],
            )
        case _:
            return Call(id=id, method=method, session_id=session.session_id)


def transferor_of(command: Command, moved_party: MovedParty | None) -> Party | Refused:
    """The party that blindTransfer must name so that the party of ``command`` moves."""
    if not command.to:
        return Refused("invalid", "blindTransfer needs a number to go to")
    if moved_party is None:
        return Refused(
            "invalid",
            "blindTransfer is not sent: set movedParty on this connection to argument or other, as the phone system's "
            "first argument of blindTransfer names the party that moves or the one that stays",
        )
    if command.party is None or command.party == "all":
        return Refused("invalid", "blindTransfer needs the party that moves")
    if moved_party == "argument":
        return command.party
    return "callee" if command.party == "caller" else "caller"
