"""Where a webhook may go: to what the configuration lists, and never by a name into the inner network.

A host name is resolved once for an attempt and the connection goes to that very address, so that a name server cannot
show one address to the check and another to the connection. An address that is not public (loopback, private,
link-local with its cloud metadata) is refused unless the configuration names it, as a host or among the addresses.
"""

import socket
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Final
from urllib.parse import SplitResult, urlsplit

from aiohttp.abc import AbstractResolver, ResolveResult

from ozrules.runtime.lookups import Lookups

_PORTS: Final = {"http": 80, "https": 443}
_TRICKS: Final = ("..", "%2e", "%2f", "%5c", "\\")
_NAT64: Final = ip_network("64:ff9b::/96")


class Targets:
    """``allow`` are beginnings of URLs; ``addresses`` are IP networks that names may lead to though not public."""

    def __init__(self, allow: Sequence[str], addresses: Sequence[str]) -> None:
        self._allow = [urlsplit(prefix) for prefix in allow]
        self._networks = [ip_network(address) for address in addresses]
        # a host that is named as an address is meant
        for prefix in self._allow:
            for name in ("127.0.0.1", "::1") if prefix.hostname == "localhost" else (prefix.hostname or "",):
                try:
                    self._networks.append(ip_network(name))
                except ValueError:
                    continue

    def refusal(self, url: str) -> str | None:
        """Why no webhook goes to this URL; None where it may."""
        try:
            parts = urlsplit(url)
            if parts.scheme not in _PORTS or not parts.hostname or parts.username is not None:
                return "it is no plain http or https URL"
            if any(trick in parts.path.lower() for trick in _TRICKS):
                return "its path is not plain"
            if not any(_begins(parts, prefix) for prefix in self._allow):
                return "the configuration does not allow it (webhooks.allow)"
        except ValueError:
            return "it is no URL"
        return None

    def may_reach(self, address: str) -> bool:
        """Whether a connection may go to this IP address."""
        ip = _plain(ip_address(address.partition("%")[0]))
        return (ip.is_global and not ip.is_multicast) or any(ip in network for network in self._networks)


def _begins(url: SplitResult, prefix: SplitResult) -> bool:
    def place(of: SplitResult) -> tuple[str, str | None, int]:
        return of.scheme, of.hostname, of.port or _PORTS[of.scheme]

    path = url.path or "/"
    return place(url) == place(prefix) and (
        path == prefix.path or path.startswith(prefix.path if prefix.path.endswith("/") else f"{prefix.path}/")
    )


def _plain(ip: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """The IPv4 address that an IPv6 address wraps, else itself."""
    if isinstance(ip, IPv6Address):
        if ip.ipv4_mapped is not None:
            return ip.ipv4_mapped
        if ip.sixtofour is not None:
            return ip.sixtofour
        if ip in _NAT64:
            return IPv4Address(int(ip) & 0xFFFFFFFF)
    return ip


class GuardedResolver(AbstractResolver):
    """Resolves names for aiohttp, and gives back only addresses that may be reached."""

    def __init__(self, targets: Targets, names: Lookups) -> None:
        self._targets = targets
        self._names = names

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        found = await self._names.find(host, port, family=family, type=socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG)
        addresses = [(kind, str(address[0])) for kind, _, _, _, address in found]
        allowed = [(kind, address) for kind, address in addresses if self._targets.may_reach(address)]
        if not allowed:
            raise OSError(None, f"{host} leads to {addresses[0][1]}, which is not public and not listed")
        return [
            ResolveResult(
                hostname=host, host=address, port=port, family=kind, proto=0, flags=int(socket.AI_NUMERICHOST)
            )
            for kind, address in allowed
        ]

    async def close(self) -> None:
        """Nothing is held."""
