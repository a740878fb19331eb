"""The second half of a double opt-in: one button. GET confirms nothing: scanners follow links."""

from aiohttp import web

from gateway.intake.optin import CONFIRM_SECONDS, OptIns, Pending, read_confirmation
from gateway.public.desk import CONFIRM, Desk, Turned
from gateway.public.visitor import read_form
from gateway.web.form import BadForm


class ConfirmPages:
    """GET and POST /c/{token}."""

    def __init__(self, desk: Desk, optins: OptIns) -> None:
        self._desk = desk
        self._optins = optins

    async def ask(self, request: web.Request) -> web.Response:
        """What it is about, in the words of the form, and one button."""
        pending = await self._pending(request)
        return self._desk.pages.show(
            request,
            "confirm.html",
            pending=pending,
            who=self._desk.who(pending.controller),
            until=pending.at + CONFIRM_SECONDS,
        )

    async def confirm(self, request: web.Request) -> web.Response:
        """Log both steps."""
        pending = await self._pending(request)
        self._desk.count_use(request)
        if ("confirm", "yes") not in await read_form(request):
            raise BadForm
        proof = self._desk.proof(request, "confirmation page")
        given = {name: value for name, value in proof.items() if name != "place"}
        if not await self._optins.confirm(pending, given):
            raise Turned("confirm_gone", 410)
        return self._desk.pages.show(
            request, "confirmed.html", pending=pending, who=self._desk.who(pending.controller)
        )

    async def _pending(self, request: web.Request) -> Pending:
        request_id = self._desk.open(request, read_confirmation, CONFIRM)
        pending = await self._optins.pending(request_id, self._desk.clock())
        if pending is None:
            raise Turned("confirm_gone", 410)
        return pending
