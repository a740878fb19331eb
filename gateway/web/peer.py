"""Who asks, behind proxies whose word counts."""

from collections.abc import Iterable
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address

from aiohttp import web

from gateway.web.credentials import peer_of

Network = IPv4Network | IPv6Network


def address_of(request: web.BaseRequest, trusted: Iterable[Network]) -> str:
    """The IP address that asks: the peer's, or where that is a trusted proxy, the last one in
    X-Forwarded-For that is none."""
    proxies = tuple(trusted)
    found = peer_of(request)
    if not (proxies and is_within(found, proxies)):
        return found
    # Some proxies add a field of their own after the one that came: together one list (RFC 9110 5.3).
    hops = ",".join(request.headers.getall("X-Forwarded-For", ()))
    for hop in reversed(hops[-500:].split(",")):
        hop = hop.strip()
        if not _is_address(hop):
            break
        found = hop
        if not is_within(hop, proxies):
            break
    return found


@lru_cache(1024)
def household_of(address: str) -> str:
    """As whom limits count an IP address, however it is spelled: of IPv6 the network of 64 bits that one
    connection has to itself (RFC 6177), of IPv4 written as IPv6 the IPv4 address."""
    if ":" not in address or not _is_address(address):
        return address
    found = IPv6Address(address.partition("%")[0])
    return str(found.ipv4_mapped or f"{IPv6Address(int(found) >> 64 << 64)}/64")


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def is_within(address: str, networks: tuple[Network, ...]) -> bool:
    """Whether an IP address is in one of the networks; what is no address is in none."""
    if not _is_address(address):
        return False
    ip = ip_address(address)
    ip = getattr(ip, "ipv4_mapped", None) or ip
    return any(ip.version == network.version and ip in network for network in networks)
