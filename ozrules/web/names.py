"""Under which names the page may be asked for, and from which pages.

A page of the Internet can make its own name lead to 127.0.0.1 (DNS rebinding) and then ask in the admin's browser. The
``Host`` that the browser sends gives it away: only this machine's own names and those of the configuration are
answered. What a foreign page sends directly carries its ``Origin``.
"""

from collections.abc import Iterable
from ipaddress import ip_address
from typing import Final

LOOPBACK: Final = ("127.0.0.1", "localhost", "[::1]")


class Names:
    """``host`` is what is listened at, ``hosts`` are further names, with or without a port."""

    def __init__(self, host: str, port: int, hosts: Iterable[str]) -> None:
        own = {*LOOPBACK}
        if not _is_any(host):
            own.add(f"[{host}]" if ":" in host else host.lower())
        self._known = {f"{name}:{port}" for name in own}
        if port == 80:
            self._known |= own
        for name in hosts:
            self._known |= {name.lower(), f"{name.lower()}:{port}"}

    def known(self, host: str) -> bool:
        """Whether a request with this ``Host`` is for us."""
        return host.lower() in self._known

    def ours(self, origin: str, host: str) -> bool:
        """Whether a request that is for us came from our own page."""
        return origin.lower() in (f"http://{host.lower()}", f"https://{host.lower()}")


def _is_any(host: str) -> bool:
    try:
        return ip_address(host).is_unspecified
    except ValueError:
        return False
