"""Where an outbound request may go. A subscriber's URL must not reach into our own network."""

import asyncio
import socket
from concurrent.futures import ThreadPoolExecutor
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from urllib.parse import SplitResult, urlsplit

Address = IPv4Address | IPv6Address

# IPv6 addresses that stand for an IPv4 address; none of them is a subscriber's own.
TRANSLATED = tuple(map(ip_network, ("2002::/16", "64:ff9b::/96", "64:ff9b:1::/48", "2001::/32")))
# Link-local addresses, and those where clouds tell a machine its own credentials.
MACHINES_OWN = tuple(
    map(
        ip_network,
        (
            *("169.254.0.0/16", "fe80::/10", "100.100.100.200/32", "168.63.129.16/32"),
            *("fd00:ec2::/32", "fd20:ce::254/128"),
        ),
    )
)
RESOLVERS = 16
"""Threads that ask for names; a name server that does not answer holds one for long."""


class ForbiddenUrl(ValueError):
    """The URL names a place where no webhook may go."""


class AddressGuard:
    """Resolves host names, and refuses addresses that are not public unless told otherwise.

    What belongs to a machine alone, like its link and its cloud's metadata, is always refused.
    """

    def __init__(self, *, allow_private: bool = False) -> None:
        self._allow_private = allow_private
        self._threads = ThreadPoolExecutor(RESOLVERS, thread_name_prefix="resolve")

    def check(self, url: str) -> SplitResult:
        """The parts of a URL that may be used, as far as that can be told from its text.

        Raises `ForbiddenUrl`.
        """
        try:
            parts = urlsplit(url)
            host, _ = parts.hostname, parts.port
        except ValueError as wrong:
            raise ForbiddenUrl(f"not a URL: {wrong}") from None
        if parts.scheme not in ("http", "https") or not host:
            raise ForbiddenUrl("an http or https URL is needed")
        if parts.username is not None or parts.password is not None:
            raise ForbiddenUrl("a URL with a password in it is not accepted")
        if not url.isascii() or any(ord(char) <= 0x20 for char in url):
            raise ForbiddenUrl("a URL is plain ASCII without blanks")
        if (literal := _literal(host)) is not None:
            self._check_address(literal)
        return parts

    async def addresses(self, host: str, port: int) -> list[str]:
        """The addresses of a host, all of them allowed. Raises `ForbiddenUrl` and `OSError`."""
        if (literal := _literal(host)) is not None:
            self._check_address(literal)
            return [str(literal)]
        found = await asyncio.get_running_loop().run_in_executor(
            self._threads, lambda: socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        )
        addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
        for address in addresses:
            self._check_address(ip_address(address))
        return addresses

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _check_address(self, address: Address) -> None:
        if _is_machines_own(address):
            raise ForbiddenUrl("the address is one of a machine's own")
        if not self._allow_private and not _is_public(address):
            raise ForbiddenUrl("the address is not a public one")


def _literal(host: str) -> Address | None:
    try:
        return ip_address(host)
    except ValueError:
        return None


def _is_machines_own(address: Address) -> bool:
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return _is_machines_own(address.ipv4_mapped)
        if any(address in network for network in TRANSLATED):
            return True
    return any(address in network for network in MACHINES_OWN)


def _is_public(address: Address) -> bool:
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return _is_public(address.ipv4_mapped)
        if address.scope_id:
            return False
    return address.is_global and not address.is_multicast
