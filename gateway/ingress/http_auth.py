"""Which source asks: by token, by Basic, or in development by being on this machine."""

from collections.abc import Iterable

from aiohttp import web

from gateway.access import Access, Source
from gateway.policy.outcome import Words
from gateway.web.credentials import Doorkeeper, is_direct, is_this_machine, peer_of, unauthorized
from gateway.web.frame import CALLER
from gateway.web.peer import Network, address_of, household_of
from gateway.web.problem import Problem

_WHO = Words("a source of access.yaml", "una fonte di access.yaml")


class Gate:
    """Lets sources in. `proxies` are those whose X-Forwarded-For says who asks."""

    def __init__(self, access: Access, proxies: Iterable[Network] = ()) -> None:
        self._access = access
        self._proxies = tuple(proxies)
        self._door = Doorkeeper(access.named, access.source_by_token, access.source)

    async def admit(self, request: web.Request, header: str | None = None) -> Source:
        """The source that asks, by its Authorization header or by what stands for it. Raises Problem:
        unauthorized, forbidden, or too many strangers at once."""
        source = await self._find(
            request, request.headers.get("Authorization", "") if header is None else header
        )
        request[CALLER] = source.name
        return source

    def still(self, source: Source) -> Source:
        """A source that was admitted, as the access file has it now that its body is read: that may have
        taken a minute. Raises Problem (unauthorized) where its secret is another by then, or it is gone."""
        found = self._access.current(source)
        if found is None:
            raise unknown()
        return found

    async def _find(self, request: web.Request, header: str) -> Source:
        development = self._access.development_source
        if development is not None:
            _check_direct(request)
        # Where only the development source is known, whatever a tool sends as a password will do.
        asked = header and (development is None or len(self._access.sources) > 1)
        peer = household_of(address_of(request, self._proxies))
        found = await self._door.recognize(header, peer) if asked else None
        source = found or development
        if source is None:
            raise unknown()
        return source


def unknown() -> Problem:
    """A caller that is no source."""
    return unauthorized("galateo", _WHO)


def _check_direct(request: web.Request) -> None:
    if not is_this_machine(peer_of(request)) or not is_direct(request):
        raise Problem(
            "forbidden",
            Words(
                "In development there are no passwords, so only programs on this machine may ask, directly:"
                " no proxy, no browser. For anything else write an access.yaml.",
                "In modalità di sviluppo non ci sono password: possono chiedere solo programmi su questa"
                " macchina, direttamente: né proxy né browser. Per tutto il resto serve un access.yaml.",
            ),
        )
