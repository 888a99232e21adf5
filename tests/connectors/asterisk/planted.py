"""Bugs planted in the Asterisk connector on purpose, and the tests that must find each of them.

``python -m tests.connectors.asterisk.planted NAME`` plants one in its own process and runs those tests; it fails where
they do.
"""

import subprocess
import sys
from pathlib import Path
from typing import Final

import msgspec
import pytest

from tests.simulation.mutants.planting import ROOT, Mutant, plant

HERE: Final = Path(__file__).parent.relative_to(ROOT)
ACTIONS: Final = "ozrules/connectors/asterisk/actions.py"
CONNECTOR: Final = "ozrules/connectors/asterisk/connector.py"
LISTING: Final = "ozrules/connectors/asterisk/listing.py"
LOOK: Final = "test_last_look.py"


class Planted(msgspec.Struct, frozen=True):
    """A bug, the test file that finds it, and the words that choose among its tests."""

    bug: Mutant
    finds: str
    chosen: str = ""


def _bug(name: str, path: str, about: str, old: str, new: str, finds: str, chosen: str = "") -> Planted:
    return Planted(Mutant(name, path, about, old, new), finds, chosen)


def _unlooked(method: str, before: str, order: str, after: str = "") -> Planted:
    """One method sends its command without the last look."""
    return _bug(
        f"no-last-look-{method}",
        ACTIONS,
        f"{method} does not take the last look.",
        f"{before}await self._act(way, call, {order}){after}",
        f"{before}self._accepted(await way.ask(*({order})()), lambda: True){after}",
        LOOK,
        f"{method} or {method.partition('-')[0]}",
    )


PLANTED: Final[tuple[Planted, ...]] = (
    _unlooked("hangup", '"Cause": NORMAL_CLEARING}\n\n        return ', "order"),
    _unlooked("forward-beside", "", "lambda: self._ring_beside(way, call, to)"),
    _unlooked("forward", "", "lambda: self._redirect(way, call, to)"),
    _unlooked("blindTransfer", '"Exten": to}\n\n        return ', "order"),
    _unlooked("blindTransfer-held", "", 'lambda: ("Bridge", _pair(*_talking(call)))'),
    _unlooked("hold", "        done = ", "order"),
    _unlooked("unhold", 'return "Bridge", _pair(*both)\n\n        return ', "order"),
    _unlooked("sendDtmf", '"Duration": "160"}\n\n        return ', "order"),
    _unlooked("startListen", '"Async": "true",\n            }\n\n        return ', "order"),
    _bug(
        "asterisk-not-asked",
        ACTIONS,
        "Only the facts are looked at.",
        "        if self.tells_status:\n",
        "        if False:\n",
        LOOK,
        "what_no_event_told",
    ),
    _bug(
        "asked-and-not-looked-again",
        ACTIONS,
        "The facts that came while Asterisk was asked are not looked at.",
        "        self._look(way, call)  # the facts are newer now, and say more exactly what has become of the call\n",
        "",
        LOOK,
        "what_happens_while",
    ),
    _bug(
        "answer-out-of-order",
        ACTIONS,
        "Asterisk's word overtakes the events before it.",
        "self._within, in_order=True)",
        "self._within)",
        LOOK,
        "has_not_been_taken",
    ),
    _bug(
        "no-such-channel-ignored",
        ACTIONS,
        "A channel that Asterisk does not know changes nothing.",
        "        if gone(answer):\n            self._missed(still)\n",
        "",
        LOOK,
        "does_not_know",
    ),
    _bug(
        "a-list-for-each-answer",
        CONNECTOR,
        "Each lost channel asks for a list of its own.",
        "        if self._listing is None and now >= earliest:\n",
        "        if now:\n",
        LOOK,
        "storm",
    ),
    _bug(
        "unnamed-is-inside",
        "ozrules/connectors/asterisk/endpoints.py",
        "Whatever is no trunk is a phone.",
        "        return _EXTENSION.fullmatch(endpoint) is not None and self._dials_inside(endpoint)\n",
        "        return True\n",
        "test_endpoints.py",
        "named_nowhere",
    ),
    _bug(
        "other-context-is-inside",
        "ozrules/connectors/asterisk/endpoints.py",
        "Where an endpoint's calls begin is of no account.",
        "        return not self._context or begins in (self._context, self._context.removesuffix(_LOOKED_UP))\n",
        "        return bool(begins) or True\n",
        "test_endpoints.py",
        "begin_elsewhere",
    ),
    _bug(
        "caller-is-what-is-shown",
        "ozrules/connectors/asterisk/parties.py",
        "The number that the dialplan sets becomes the caller.",
        "extension_of(caller) or _name(caller)",
        "caller.number or _name(caller)",
        "test_parties.py",
    ),
    _bug(
        "too-long-in-silence",
        "ozrules/connectors/asterisk/ami.py",
        "An event that is too long is skipped and not reported.",
        '            found.append(Unreadable("oversize", sample.decode("utf-8", "replace")))\n',
        "",
        "test_ami.py",
        "endless",
    ),
    _bug(
        "a-drop-is-no-gap",
        CONNECTOR,
        "What cannot be used is counted, and the list is not read.",
        '        return [malformed, *self._lose(link, at, f"an event could not be used ({kind})", listed)]\n',
        "        return [malformed]\n",
        "test_connector.py",
        "counted_and_followed",
    ),
    _bug(
        "a-list-in-part-is-believed",
        "ozrules/connectors/asterisk/dialogue.py",
        "A list of which an item was lost counts as whole.",
        'complete = complete and message.get("ListItems")',
        'complete = complete or message.get("ListItems")',
        "test_dialogue.py",
        "not_whole",
    ),
    _bug(
        "queue-rings-nobody",
        LISTING,
        "Of the phones that a list names, those that a queue rings are forgotten.",
        '("AppDial", "AppQueue")',
        '("AppDial",)',
        "test_listing.py",
    ),
    _bug(
        "room-member-calls",
        LISTING,
        "In a list, who sits in a conference room is taken for who called another one there.",
        "if any(legs.is_in_a_room(one) for one in (target, *heard)):",
        "if False:",
        "test_listing.py",
    ),
    _bug(
        "list-makes-a-parking-place",
        "ozrules/connectors/asterisk/legs.py",
        "What a list took for a parking place stays one, whatever its events say.",
        "self._holding_bridges.discard(bridge)  # a list had to guess",
        "pass",
        "test_listing.py",
    ),
)


def hunt(one: Planted) -> str:
    """The test that found it; ``-`` and why where none did."""
    command = [sys.executable, "-m", "tests.connectors.asterisk.planted", one.bug.name]
    played = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    failed = [line for line in played.stdout.splitlines() if line.startswith("FAILED ")]
    if played.returncode != 1 or not failed:
        return f"- {(played.stdout + played.stderr)[-300:]}"
    return failed[0].partition("::")[2].partition(" - ")[0]


def main() -> int:
    (one,) = (each for each in PLANTED if each.bug.name == sys.argv[1])
    plant(one.bug)
    chosen = ["-k", one.chosen] if one.chosen else []
    return pytest.main(["-q", "-x", "-p", "no:cacheprovider", "--tb=no", "-rf", *chosen, str(HERE / one.finds)])


if __name__ == "__main__":
    raise SystemExit(main())
