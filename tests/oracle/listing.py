"""The list of channels that Asterisk would have given at a moment (CoreShowChannels), from the events before it."""

from collections.abc import Sequence

from tests.oracle.history import History, prefixes
from tests.oracle.wire import Event, moment_of

_SHOWN = ("Channel", "Uniqueid", "Linkedid", "ChannelStateDesc", "CallerIDNum", "CallerIDName", "Context", "Exten")


def rows(before: Sequence[Event]) -> list[Event]:
    """One ``CoreShowChannel`` for each channel that lives after these events."""
    history = History(before)
    if not history.moments:
        return []
    now = history.moments[-1]
    known: dict[str, Event] = {}
    bridges: dict[str, str] = {}
    applications: dict[str, str] = {}
    dialled: dict[str, list[str]] = {}
    since: dict[str, float] = {}
    for event in before:
        if "Timestamp" not in event:
            continue
        for prefix in prefixes(event):
            channel = event[f"{prefix}Uniqueid"]
            known.setdefault(channel, {}).update(
                {key: event[prefix + key] for key in _SHOWN if prefix + key in event},
            )
            since.setdefault(channel, moment_of(event))
        channel = event.get("Uniqueid", "")
        match event["Event"]:
            case "BridgeEnter":
                bridges[channel] = event["BridgeUniqueid"]
                if event.get("BridgeType") == "parking":
                    applications[channel] = "Park"
            case "BridgeLeave":
                bridges.pop(channel, None)
            case "DialBegin":
                applications[event["DestUniqueid"]] = "AppDial"
                technology = event.get("DestChannel", "").partition("/")[0]
                interface = event.get("DialString", "")
                # Queue tells its member's whole interface, Dial what stands behind the technology
                applications[channel] = "Queue" if interface.startswith(f"{technology}/") else "Dial"
                dialled.setdefault(channel, []).append(f"{technology}/{interface}")
            case _:
                pass
    return [
        {
            "Event": "CoreShowChannel",
            "BridgeId": bridges.get(one, ""),
            "Application": applications.get(one, ""),
            **known[one],
        }
        | {"ApplicationData": "&".join(dialled.get(one, [])) + ",30" if applications.get(one) == "Dial" else ""}
        | {"Duration": f"00:00:{int(now.at - since[one]) % 60:02}"}
        for one in now.together
    ]
