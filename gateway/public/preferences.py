"""What a reader gets, and how to get less of it. The link in a message can only restrict."""

from datetime import UTC, date, datetime

from aiohttp import web

from gateway.intake.leaving import LONGEST_PAUSE, Heard, Leaving, Wish
from gateway.intake.tokens import WayOut, open_way_out
from gateway.ledger.person import Person
from gateway.public.desk import Desk
from gateway.public.visitor import read_form
from gateway.web.form import BadForm

DAY = 86400.0
_BAR = "|"


class PreferencePages:
    """GET and POST /p/{token}."""

    def __init__(self, desk: Desk, leaving: Leaving) -> None:
        self._desk = desk
        self._leaving = leaving

    async def ask(self, request: web.Request) -> web.Response:
        """The form, as things stand."""
        way = self._desk.open(request, open_way_out)
        return await self._show(request, way)

    async def change(self, request: web.Request) -> web.Response:
        """Do what was asked, and show how things stand then."""
        way = self._desk.open(request, open_way_out)
        self._desk.count_use(request)
        fields = await read_form(request)
        asked = dict(fields).get("do", "")
        if asked == "stop":
            wish = Wish(everything=True)
        elif asked == "save":
            until = self._pause(dict(fields).get("pause", "").strip())
            if until is None:
                return await self._show(request, way, wrong=True, status=400)
            wish = Wish(
                leave=tuple(_given_up(fields)), no_sales="no_sales" in dict(fields), paused_until=until
            )
        else:
            raise BadForm
        heard = await self._leaving.restrict(way, wish, self._desk.proof(request, "preference page"))
        return await self._show(request, way, heard)

    def _pause(self, text: str) -> float | None:
        """Unix seconds of a day as browsers send it; 0 for none, None for what cannot be meant."""
        if not text:
            return 0.0
        now = self._desk.clock()
        try:
            chosen = date.fromisoformat(text[:20])
        except ValueError:
            return None
        until = datetime(chosen.year, chosen.month, chosen.day, tzinfo=UTC).timestamp()
        return until if now < until <= now + LONGEST_PAUSE else None

    async def _show(
        self,
        request: web.Request,
        way: WayOut,
        heard: Heard | None = None,
        *,
        wrong: bool = False,
        status: int = 200,
    ) -> web.Response:
        person, now = await self._leaving.person(way), self._desk.clock()
        return self._desk.pages.show(
            request,
            "preferences.html",
            status=status,
            way=way,
            token=request.match_info["token"],
            who=self._desk.who(way.controller),
            granted=[p for p in person.permissions if p.state == "granted"],
            stopped=stopped_at(person),
            no_sales_at=person.no_sales_at,
            paused_until=person.paused_until if person.paused_until > now else 0.0,
            heard=heard,
            wrong=wrong,
            tomorrow=_iso(now + DAY),
            last_day=_iso(now + LONGEST_PAUSE),
            by_mail=way.channel == "email",
            must_type=not await self._leaving.address(way, ""),
        )


def _given_up(fields: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """What was shown and is not to be kept: (purpose, channel). What was not shown is left alone."""
    kept = {value for name, value in fields if name == "keep"}
    shown = [value for name, value in fields if name == "shown"]
    pairs = (value.rpartition(_BAR) for value in shown if value not in kept)
    return [(purpose, channel) for purpose, bar, channel in pairs if bar and purpose and channel]


def stopped_at(person: Person) -> float:
    """Since when a person gets nothing at all; 0 where something is left."""
    whole = [s.at for s in person.stops if not s.purposes and not s.channels and not s.spares]
    return min(whole, default=0.0)


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).date().isoformat()
