"""What visitors of a page filled in: all of it hostile until shown otherwise."""

from email.message import Message
from email.parser import BytesParser
from email.policy import HTTP
from urllib.parse import parse_qsl

from aiohttp import web

from gateway.web.form import BadForm, read_octets

FORM_OCTETS = 16_384
FORM_FIELDS = 200


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
