"""Who asks, how often, and what they filled in: all of it hostile until shown otherwise."""

from collections.abc import Iterable
from ipaddress import IPv4Network, IPv6Network, ip_address
from urllib.parse import parse_qsl

from aiohttp import web

from gateway.web.credentials import FORWARDING, is_this_machine, peer_of
from gateway.web.form import BadForm, read_octets
from gateway.web.media import media_type

Network = IPv4Network | IPv6Network

FORM_OCTETS = 384 * 1024
"""The longest field and what goes with it, percent-encoded: a letter with an accent takes six octets."""
FORM_FIELDS = 3_000
LONGEST_FIELD = 100_000
"""Characters of one field: a policy with many cases, or the addresses of all who are left out of a pile."""


class Form:
    """The fields of a posted form, as text."""

    def __init__(self, fields: Iterable[tuple[str, str]] = ()) -> None:
        self._fields = list(fields)

    def get(self, name: str) -> str:
        """The first value of a field, without space around it; "" where there is none."""
        return next((value.strip() for key, value in self._fields if key == name), "")

    def all(self, name: str) -> list[str]:
        """Every value of a field."""
        return [value for key, value in self._fields if key == name]


async def read_form(request: web.Request) -> Form:
    """The fields of a posted form. Raises BadForm."""
    if media_type(request) != "application/x-www-form-urlencoded":
        raise BadForm
    body = await read_octets(request, FORM_OCTETS)
    try:
        fields = parse_qsl(
            body.decode("ascii"), keep_blank_values=True, max_num_fields=FORM_FIELDS, errors="strict"
        )
    except ValueError as error:
        raise BadForm from error
    # Browsers count the end of a line as one character, and send two.
    if any(len(value) - value.count("\r\n") > LONGEST_FIELD or "\0" in value for _, value in fields):
        raise BadForm
    return Form(fields)


def comes_from(request: web.BaseRequest, networks: Iterable[Network]) -> bool:
    """Whether the other end of the connection is in one of these networks."""
    try:
        peer = ip_address(peer_of(request))
    except ValueError:
        return False
    peer = getattr(peer, "ipv4_mapped", None) or peer
    return any(peer.version == network.version and peer in network for network in networks)


def is_same_site(request: web.BaseRequest) -> bool:
    """Whether a form was posted from this console's own pages, as far as the browser says."""
    site = request.headers.get("Sec-Fetch-Site", "same-origin")
    origin = request.headers.get("Origin", "")
    own = not origin or origin.partition("://")[2].lower() == request.headers.get("Host", "").lower()
    return own and site in ("same-origin", "none")


def is_at_this_machine(request: web.BaseRequest) -> bool:
    """Whether a browser on this machine asks this machine by its own name, with nobody in between.

    A name that anybody may point here (DNS rebinding) is not its own.
    """
    headers = request.headers
    if any(name in headers for name in FORWARDING):
        return False
    host = headers.get("Host", "").lower()
    name = host[1:].partition("]")[0] if host.startswith("[") else host.partition(":")[0]
    return name in ("localhost", "127.0.0.1", "::1") and is_this_machine(peer_of(request))
