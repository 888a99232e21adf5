"""Phone systems behind a gateway that speaks the session protocol (docs/session-protocol.md)."""

from ozrules.connectors.gateway.connector import Dial, GatewayConnector, Listen
from ozrules.connectors.gateway.requests import MovedParty

__all__ = ["Dial", "GatewayConnector", "Listen", "MovedParty"]
