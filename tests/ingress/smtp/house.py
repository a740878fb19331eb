"""A listener with real sockets, and a submit that keeps what it is given."""

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import trustme
from argon2 import PasswordHasher

from gateway.access import Access, Controller, Source, development_access
from gateway.ingress.smtp import Listener
from gateway.ingress.smtp_limits import Limits
from gateway.intake.receipt import Receipt, RecipientResult, receipt_of
from gateway.message.envelope import Message
from gateway.policy.outcome import Decision, Outcome, Violation, Words
from gateway.settings import load

# Cheap on purpose: what is tested is the session, not the hash.
_HASHER = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
SECRET = "correct horse"


def decision(outcome: Outcome, *violations: Violation) -> Decision:
    return Decision(outcome=outcome, violations=violations, class_="newsletter", policy_version="1")


def violation(outcome: Outcome, reason: str = "This person did not agree to it.", **given: Any) -> Violation:
    fields: dict[str, Any] = {
        "policy": "opt-in",
        "rule": "consent",
        "code": "consent.missing",
        "outcome": outcome,
        "mode": "enforce",
        "reason": Words(reason, ""),
    }
    return Violation(**(fields | given))


def judge(message: Message) -> Receipt:
    """Hold who is called held@, reject who is called rejected@, accept the rest."""
    results = []
    for recipient in message.recipients:
        word = recipient.address.partition("@")[0]
        outcome = {"held": Outcome.HOLD, "rejected": Outcome.REJECT}.get(word, Outcome.ACCEPT)
        violations = () if outcome is Outcome.ACCEPT else (violation(outcome),)
        results.append(
            RecipientResult(
                address=recipient.address,
                outcome=outcome,
                decision=decision(outcome, *violations),
                decision_id="d",
            )
        )
    return receipt_of(message.id, "newsletter", tuple(results))


def access_with(**source: Any) -> Access:
    """An access file's worth of one source, `tool`, with SECRET."""
    fields = {"name": "tool", "controller": "acme", "secret": _HASHER.hash(SECRET)}
    return Access(
        sources={"tool": Source(**(fields | source))},
        controllers={"acme": Controller(name="acme")},
        reviewers={},
    )


@dataclass
class House:
    """A listener on an ephemeral port. `messages` are those submitted; `before` runs in each submit."""

    access: Access = field(default_factory=development_access)
    limits: Limits = field(default_factory=Limits)
    refuse_at_rcpt: Any = None
    tls: Path | None = None
    settings: dict[str, Any] = field(default_factory=dict)
    before: Callable[[Message], Awaitable[None]] | None = None
    messages: list[Message] = field(default_factory=list)
    wires: list["Wire"] = field(default_factory=list)

    async def __aenter__(self) -> Self:
        given = {"smtp_listen": "127.0.0.1:0", "public_url": "http://gw.example"} | self.settings
        if self.tls is not None:
            given |= {
                "smtp_tls_cert": self.tls / "cert.pem",
                "smtp_tls_key": self.tls / "key.pem",
                "smtps_listen": "127.0.0.1:0",
            }
        self.listener = Listener(
            load(**given), self.access, self.submit, self.refuse_at_rcpt, None, limits=self.limits
        )
        await self.listener.start()
        self.port = self.listener.addresses[0][1]
        return self

    async def __aexit__(self, *_: object) -> None:
        for wire in self.wires:
            wire.writer.transport.abort()
        self.listener.close()
        for _turn in range(5):
            await asyncio.sleep(0)

    @property
    def tls_port(self) -> int:
        return self.listener.addresses[1][1]

    async def submit(self, message: Message) -> Receipt:
        if self.before is not None:
            await self.before(message)
        self.messages.append(message)
        return judge(message)

    async def connect(self, greet: bool = True, **given: Any) -> "Wire":
        wire = Wire(*await asyncio.open_connection("127.0.0.1", self.port, **given))
        self.wires.append(wire)
        if greet:
            assert (await wire.reply()).startswith("220 ")
        return wire


class Wire:
    """A client that sends exactly the octets it is given."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def send(self, octets: bytes) -> None:
        self.writer.write(octets)
        await self.writer.drain()

    async def reply(self, timeout: float = 10) -> str:
        """One reply, its lines joined by newlines; "" at the end of the connection."""
        lines = []
        async with asyncio.timeout(timeout):
            while True:
                try:
                    line = (await self.reader.readline()).decode("ascii").removesuffix("\r\n")
                except ConnectionError:
                    line = ""
                lines.append(line)
                if line[3:4] != "-":
                    return "\n".join(lines)

    async def say(self, line: str) -> str:
        await self.send(line.encode() + b"\r\n")
        return await self.reply()

    async def rest(self, timeout: float = 10) -> bytes:
        async with asyncio.timeout(timeout):
            try:
                return await self.reader.read()
            except ConnectionError:
                return b""

    async def mail(self, *recipients: str, sender: str = "ada@example.com") -> str:
        """MAIL, RCPT and DATA in one go; return the reply to DATA."""
        lines = [
            f"MAIL FROM:<{sender}>",
            *(f"RCPT TO:<{r}>" for r in recipients or ("bob@example.org",)),
            "DATA",
        ]
        await self.send(("\r\n".join(lines) + "\r\n").encode())
        return [await self.reply() for _ in lines][-1]

    def close(self) -> None:
        self.writer.close()


MAIL = (
    b"From: Ada <ada@example.com>\r\nTo: Bob <bob@example.org>\r\nSubject: Hello\r\n"
    b"Message-ID: <1@example.com>\r\n\r\nGood morning.\r\n"
)


def make_certificate(folder: Path) -> ssl.SSLContext:
    """Write cert.pem, key.pem and ca.pem for localhost; return the context of a client that trusts it."""
    authority = trustme.CA()
    server = authority.issue_cert("localhost", "127.0.0.1")
    server.private_key_pem.write_to_path(folder / "key.pem")
    for index, blob in enumerate(server.cert_chain_pems):
        blob.write_to_path(folder / "cert.pem", append=index > 0)
    authority.cert_pem.write_to_path(folder / "ca.pem")
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context
