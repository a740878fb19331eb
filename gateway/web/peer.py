"""Who asks, behind proxies whose word counts."""

from collections.abc import Iterable
from ipaddress import IPv4Network, IPv6Network, ip_address

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
