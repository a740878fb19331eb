"""The reply listener: mail that comes back, by a forwarding rule or to return paths of the gateway's own.

It speaks SMTP as the other listener does, with the same limits, but asks nobody for a password and
takes only what comes for its domains: what it takes can stop messages, and opens a door only where a
trusted mail server vouches for it.
"""

import asyncio
import re
import time
from collections.abc import Awaitable, Callable, Iterable
from typing import cast

from gateway.access import Source
from gateway.ingress.smtp import BACKLOG, Listener
from gateway.ingress.smtp_limits import Limits, Networks, is_loopback, is_within
from gateway.ingress.smtp_protocol import SmtpSession
from gateway.ingress.smtp_reception import Reception, Submit
from gateway.ingress.smtp_reply import line
from gateway.intake.inbound import Inbound
from gateway.message.envelope import Message, Recipient
from gateway.settings import Listen, Settings

Receive = Callable[[Inbound], Awaitable[str]]
"""Takes in one message; answers with what it was when that is durable. Raises StoreError."""

STRANGERS = Source(name="replies", controller="")
BELIEVED = Source(name="replies-believed", controller="")
"""As whom a peer counts: the second where its Authentication-Results are believed."""

_POSTMASTER = re.compile(rb"\A(RCPT TO:[ \t]*<postmaster)>", re.IGNORECASE)


class _Nobody:
    """Nobody has a password here."""

    @property
    def development_source(self) -> Source | None:
        return None

    async def source(self, name: str, secret: str) -> Source | None:
        return None

    def current(self, source: Source) -> Source:
        return source


class ReplySession(SmtpSession):
    """A session that needs no AUTH, and offers none. Mail to `<postmaster>` without a domain is taken as that
    of `domain` (RFC 5321 4.5.1)."""

    def __init__(
        self, reception: Reception, loop: asyncio.AbstractEventLoop, peers: Networks, domain: str
    ) -> None:
        super().__init__(reception, loop)
        self._peers = peers
        self._postmaster = f"\\1@{domain}>".encode()

    def take_line(self, line: bytes) -> None:
        """Answer one line, its line end included."""
        super().take_line(_POSTMASTER.sub(self._postmaster, line))

    def _allow_auth(self) -> None:
        self._auth_require_tls = True
        believed = is_within(self.peer, self._peers) if self._peers else is_loopback(self.peer)
        self.source = BELIEVED if believed else STRANGERS


class ReplyListener(Listener):
    """Listens on REPLY_LISTEN, which must be set, and hands what comes to `receive`."""

    setting = "REPLY_LISTEN"

    def __init__(
        self,
        settings: Settings,
        receive: Receive,
        clock: Callable[[], float] = time.time,
        *,
        limits: Limits | None = None,
    ) -> None:
        domains = {*settings.reply_domains, settings.return_path_domain} - {""}
        refuse = refusing(domains) if settings.reply_domains else None
        super().__init__(settings, _Nobody(), submit_to(receive), refuse, None, clock, limits=limits)
        self._plain = settings.reply_listen
        self._implicit = None
        self._peers = settings.reply_peers
        named = (*settings.reply_domains, settings.return_path_domain, self._reception.hostname)
        self._domain = next(domain for domain in named if domain)

    async def _listen(self, listen: Listen, *, implicit: bool) -> None:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(
            lambda: ReplySession(self._reception, loop, self._peers, self._domain),
            listen.host,
            listen.port,
            backlog=BACKLOG,
        )
        self._servers.append(server)


def submit_to(receive: Receive) -> Submit:
    """What a session hands its messages to: the whole reply to DATA comes back."""

    async def submit(message: Message) -> bytes:
        kind = await receive(
            Inbound(
                raw=message.raw,
                mail_from=message.envelope_from,
                recipients=tuple(r.address for r in message.recipients),
                received_at=message.received_at,
                believed=message.source == BELIEVED.name,
            )
        )
        return line(f"250 2.0.0 {message.id} taken as {kind}")

    return cast(Submit, submit)  # a session says octets as they are, in place of a receipt's answer


def refusing(domains: Iterable[str]) -> Callable[[Source, Recipient], str | None]:
    """Says at RCPT that mail for any other domain is not taken here."""
    taken = frozenset(domains)

    def refuse(source: Source, recipient: Recipient) -> str | None:
        return None if recipient.domain in taken else "mail for that domain is not taken here"

    return refuse
