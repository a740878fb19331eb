"""A reply listener on a real socket with a real line behind it, and mail that comes back to it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiosmtplib
import orjson

from gateway.access import Access, development_access
from gateway.ingress.replies import ReplyListener
from gateway.intake.replies import Replies
from gateway.ledger.person import Person, Relationship
from gateway.ledger.relationship import relationship
from gateway.policy.policies import PolicySet
from gateway.settings import load
from gateway.store.records import EventRow
from tests.intake.policies import line
from tests.line import KEYS, Line, reader

ELENA = "elena@acme.example"
ANNA = "anna@example.org"
MX = "mx.acme.example"
GENUINE = f"Authentication-Results: {MX}; dkim=pass header.d=example.org\r\n"
FORGED = f"Authentication-Results: {MX}; dkim=fail header.d=example.org; spf=none\r\n"


@dataclass
class Mailbox:
    """The listener's client side."""

    gateway: Line
    listener: ReplyListener
    port: int

    async def deliver(
        self, raw: bytes | str, mail_from: str = ANNA, to: str = "reply@in.acme.example"
    ) -> str:
        """Send one message; returns what it was taken as."""
        octets = raw if isinstance(raw, bytes) else raw.encode()
        async with aiosmtplib.SMTP(hostname="127.0.0.1", port=self.port, start_tls=False) as client:
            _, said = await client.sendmail(mail_from, [to], octets)
        return said.rpartition(" taken as ")[2]

    async def anna(self) -> Person:
        return await self.gateway.store.person(("default", KEYS.subject("email", ANNA)))

    async def known(self) -> Relationship:
        return relationship(await self.anna(), ELENA)

    async def stops(self) -> set[str]:
        return {stop.kind for stop in (await self.anna()).stops}

    async def kept(self) -> list[dict[str, Any]]:
        rows: list[EventRow] = await self.gateway.store.unmatched()
        return [orjson.loads(row.data) for row in rows]


@asynccontextmanager
async def mailbox(
    folder: Path,
    policies: PolicySet | None = None,
    access: Access | None = None,
    settings: dict[str, Any] | None = None,
    **given: Any,
) -> AsyncIterator[Mailbox]:
    """A listener that trusts MX; `settings` and what `Replies` takes may be given."""
    access = access or development_access()
    async with line(folder, policies, access=access) as gateway:
        replies = Replies(gateway.store, reader(), KEYS, access, gateway.metrics, **({"trusted": MX} | given))
        loaded = load(**({"reply_listen": "127.0.0.1:0", "development": True} | (settings or {})))
        listener = ReplyListener(loaded, replies.receive, gateway.clock)
        await listener.start()
        try:
            yield Mailbox(gateway, listener, listener.addresses[0][1])
        finally:
            await listener.drain(1)
            listener.close()


def reply(
    text: str = "Volentieri, sentiamoci.",
    *,
    author: str = f"Anna <{ANNA}>",
    subject: str = "Re: Una domanda",
    results: str = GENUINE,
    answers: str = "<m3@acme.example>",
    message_id: str = "<r1@example.org>",
    more: str = "",
) -> str:
    """A reply of Anna's to the message m3."""
    thread = f"In-Reply-To: {answers}\r\nReferences: <m1@acme.example> {answers}\r\n" if answers else ""
    named = f"Message-ID: {message_id}\r\n" if message_id else ""
    return (
        f"{results}From: {author}\r\nTo: Elena <{ELENA}>\r\nSubject: {subject}\r\n{named}{thread}{more}"
        "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
        f"Content-Transfer-Encoding: 8bit\r\n\r\n{text}\r\n"
    )


def bounce(
    status: str = "5.1.1", address: str = ANNA, action: str = "failed", original: str = "<m3@acme.example>"
) -> str:
    """A delivery status notification about the message m3."""
    return (
        "From: MAILER-DAEMON@mx.example.org\r\nSubject: Undelivered Mail\r\nAuto-Submitted: auto-replied\r\n"
        f"Message-ID: <b-{status}-{address}>\r\nMIME-Version: 1.0\r\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b1"\r\n\r\n'
        "--b1\r\nContent-Type: text/plain\r\n\r\nSorry.\r\n"
        "--b1\r\nContent-Type: message/delivery-status\r\n\r\n"
        f"Reporting-MTA: dns; mx.example.org\r\n\r\nFinal-Recipient: rfc822;{address}\r\nAction: {action}\r\n"
        f"Status: {status}\r\n\r\n--b1\r\nContent-Type: text/rfc822-headers\r\n\r\n"
        f"Message-ID: {original}\r\n\r\n--b1--\r\n"
    )


def complaint(
    feedback: str = "abuse", *, to: str = ANNA, original: str = "<m3@acme.example>", results: str = ""
) -> str:
    """An abuse report about the message m3; `to` may be redacted."""
    named = f"Original-Rcpt-To: <{to}>\r\n" if to else ""
    return (
        f"{results}From: feedback@isp.example.org\r\nSubject: FW: Ciao\r\nMIME-Version: 1.0\r\n"
        'Content-Type: multipart/report; report-type=feedback-report; boundary="b2"\r\n\r\n'
        "--b2\r\nContent-Type: text/plain\r\n\r\nReport.\r\n"
        "--b2\r\nContent-Type: message/feedback-report\r\n\r\n"
        f"Feedback-Type: {feedback}\r\nUser-Agent: x/1\r\nVersion: 1\r\n{named}\r\n"
        "--b2\r\nContent-Type: message/rfc822\r\n\r\n"
        f"Message-ID: {original}\r\nSubject: Ciao\r\n\r\nCiao\r\n\r\n--b2--\r\n"
    )
