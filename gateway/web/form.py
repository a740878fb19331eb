"""The octets of a posted form, within bounds."""

from aiohttp import web

from gateway.web.body import Overlong, collect

FORM_SECONDS = 20.0


class BadForm(Exception):
    """What was posted is no form that this page takes."""


async def read_octets(request: web.Request, most: int) -> bytes:
    """The body of a request, at most `most` octets, within FORM_SECONDS. Raises BadForm."""
    if (request.content_length or 0) > most or request.headers.get("Content-Encoding"):
        raise BadForm
    try:
        return await collect(request, most, FORM_SECONDS)
    except (Overlong, TimeoutError) as error:
        raise BadForm from error
