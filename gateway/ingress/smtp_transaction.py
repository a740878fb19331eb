"""One mail transaction: from MAIL to the reply to its data."""

import asyncio
import logging
import os
from dataclasses import dataclass, field
from typing import Any

from gateway.access import Source
from gateway.ingress import smtp_texts as texts
from gateway.ingress.smtp_commands import MailFrom, RcptTo
from gateway.ingress.smtp_data import LOOP
from gateway.ingress.smtp_message import compose
from gateway.ingress.smtp_reception import Reception
from gateway.ingress.smtp_reply import answer, refuse_recipient
from gateway.ingress.smtp_texts import DISK_FULL, UNAVAILABLE
from gateway.intake import DiskFull, GoesRound, NotAllowed, Unavailable
from gateway.message.address import normalize
from gateway.message.envelope import Message, Recipient
from gateway.message.ids import new_id

log = logging.getLogger("galateo.smtp")

LARGE = 262_144
"""Octets from which a message is read in a thread, so that other sessions need not wait for it."""


@dataclass(slots=True, eq=False)
class Transaction:
    """Who sends, by which source, to whom so far; `refused` counts recipients turned away.

    Recipients stand under their address in small letters: who is named twice is written to once.
    """

    source: Source
    mail: MailFrom
    recipients: dict[str, RcptTo] = field(default_factory=dict)
    refused: int = 0

    def settle(self, rcpt: RcptTo, reason: str | None) -> bytes:
        """Take a recipient, or not for a reason; return the reply."""
        if reason is None:
            self.recipients[rcpt.address.lower()] = rcpt
            return texts.RECIPIENT_OK
        self.refused += 1
        return refuse_recipient(reason)


def name_recipient(rcpt: RcptTo) -> Recipient:
    """The recipient as known at RCPT."""
    return Recipient(channel="email", address=rcpt.address, key=normalize("email", rcpt.address))


def hand_in(reception: Reception, transaction: Transaction, raw: bytes) -> "asyncio.Future[Any]":
    """Make the message and submit it. The result is a receipt, or the whole reply that refuses it."""
    now = reception.clock()
    identity = new_id(now, os.urandom(10))
    arguments = (
        transaction.source,
        transaction.mail,
        tuple(transaction.recipients.values()),
        raw,
        identity,
        now,
    )
    if len(raw) >= LARGE:
        return asyncio.ensure_future(_hand_in_large(reception, arguments))
    try:
        message = compose(*arguments)
        if isinstance(message, Message):
            return asyncio.ensure_future(reception.submit(message))
    except Exception:
        log.exception("smtp.message_failed", extra={"message_id": identity})
        message = UNAVAILABLE
    refused: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
    refused.set_result(message)
    return refused


async def _hand_in_large(reception: Reception, arguments: tuple[Any, ...]) -> Any:
    message = await asyncio.to_thread(compose, *arguments)
    return message if isinstance(message, bytes) else await reception.submit(message)


def reply_to(handed_in: "asyncio.Future[Any]") -> bytes:
    """The reply to DATA: what became of the message, or that the gateway failed."""
    if handed_in.cancelled():
        return UNAVAILABLE
    error = handed_in.exception()
    if error is None:
        result = handed_in.result()
        return result if isinstance(result, bytes) else answer(result)
    return explain(error)


def explain(error: BaseException) -> bytes:
    """The reply to a message that was not taken: one that asks to come again, but where the source may not
    say what it says about it."""
    if isinstance(error, NotAllowed):
        return f"550 5.7.1 {error.words.en}\r\n".encode("ascii", "replace")
    if isinstance(error, GoesRound):
        log.warning("smtp.loop", extra={"message_id": error.id})
        return LOOP
    if isinstance(error, DiskFull):
        return DISK_FULL
    if not isinstance(error, Unavailable):
        log.error("smtp.submit_failed", exc_info=error)
    return UNAVAILABLE
