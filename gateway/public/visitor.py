"""Who visits a page, how often, and what they filled in: all of it hostile until shown otherwise."""

from collections.abc import Iterable
from email.message import Message
from email.parser import BytesParser
from email.policy import HTTP
from ipaddress import IPv4Network, IPv6Network, ip_address
from urllib.parse import parse_qsl

from aiohttp import web

from gateway.web.credentials import peer_of
from gateway.web.form import BadForm, read_octets

FORM_OCTETS = 16_384
FORM_FIELDS = 200

Network = IPv4Network | IPv6Network


def address_of(request: web.BaseRequest, trusted: Iterable[Network]) -> str:
    """The IP address that asks: the peer's, or where that is a trusted proxy, the last one in
    X-Forwarded-For that is none."""
    proxies = tuple(trusted)
    found = peer_of(request)
    if not _within(found, proxies):
        return found
    # Some proxies add a field of their own after the one that came: together one list (RFC 9110 5.3).
    hops = ",".join(request.headers.getall("X-Forwarded-For", ()))
    for hop in reversed(hops[-500:].split(",")):
        hop = hop.strip()
        if not _is_address(hop):
            break
        found = hop
        if not _within(hop, proxies):
            break
    return found


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _within(address: str, networks: tuple[Network, ...]) -> bool:
    if not _is_address(address):
        return False
    ip = ip_address(address)
    ip = getattr(ip, "ipv4_mapped", None) or ip
    return any(ip.version == network.version and ip in network for network in networks)


async def read_form(request: web.Request) -> list[tuple[str, str]]:
    """The fields of a posted form, urlencoded or multipart, in order. Raises BadForm."""
    body = await read_octets(request, FORM_OCTETS)
    kind = request.content_type
    if kind == "application/x-www-form-urlencoded":
        try:
            return parse_qsl(
                body.decode("utf-8"), keep_blank_values=True, max_num_fields=FORM_FIELDS, strict_parsing=False
            )
        except ValueError as error:
            raise BadForm from error
    if kind == "multipart/form-data":
        return _read_parts(request.headers.get("Content-Type", ""), body)
    raise BadForm


def _read_parts(content_type: str, body: bytes) -> list[tuple[str, str]]:
    if not content_type.isascii() or "\r" in content_type or "\n" in content_type:
        raise BadForm
    head = f"Content-Type: {content_type}\r\n\r\n".encode()
    message = BytesParser(policy=HTTP).parsebytes(head + body)
    parts = message.get_payload()
    if not isinstance(parts, list):
        raise BadForm
    fields = []
    for part in parts[:FORM_FIELDS]:
        if not isinstance(part, Message):
            raise BadForm
        name = part.get_param("name", header="content-disposition")
        payload = part.get_payload(decode=True)
        if isinstance(name, str) and isinstance(payload, bytes):
            fields.append((name, payload.decode("utf-8", "replace").strip("\r\n")))
    return fields
