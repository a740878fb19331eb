"""The octets of a posted form, within bounds."""

import asyncio

from aiohttp import web

FORM_SECONDS = 20.0


class BadForm(Exception):
    """What was posted is no form that this page takes."""


async def read_octets(request: web.Request, most: int) -> bytes:
    """The body of a request, at most `most` octets, within FORM_SECONDS. Raises BadForm."""
    if (request.content_length or 0) > most or request.headers.get("Content-Encoding"):
        raise BadForm
    chunks: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(FORM_SECONDS):
            async for chunk in request.content.iter_any():
                size += len(chunk)
                if size > most:
                    raise BadForm
                chunks.append(chunk)
    except TimeoutError as error:
        raise BadForm from error
    return b"".join(chunks)
