"""The way out of a message: one click by a mail program (RFC 8058), one button by a person. GET changes
nothing: scanners follow links."""

from aiohttp import web

from gateway.intake.leaving import Leaving, has_left
from gateway.intake.tokens import WayOut, open_way_out
from gateway.public.desk import Desk
from gateway.public.visitor import read_form
from gateway.web.form import BadForm

FIELD, VALUE = "List-Unsubscribe", "One-Click"


class LeavePages:
    """GET and POST /u/{token}."""

    def __init__(self, desk: Desk, leaving: Leaving) -> None:
        self._desk = desk
        self._leaving = leaving

    async def ask(self, request: web.Request) -> web.Response:
        """One button, or that it was pressed."""
        way = self._desk.open(request, open_way_out)
        if has_left(await self._leaving.person(way), way.purpose, way.channel):
            return self._left(request, way)
        return self._desk.pages.show(
            request,
            "leave.html",
            way=way,
            who=self._desk.who(way.controller),
            field=FIELD,
            value=VALUE,
            token=request.match_info["token"],
        )

    async def leave(self, request: web.Request) -> web.Response:
        """Withdrawn at once, however often it is asked."""
        way = self._desk.open(request, open_way_out)
        self._desk.count_use(request)
        fields = await read_form(request)
        if not any(
            name.lower() == FIELD.lower() and value.lower() == VALUE.lower() for name, value in fields
        ):
            raise BadForm
        await self._leaving.leave(way, self._desk.proof(request, "one-click"))
        return self._left(request, way)

    def _left(self, request: web.Request, way: WayOut) -> web.Response:
        return self._desk.pages.show(
            request,
            "left.html",
            way=way,
            who=self._desk.who(way.controller),
            token=request.match_info["token"],
        )
