"""Who is told of deliveries that failed, or were handed on: DSNs at once, notices gathered. No I/O; time
comes in."""

from collections.abc import Mapping
from dataclasses import dataclass

from gateway.delivery import dsn, notice
from gateway.delivery.notice import What
from gateway.delivery.notice_texts import REASONS
from gateway.delivery.outbox import Entry
from gateway.delivery.threads import id_in
from gateway.message.envelope import Message, Recipient
from gateway.store.attempt import Attempt, Kind, Outcome, Report

GATHER = 60.0  # seconds: a list full of dead addresses makes one letter, not a thousand


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What a source wants to be told: the address for notices ("" for none), whether DSNs too, and in which
    language."""

    notices: str = ""
    dsn: bool = False
    language: str = "en"


@dataclass(slots=True)
class _Gathered:
    since: float
    controller: str
    items: list[notice.Item]
    more: int = 0


class Reports:
    """Makes the reports that each source's wish asks for. `host` is the gateway's own host name.

    What has been gathered is lost in a crash; the events in the store are not.
    """

    def __init__(self, wishes: Mapping[str, Wish], host: str, gather: float = GATHER) -> None:
        self._wishes = wishes
        self._host = host
        self._gather = gather
        self._gathered: dict[str, _Gathered] = {}

    def adopt(self, wishes: Mapping[str, Wish]) -> None:
        """Follow these wishes from now on."""
        self._wishes = wishes

    def language(self, source: str) -> str:
        """In which language a source is told."""
        wish = self._wishes.get(source)
        return wish.language if wish is not None else "en"

    def failed(self, entry: Entry, attempt: Attempt, now: float) -> tuple[Report, ...]:
        """Note an entry that was given up; the DSN to send at once, if any."""
        wish = self._wishes.get(entry.source)
        if wish is None or not entry.envelope_from:  # a report about a report would go round in circles
            return ()
        if wish.notices and wish.notices != entry.address:
            item = notice.Item(
                address=entry.address,
                message_id=entry.message_id,
                reason=explain(attempt, wish.language),
                at=now,
                thread=id_in(entry.raw) if entry.format == "mime" else "",
            )
            self.add(entry.source, entry.controller, item, now)
        return self._notify(wish, entry, attempt, now)

    def relayed(self, entry: Entry, attempt: Attempt, now: float) -> tuple[Report, ...]:
        """The DSN that a relay has the message which reports nothing itself, if it is asked for."""
        wish = self._wishes.get(entry.source)
        return self._notify(wish, entry, attempt, now) if wish is not None else ()

    def refused(self, message: Message, recipient: Recipient, reason: str, now: float) -> tuple[Report, ...]:
        """Note a recipient whom a policy refused while others of the message were not; the DSN to send at
        once, if any. `reason` is a sentence for whoever sent it, in the source's language."""
        wish = self._wishes.get(message.source)
        if wish is None or not message.deliver:
            return ()
        item = notice.Item(
            address=recipient.address,
            message_id=message.id,
            reason=reason,
            at=now,
            what=What.REFUSED,
            thread=message.message_id,
        )
        self.add(message.source, message.controller, item, now)
        attempt = Attempt(
            outcome=Outcome.FAILED,
            kind=Kind.PERMANENT,
            relay="",
            phase="policy",
            enhanced="5.7.1",
            text=dsn.one_line(reason, 1000),
        )
        return self._notify(wish, _entry_of(message, recipient, now), attempt, now)

    def _notify(self, wish: Wish, entry: Entry, attempt: Attempt, now: float) -> tuple[Report, ...]:
        if not (wish.dsn and entry.format == "mime" and dsn.wanted(entry, attempt.outcome)):
            return ()
        id = f"dsn-{entry.id}"  # noqa: A001
        raw = dsn.build(entry, attempt, id=id, reporter=self._host, now=now, language=wish.language)
        return (_report(id, entry.envelope_from, raw, entry.source, entry.controller),)

    def add(self, source: str, controller: str, item: notice.Item, now: float) -> None:
        """Note a recipient who got nothing, for the source's next notice: also one refused by a policy."""
        wish = self._wishes.get(source)
        if wish is None or not wish.notices:
            return
        kept = self._gathered.setdefault(source, _Gathered(now, controller, []))
        if len(kept.items) < notice.MOST_LISTED:
            kept.items.append(item)
        else:
            kept.more += 1

    def due(self, now: float) -> tuple[Report, ...]:
        """The notices that have been gathered for long enough."""
        ripe = [name for name, kept in self._gathered.items() if now - kept.since >= self._gather]
        return tuple(filter(None, (self._write(name, now) for name in ripe)))

    def flush(self, now: float) -> tuple[Report, ...]:
        """All that was gathered."""
        return tuple(filter(None, (self._write(name, now) for name in tuple(self._gathered))))

    def _write(self, source: str, now: float) -> Report | None:
        """The notice for a source; None where nobody wants it any more."""
        kept, wish = self._gathered.pop(source), self._wishes.get(source)
        if wish is None or not wish.notices:
            return None
        id = f"notice-{kept.items[0].message_id}-{int(now * 1000)}"  # noqa: A001
        raw = notice.build(
            kept.items,
            to=wish.notices,
            source=source,
            reporter=self._host,
            id=id,
            now=now,
            more=kept.more,
            language=wish.language,
        )
        return _report(id, wish.notices, raw, source, kept.controller)


def explain(attempt: Attempt, language: str = "en") -> str:
    """Why an entry was given up, in a sentence for whoever sent it."""
    said = f': "{attempt.code} {attempt.text}"'.replace('"0 ', '"') if attempt.text else "."
    if attempt.kind is Kind.EXPIRED:
        why = "expired"
    elif attempt.hard_bounce:
        why = "nobody"
    else:
        why = "route" if attempt.phase == "route" else "other"
    return f"{REASONS[why].in_(language)}{said}"


def _entry_of(message: Message, recipient: Recipient, now: float) -> Entry:
    """What would have stood in the outbox."""
    return Entry(
        id=f"{message.id}-{message.recipients.index(recipient)}",
        message_id=message.id,
        controller=message.controller,
        subject_key=b"",
        raw=message.raw,
        queued_at=now,
        channel=message.channel,
        source=message.source,
        sender=message.sender.key,
        class_=message.class_,
        campaign=message.campaign,
        envelope_from=message.envelope_from,
        address=recipient.address,
        relay="",
        format=message.format,
        notify=recipient.notify,
        orcpt=recipient.orcpt,
        dsn_return=message.dsn_return,
        dsn_envelope_id=message.dsn_envelope_id,
    )


def _report(id: str, address: str, raw: bytes, source: str, controller: str) -> Report:  # noqa: A002
    return Report(
        id=id,
        address=address,
        raw=raw,
        source=source,
        controller=controller,
        smtputf8=not address.isascii(),
    )
