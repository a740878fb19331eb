"""Mail that comes back: replies, bounces, complaints; matched to what was sent, and told as events.

Only the recipient's own reply, vouched for by a mail server that is trusted, opens a door. Any may
stop messages. What cannot be matched or believed is kept for a person to look at.
"""

import asyncio
import os
from collections.abc import Iterable, Sequence
from hashlib import blake2b

from msgspec.structs import replace

from gateway.access import Access
from gateway.intake.effects import Effect
from gateway.intake.events import TellEvent, count
from gateway.intake.inbound import Inbound, Mail, addressees_of, identity_of, read_mail
from gateway.intake.matching import Matching, Sent
from gateway.intake.review_pile import Kept, ReviewPile, TakeIn
from gateway.keys import Keys
from gateway.ledger.autoreply import (
    AUTOMATIC,
    HUMAN,
    REPORT,
    asks_to_stop,
    begins_with_stop,
    kind_of,
    reads_automatic,
    returns_mail,
)
from gateway.ledger.happening import Happening
from gateway.ledger.person import UNKNOWN
from gateway.ledger.report import DeliveryStatus, Report, read_letter, read_report
from gateway.message.address import normalize
from gateway.message.envelope import Identifier
from gateway.message.ids import new_id
from gateway.message.mailbox import is_address
from gateway.message.parse import parse
from gateway.message.rewrite import outgoing
from gateway.metrics import Metrics
from gateway.policy.rules.case import purpose_of
from gateway.reading.read import Reader
from gateway.store.attempt import Report as Letter
from gateway.store.protocol import Store

SOURCE = "replies"
"""The name under which events that came by mail are recorded."""
FORWARDED = "X-Galateo-Forwarded"
LARGE = 262_144
"""Octets from which a message is read in a thread, so that others need not wait for it."""


class Replies:
    """Takes in what comes back. `trusted` is the authserv-id of the server that is believed, "" for none;
    `forward` where mail goes on to: "sender", an address, or "" for nowhere; `own_domains` are those
    whose mail comes here, to which nothing is forwarded."""

    def __init__(
        self,
        store: Store,
        reader: Reader,
        keys: Keys,
        access: Access,
        metrics: Metrics,
        *,
        trusted: str = "",
        forward: str = "",
        own_domains: Iterable[str] = (),
    ) -> None:
        self._store = store
        self._reader = reader
        self._keys = keys
        self._access = access
        self._metrics = metrics
        self._trusted = trusted
        self._forward = forward
        self._own_domains = frozenset(own_domains)
        self._matching = Matching(store, keys)
        self._pile = ReviewPile()

    async def receive(self, inbound: Inbound) -> str:
        """Take a message in; returns what it was once that is durable: human, stop, no_sales, unsubscribe,
        automatic, bounce, complaint, receipt or unmatched. Raises StoreError."""
        large = len(inbound.raw) >= LARGE
        parsed = await asyncio.to_thread(parse, inbound.raw) if large else parse(inbound.raw)
        mail = read_mail(inbound, parsed, self._reader, self._trusted)
        headers = dict(reversed(list(parsed.headers.items())))
        subject = parsed.content.subject
        kind = kind_of(headers, envelope_from=inbound.mail_from, subject="")
        doubtful = kind == HUMAN and reads_automatic(subject)
        report = read_report(inbound.raw) if kind in (REPORT, AUTOMATIC) or doubtful else None
        if report is not None and report.kind == "delivery":
            return await self._take_bounce(mail, report)
        if report is not None and report.kind == "feedback":
            return await self._take_complaint(mail, report)
        if kind == REPORT:
            return "receipt"
        leaving = await self._matching.by_way_out(inbound.recipients, inbound.controller)
        if leaving is not None and inbound.mail_from:
            return await self._take_leave(mail, leaving)
        if kind == AUTOMATIC and returns_mail(headers, envelope_from=inbound.mail_from, subject=subject):
            sent = await self._matching.by_token(inbound.recipients, inbound.controller)
            if sent is not None:
                return await self._take_letter_of_return(mail, sent)
        # Mail programs write the mail that a mailto: way out asks for by themselves.
        if kind == AUTOMATIC and not (inbound.mail_from and asks_to_stop(subject)):
            return await self._take_automatic(mail)
        if doubtful and not (begins_with_stop(mail.text) or await self._repeats_ours(mail, subject)):
            return await self._take_automatic(mail)
        return await self._take_reply(mail)

    # -- replies ---------------------------------------------------------------------------------

    async def _take_reply(self, mail: Mail) -> str:
        sent = await self._match(mail)
        if sent is None:
            return await self._take_unmatched(mail)
        own = sent.recipient is not None and normalize("email", mail.author) == sent.recipient.key
        doubt = "" if own and mail.trusted else ("other_address" if mail.trusted else "untrusted")
        if mail.stops or (doubt and mail.restricts):
            people = [(sent.message.controller, sent.recipient.address)] if sent.recipient else []
            units = [self._stop(mail, c, address, sent) for c, address in people]
            if own:
                units += await self._to_others(mail, sent)
            else:
                known = await self._knowing(mail, mail.author)
                units += [self._stop(mail, c, mail.author, None) for c in known]
            if units:
                return await self._tell(
                    mail, units, sent, "no_sales" if mail.refuses_sales and not mail.stops else "stop"
                )
        if doubt:
            return await self._keep(mail, doubt, sent)
        happening = self._happening(mail, "message.replied", sent, mail.author, opens=True)
        wishes = await self._to_others(mail, sent) if mail.restricts else []
        return await self._tell(mail, [self._unit(happening, mail), *wishes], sent, "human")

    async def _repeats_ours(self, mail: Mail, subject: str) -> bool:
        """Whether the words that speak for a machine are our own, in a reply to them."""
        sent = await self._match(mail)
        return sent is not None and await self._matching.repeats(sent, subject)

    async def _match(self, mail: Mail) -> Sent | None:
        matching, ids, inbound = self._matching, mail.parsed.in_reply_to, mail.inbound
        sent = await self._named_by(mail, inbound.recipients, ids, [mail.author])
        if sent is not None or not mail.author:
            return sent
        to = [*inbound.recipients, *addressees_of(mail.parsed)]
        return await matching.by_people(mail.author, to, self._controllers(mail), inbound.received_at)

    async def _named_by(
        self, mail: Mail, told: Sequence[str], ids: Sequence[str], people: Iterable[str]
    ) -> Sent | None:
        """The message that a mail names, by a return path of ours or its Message-ID."""
        whose, matching = mail.inbound.controller, self._matching
        return await matching.by_token(told, whose) or await matching.by_ids(ids, people, whose)

    async def _take_unmatched(self, mail: Mail) -> str:
        if mail.stops or mail.restricts:
            known = await self._knowing(mail, mail.author)
            units = [self._stop(mail, c, mail.author, None) for c in known]
            if units:
                return await self._tell(
                    mail, units, None, "no_sales" if mail.refuses_sales and not mail.stops else "stop"
                )
        return await self._keep(mail, "unmatched", None)

    async def _take_automatic(self, mail: Mail) -> str:
        sent = await self._match(mail)
        if sent is None or sent.recipient is None:
            self._metrics.reply("automatic")
            return "automatic"
        happening = self._happening(
            mail, "message.replied", sent, sent.recipient.address, data={"automatic": "true"}
        )
        return await self._tell(mail, [TellEvent(happening, self._keys)], sent, "automatic")

    async def _to_others(self, mail: Mail, sent: Sent) -> list[TellEvent]:
        """What the author wants no more of, for every further controller whose sender the mail addresses too:
        not for one who shares the very mailbox, where the mail names the message that it answers."""
        to = {*mail.inbound.recipients, *addressees_of(mail.parsed)}
        if sent.how != "people":
            to = {each for each in to if normalize("email", each) != sent.message.sender.key}
        whose = [each for each in self._controllers(mail) if each != sent.message.controller]
        others = await self._matching.of_each(mail.author, to, whose, mail.inbound.received_at)
        return [self._stop(mail, "", mail.author, other) for other in others]

    def _controllers(self, mail: Mail) -> list[str]:
        """Whose messages it may concern."""
        return [mail.inbound.controller] if mail.inbound.controller else list(self._access.controllers)

    async def _knowing(self, mail: Mail, address: str) -> list[str]:
        """The controllers that know this address."""
        if not is_address(address):
            return []
        subject = self._keys.subject("email", normalize("email", address))
        known = [(c, await self._store.person((c, subject))) for c in self._controllers(mail)]
        return [controller for controller, person in known if person != UNKNOWN]

    def _stop(self, mail: Mail, controller: str, address: str, sent: Sent | None) -> TellEvent:
        happening = self._happening(
            mail, "message.replied", sent, address, controller=controller, stops=mail.stops
        )
        return self._unit(happening, mail)

    async def _take_leave(self, mail: Mail, sent: Sent) -> str:
        """Whoever writes to the mailbox of a way out leaves, whatever they write."""
        assert sent.recipient is not None
        message = sent.message
        happening = self._happening(mail, "unsubscribe", sent, sent.recipient.address, data={})
        happening = replace(happening, purpose=purpose_of(message, message.class_))
        return await self._tell(mail, [TellEvent(happening, self._keys)], None, "unsubscribe")

    # -- bounces and complaints ----------------------------------------------------------------------

    async def _take_bounce(self, mail: Mail, report: Report) -> str:
        told = [*mail.inbound.recipients, *report.return_paths]
        named = [address for status in report.statuses for address in status.addresses]
        sent = await self._named_by(mail, told, report.message_ids, named)
        if sent is None:
            return await self._keep(mail, "bounce", None)
        to = sent.message.envelope_from
        units = [unit for status in report.statuses if (unit := self._bounce(mail, sent, status))]
        if units:
            return await self._tell(mail, units, sent, "bounce", letter_to=to)
        if not report.statuses or any(status.failed for status in report.statuses):  # of nobody we know
            return await self._keep(mail, "bounce", sent, to)
        if letter := self._letter(mail, sent, to):  # a delay changes nothing, but its sender should know
            known_by = _dedup(mail, b"passed on")
            await self._store.run(TakeIn(letter=letter, known_by=known_by))
        return "bounce"

    async def _take_letter_of_return(self, mail: Mail, sent: Sent) -> str:
        """A bounce to a return path of ours that is for people alone: it counts for what its text says, and
        where that is not clear a person should look at it; it makes no room then, as nothing is sure."""
        assert sent.recipient is not None
        address = sent.recipient.address
        status = read_letter(mail.parsed.content.text, address)
        data = {"kind": "hard" if status.hard else "soft", "status": status.code}
        happening = self._happening(
            mail, "message.bounced", sent, address, opens=bool(status.diagnostic), data=data
        )
        kept = None if status.diagnostic else self._kept(mail, "bounce", sent)
        return await self._tell(
            mail, [TellEvent(happening, self._keys)], sent, "bounce", sent.message.envelope_from, kept
        )

    def _bounce(self, mail: Mail, sent: Sent, status: DeliveryStatus) -> TellEvent | None:
        if status.action not in ("failed", "delivered"):
            return None
        address = _named(sent, status.addresses)
        if not address:
            return None
        type_ = "message.bounced" if status.failed else "message.delivered"
        data = {"kind": "hard" if status.hard else "soft", "status": status.code}
        happening = self._happening(mail, type_, sent, address, opens=sent.how == "token", data=data)
        return TellEvent(happening, self._keys)

    async def _take_complaint(self, mail: Mail, report: Report) -> str:
        if not (report.complains or report.unsubscribes):
            return "receipt"
        told = [*mail.inbound.recipients, *report.return_paths]
        sent = await self._named_by(mail, told, report.message_ids, report.addresses)
        type_ = "complaint" if report.complains else "unsubscribe"
        data = {"feedback": report.feedback}
        if sent is not None and (address := _named(sent, report.addresses)):
            happening = self._happening(mail, type_, sent, address, data=data)
            return await self._tell(mail, [TellEvent(happening, self._keys)], sent, "complaint")
        if mail.trusted and report.addresses:
            units = [
                TellEvent(self._happening(mail, type_, None, address, controller=c, data=data), self._keys)
                for address in report.addresses[:10]
                for c in await self._knowing(mail, address)
            ]
            if units:
                return await self._tell(mail, units, None, "complaint")
        return await self._keep(mail, "complaint", sent)

    # -- told, kept, forwarded -----------------------------------------------------------------------

    def _unit(self, happening: Happening, mail: Mail) -> TellEvent:
        return TellEvent(happening, self._keys, mail.reading)

    def _happening(
        self,
        mail: Mail,
        type_: str,
        sent: Sent | None,
        address: str,
        *,
        controller: str = "",
        opens: bool = False,
        stops: bool = False,
        data: dict[str, str] | None = None,
    ) -> Happening:
        parsed, message = mail.parsed, sent.message if sent else None
        key = normalize("email", address)
        # What answers no message of ours is one event for each controller that knows its author.
        whose = "" if message else f"\0{controller}"
        identity = f"{identity_of(mail)}\0{type_}\0{key}\0{opens}{whose}"
        return Happening(
            type=type_,
            controller=message.controller if message else controller,
            source=SOURCE,
            source_event_id=blake2b(identity.encode(errors="replace"), digest_size=16).hexdigest(),
            occurred_at=mail.inbound.received_at,
            received_at=mail.inbound.received_at,
            channel="email",
            recipients=(Identifier(channel="email", address=address, key=key),),
            sender=message.sender.key if message else "",
            thread=parsed.message_id[:1000],
            in_reply_to=(message.message_id,) if message and message.message_id else (),
            text="stop" if stops else mail.text,
            message=message.id if message else "",
            opens=opens,
            data={"subject": parsed.content.subject[:200]} if data is None else data,
        )

    async def _tell(
        self,
        mail: Mail,
        units: list[TellEvent],
        sent: Sent | None,
        kind: str,
        letter_to: str = "",
        kept: Kept | None = None,
    ) -> str:
        letter = self._letter(mail, sent, letter_to)
        results = await self._store.run(TakeIn(units=units, kept=kept, letter=letter))
        effects = [result.effect for result in results if not result.replayed]
        # One reply or complaint is one, however many addresses and controllers it is heard for.
        once = sorted(effects, key=lambda effect: not effect.applied)[:1]
        for effect in effects if kind == "bounce" else once:
            count(self._metrics, effect)
        return kind

    async def _keep(self, mail: Mail, reason: str, sent: Sent | None, letter_to: str = "") -> str:
        """For a person to look at: told apart from what counts, and never opens a door."""
        kept = self._kept(mail, reason, sent)
        if kept is None:
            self._metrics.reply("unmatched")
        elif await self._store.run(TakeIn(kept=kept, letter=self._letter(mail, sent, letter_to))):
            count(self._metrics, Effect(applied=False, reply="unmatched"))
        return "unmatched"

    def _kept(self, mail: Mail, reason: str, sent: Sent | None) -> Kept | None:
        """What is kept of it; None where too much was this hour."""
        if not self._pile.has_room(mail.inbound.received_at):
            return None
        return Kept(
            dedup=_dedup(mail, b"kept"),
            controller=sent.message.controller if sent else mail.inbound.controller,
            reason=reason,
            message=sent.message.id if sent else "",
            author=mail.author,
            addressed=mail.inbound.recipients[:10],
            subject=mail.parsed.content.subject,
            text=mail.text,
            at=mail.inbound.received_at,
        )

    def _letter(self, mail: Mail, sent: Sent | None, to: str) -> Letter | None:
        """The same mail on its way to who waits for it; never twice, and never back to where it was."""
        address = self._forward
        if address == "sender":
            address = to or (sent.message.sender.address if sent else "")
        domain = address.rpartition("@")[2].lower()
        looping = FORWARDED in mail.parsed.headers or domain in self._own_domains
        if (
            not is_address(address)
            or looping
            or normalize("email", address) == normalize("email", mail.author)
        ):
            return None
        raw = mail.inbound.raw
        return Letter(
            id=new_id(mail.inbound.received_at, os.urandom(10)),
            address=address,
            raw=outgoing(raw, frozenset(), ((FORWARDED, self._keys.fingerprint),)),
            source=sent.message.source if sent else SOURCE,
            controller=sent.message.controller if sent else "",
            smtputf8=not address.isascii(),
        )


def _dedup(mail: Mail, person: bytes) -> bytes:
    """The mark of a mail, for each controller whose provider brought it."""
    whose = mail.inbound.controller
    identity = f"{identity_of(mail)}\0{whose}" if whose else identity_of(mail)
    return blake2b(identity.encode(errors="replace"), digest_size=16, person=person).digest()


def _named(sent: Sent, addresses: Iterable[str]) -> str:
    """Which recipient of the message is meant: the one named, else the one it was matched to."""
    keys = {normalize("email", address) for address in addresses}
    for recipient in sent.message.recipients:
        if recipient.key in keys:
            return recipient.address
    return sent.recipient.address if sent.recipient else ""
