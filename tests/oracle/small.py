"""Tiny histories, made by hand, in the manager's own words: for the tests of the oracle."""

from tests.oracle.history import History
from tests.oracle.wire import events


class Script:
    """Writes down what a manager would have sent. Times are seconds; channels go by short names such as ``1001``."""

    def __init__(self) -> None:
        self._text = ""

    @property
    def text(self) -> bytes:
        """All of it so far, as on the wire."""
        return self._text.encode()

    def history(self) -> History:
        """What the oracle makes of it."""
        return History(events(self.text))

    def event(self, at: float, name: str, **fields: str) -> "Script":
        """Any event."""
        lines = [f"Event: {name}", f"Timestamp: {at:.6f}", *(f"{key}: {value}" for key, value in fields.items())]
        self._text += "\r\n".join(lines) + "\r\n\r\n"
        return self

    def channel(self, at: float, who: str, state: str = "Ring", name: str = "Newchannel", **more: str) -> "Script":
        """An event of one channel."""
        return self.event(at, name, **of(who), ChannelStateDesc=state, **more)

    def dial(self, at: float, who: str, whom: str, *, rings: bool = True) -> "Script":
        """One calls another, and that rings."""
        self.channel(at, whom, "Down")
        self.event(at, "DialBegin", **of(who), **of(whom, "Dest"))
        return self.rings(at, who, whom) if rings else self

    def rings(self, at: float, who: str, whom: str) -> "Script":
        """The called one rings."""
        self.event(at, "DialState", **of(who), **of(whom, "Dest"), DestChannelStateDesc="Ringing", DialStatus="RINGING")
        return self

    def end(self, at: float, who: str, whom: str, status: str) -> "Script":
        """The dialling is over."""
        return self.event(at, "DialEnd", **of(who), **of(whom, "Dest"), DialStatus=status)

    def enter(self, at: float, bridge: str, *all_of: str, **more: str) -> "Script":
        """They enter a bridge."""
        for who in all_of:
            self.channel(at, who, "Up", "BridgeEnter", BridgeUniqueid=bridge, **more)
        return self

    def leave(self, at: float, bridge: str, *all_of: str) -> "Script":
        """They leave it."""
        for who in all_of:
            self.channel(at, who, "Up", "BridgeLeave", BridgeUniqueid=bridge)
        return self

    def gone(self, at: float, *all_of: str) -> "Script":
        """They are hung up."""
        for who in all_of:
            self.channel(at, who, "Up", "Hangup", Cause="16")
        return self

    def local(self, at: float, name: str) -> "Script":
        """A Local channel: its halves go by ``NAME;1`` and ``NAME;2``."""
        for half in (";1", ";2"):
            self.channel(at, name + half, "Down")
        return self.event(at, "LocalBridge", **of(name + ";1", "LocalOne"), **of(name + ";2", "LocalTwo"))

    def talk(self, at: float, who: str = "1001", whom: str = "1002", bridge: str = "b1") -> "Script":
        """One calls another, who answers a second later."""
        self.channel(at, who).dial(at, who, whom)
        return self.end(at + 1, who, whom, "ANSWER").enter(at + 1, bridge, who, whom)


def of(who: str, prefix: str = "") -> dict[str, str]:
    """The fields by which an event names a channel."""
    return {f"{prefix}Channel": named(who), f"{prefix}Uniqueid": who}


def named(who: str) -> str:
    """The name of the channel that goes by this short name; its id is the short name itself."""
    if ";" in who:
        return f"Local/{who}"
    return f"PJSIP/{who}-00000001" if who[0].isdigit() else f"{who}-1"
