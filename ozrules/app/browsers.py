"""Which connections need a browser that is not on this machine, by the configuration.

A warning, not an error: a configuration may be checked on another machine than the one where it is to hold.
"""

from collections.abc import Sequence

from ozrules.connectors.webclient.browser import NoBrowser, find_browser
from ozrules.rules.diagnostics import Findings
from ozrules.rules.document import ListNode, MapNode, Source, parse
from ozrules.settings.model import ConnectionSettings, WebclientSettings


def check(connections: Sequence[ConnectionSettings], source: Source, findings: Findings) -> None:
    """Note where ``source``, the text of the configuration, asks for a browser that cannot be started here."""
    if not any(isinstance(each, WebclientSettings) for each in connections):
        return
    try:
        find_browser()
        return
    except NoBrowser as missing:
        why, _, advice = str(missing).partition("; ")
    root = parse(source, Findings())
    listed = root.get("connections") if isinstance(root, MapNode) else None
    assert isinstance(listed, ListNode), "the connections were read from it"
    for settings, node in zip(connections, listed.items, strict=True):
        if isinstance(settings, WebclientSettings) and isinstance(node, MapNode):
            findings.warning(
                "no-browser",
                node.get("browser") or node.get("type") or node,
                f"The connection {settings.name} needs a browser on the machine where it runs, and here there is none:"
                f" {why}.",
                suggestion=f"{advice[0].upper()}{advice[1:]}.",
            )
