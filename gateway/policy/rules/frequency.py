"""How often, how many, and at what hour."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from typing import Literal
from zoneinfo import ZoneInfo

from gateway.ledger.person import CONTACTS_KEPT
from gateway.ledger.relationship import NOT_MARKETING, in_sequence
from gateway.policy.dates import written
from gateway.policy.jurisdiction import zone_named
from gateway.policy.outcome import Objection, Words
from gateway.policy.rules.case import NOTHING, Case, Clock, Contradiction, Duration, Found
from gateway.policy.wording import count, fact, length, when

DAY = 86400
_MESSAGES = Words("message", "messaggio"), Words("messages", "messaggi")


@dataclass(frozen=True, slots=True)
class ContactCap:
    """At most `limit` marketing messages to one person per window, over all tools, channels and senders
    of the controller and all the person's linked addresses. Windows roll: `day` is the last 24 hours. What is
    to go later counts at its own time, in the windows before and after it."""

    limit: int
    per: Duration

    def __post_init__(self) -> None:
        if not 1 <= self.limit <= CONTACTS_KEPT:
            raise Contradiction(
                "limit",
                f"limit is between 1 and {CONTACTS_KEPT}, the number of contacts that are remembered",
            )
        if self.per < 60:
            raise Contradiction("per", "the window must be at least a minute", "for example: per: 7 days")

    def check(self, case: Case) -> Found:
        """Whether this person got enough already."""
        at, facts = max(case.now, case.message.send_at), case.facts
        if len(facts.person.contacts) < self.limit and not facts.linked:
            return NOTHING
        since = at - self.per
        times = [c.at for c in facts.person.contacts if c.at > since and c.class_ not in NOT_MARKETING]
        for other in facts.linked:
            times += [c.at for c in other.contacts if c.at > since and c.class_ not in NOT_MARKETING]
        if len(times) < self.limit:
            return NOTHING
        earliest = self._free_from(sorted(times), at)
        if earliest == at:
            return NOTHING
        times = [one for one in times if one < at + self.per]
        verb = ("already got", "ha già ricevuto") if max(times) <= case.now else ("is to get", "riceverà")
        got, window, free = count(len(times), *_MESSAGES), length(self.per), when(earliest)
        return (
            Objection(
                code="reached",
                reason=Words(
                    f"This person {verb[0]} {got.en} from us within {window.en}; the limit is {self.limit}.",
                    f"Questa persona {verb[1]} da noi {got.it} in {window.it}; il limite è {self.limit}.",
                ),
                remedy=Words(f"Wait until {free.en}.", f"Attendere fino al {free.it}."),
                evidence=(fact(str(len(times)), f"messages within {window.en}, limit {self.limit}"),),
                earliest=earliest,
                condition="window",
            ),
        )

    def _free_from(self, times: list[float], at: float) -> float:
        """The first moment from `at` on at which one message more makes no window too full, as `limit`
        messages in a row do for all that is less than a window away from the first and the last of them.
        `times` are sorted; they are sums and rounded."""
        window, free = self.per - 1e-6, at
        for first, last in zip(times, times[self.limit - 1 :], strict=False):
            if last - first < window and last - window < free < first + window:
                free = first + self.per
        return free


@dataclass(frozen=True, slots=True)
class SequenceLength:
    """At most `limit` messages in a row without an answer, as counted here, receipts left out; a step number
    that the tool declares can only add. With `per`, a sequence that rested this long is over, and what comes
    after begins another."""

    limit: int = 3
    per: Duration = Duration(0)

    def __post_init__(self) -> None:
        if self.limit < 1:
            raise Contradiction("limit", "limit must be at least 1")

    def check(self, case: Case) -> Found:
        """Whether they have been written to often enough without an answer."""
        known = case.facts.relationship
        declared = 0 if known.replies else case.message.sequence_step - 1
        sent, earliest = max(known.sent_since_reply, declared), 0.0
        if sent < self.limit:
            return NOTHING
        if self.per:
            times = _times_in_sequence(case)
            last = times[0] if times else known.last_out
            if last and case.now - last >= self.per:
                return NOTHING
            sent = max(_since_rest(times, self.per, known.sent_since_reply), declared)
            if sent < self.limit:
                return NOTHING
            earliest = last + self.per if last else 0.0
        got = count(sent, *_MESSAGES)
        return (
            Objection(
                code="reached",
                reason=Words(
                    f"This person got {got.en} in a row without answering; the limit is {self.limit}.",
                    f"Questa persona ha ricevuto {got.it} di fila senza rispondere; il limite è "
                    f"{self.limit}.",
                ),
                remedy=Words(
                    "Stop here; silence is an answer. Go on when they write.",
                    "Fermarsi qui: anche il silenzio è una risposta. Riprendere quando scriveranno.",
                ),
                evidence=(fact(str(sent), f"messages without an answer, limit {self.limit}"),),
                earliest=earliest,
                condition="reply" if not earliest else "window",
            ),
        )


def _times_in_sequence(case: Case) -> list[float]:
    """When this sender wrote to them, the latest first; receipts are left out."""
    sender, facts = case.message.sender.key, case.facts
    people = (facts.person, *facts.linked)
    times = [
        one.at for known in people for one in known.contacts if one.sender == sender and in_sequence(one)
    ]
    return sorted(times, reverse=True)


def _since_rest(times: list[float], rest: float, sent: int) -> int:
    """How many of the messages that were sent came after the latest rest of so many seconds."""
    gaps = (later - earlier for later, earlier in pairwise(times))
    return min(sent, next((n for n, gap in enumerate(gaps, 1) if gap >= rest), sent))


@dataclass(frozen=True, slots=True)
class Burst:
    """At most `limit` messages of this class per sender and window (up to a day)."""

    limit: int
    per: Duration

    def __post_init__(self) -> None:
        if self.limit < 1:
            raise Contradiction("limit", "limit must be at least 1")
        if not 300 <= self.per <= DAY:
            raise Contradiction("per", "the window of burst is between 5 minutes and a day")

    def check(self, case: Case) -> Found:
        """Whether the sender is writing faster than a person would."""
        pace, key = case.facts.pace, (case.class_, int(self.per))
        sent = pace.sent.get(key, 0)
        if sent < self.limit:
            return NOTHING
        earliest = pace.next_free.get(key, 0.0) or case.now + self.per
        got, window, free = count(sent, *_MESSAGES), length(self.per), when(earliest)
        return (
            Objection(
                code="too_fast",
                reason=Words(
                    f"This sender already wrote {got.en} of this kind within {window.en}; the limit is "
                    f"{self.limit}.",
                    f"Questo mittente ha già scritto {got.it} di questo tipo in {window.it}; il limite è "
                    f"{self.limit}.",
                ),
                remedy=Words(f"It can go from {free.en} on.", f"Può partire dal {free.it}."),
                evidence=(fact(str(sent), f"messages within {window.en}, limit {self.limit}"),),
                earliest=earliest,
                condition="window",
            ),
        )


DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


@dataclass(frozen=True, slots=True)
class QuietHours:
    """No messages between `from` and `to` of the recipient's own clock, nor outside `days`, nor (with
    `holidays`) on public holidays of their country. Held until the quiet ends."""

    from_: Clock = Clock(20 * 60)
    to: Clock = Clock(8 * 60)
    days: tuple[Day, ...] = ("mon", "tue", "wed", "thu", "fri")
    holidays: bool = True

    def __post_init__(self) -> None:
        if self.from_ == self.to:
            raise Contradiction("to", "from and to are the same hour: nothing could ever be sent or held")
        if not self.days:
            raise Contradiction("days", "at least one day must be left to write on")

    def check(self, case: Case) -> Found:
        """Whether it is a good hour where the recipient is."""
        return _at(self, int(case.now // 60), zone_of(case), case.jurisdiction.holidays)

    def quiet(self, local: datetime, country: str) -> bool:
        """Whether nothing goes at this moment of the recipient's clock."""
        if DAYS[local.weekday()] not in self.days:
            return True
        if self.on_holiday(local, country):
            return True
        minute = local.hour * 60 + local.minute
        if self.from_ < self.to:
            return self.from_ <= minute < self.to
        return not self.to <= minute < self.from_

    def on_holiday(self, local: datetime, country: str) -> bool:
        """Whether it is a public holiday there, where those count."""
        return self.holidays and local.date() in holidays_of(country, local.year)

    def opens(self, local: datetime, zone: ZoneInfo, country: str) -> float:
        """When the quiet ends, unix seconds; 0 where it does not within a month."""
        starts = (0, int(self.to)) if self.from_ < self.to else (int(self.to),)
        for ahead in range(32):
            day = local.date() + timedelta(days=ahead)
            openings = [
                datetime(day.year, day.month, day.day, start // 60, start % 60, tzinfo=zone, fold=fold)
                for start in starts
                for fold in (0, 1)  # an hour that clocks show twice has two
            ]
            for moment in sorted({opening.timestamp() for opening in openings}):
                if moment > local.timestamp() and not self.quiet(
                    datetime.fromtimestamp(moment, zone), country
                ):
                    return moment
        return 0.0


@lru_cache(maxsize=1024)
def _at(rule: QuietHours, minute: int, zone: ZoneInfo, country: str) -> Found:
    """What the rule finds in a minute (since 1970): the same for everyone in a zone, so looked up once."""
    local = datetime.fromtimestamp(minute * 60, zone)
    if not rule.quiet(local, country):
        return NOTHING
    earliest = rule.opens(local, zone, country)
    free = when(earliest)
    return (
        Objection(
            code="quiet",
            reason=_why_quiet(rule, local, country),
            remedy=Words(f"It can go from {free.en} on.", f"Può partire dal {free.it}."),
            evidence=(fact(f"{local:%Y-%m-%d %H:%M %Z}", "the recipient's clock"),),
            earliest=earliest,
            condition="window",
        ),
    )


def _why_quiet(rule: QuietHours, local: datetime, country: str) -> Words:
    """What makes this moment of the recipient's clock a quiet one: the day, a holiday, or the hour."""
    day, giorno = (names[local.weekday()] for names in _WEEKDAYS)
    if DAYS[local.weekday()] not in rule.days:
        return Words(
            f"It is {day} where this person is, and nothing goes on that day of the week.",
            f"Da questa persona è {giorno}, e in quel giorno della settimana non si invia nulla.",
        )
    if rule.on_holiday(local, country):
        return Words(
            f"It is {day}, {written(local, 'en')}, where this person is: a public holiday.",
            f"Da questa persona è {giorno} {written(local, 'it')}: un giorno festivo.",
        )
    return Words(
        f"It is {local:%H:%M} on {day} where this person is: quiet hours.",
        f"Da questa persona sono le {local:%H:%M} di {giorno}: è l'ora del silenzio.",
    )


_WEEKDAYS = (
    ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
    ("lunedì", "martedì", "mercoledì", "giovedì", "venerdì", "sabato", "domenica"),
)


def zone_of(case: Case) -> ZoneInfo:
    """The recipient's time zone: as the ledger or the tool knows it, else the jurisdiction's, else UTC."""
    names = (case.facts.time_zone, case.recipient.time_zone, case.jurisdiction.time_zone)
    for name in names:
        found = zone_named(name) if name else None
        if found is not None:
            return found
    return ZoneInfo("UTC")


@lru_cache(maxsize=256)
def holidays_of(country: str, year: int) -> frozenset[date]:
    """The public holidays of a country (ISO 3166 code, `US`, `IT`, or with a subdivision `ES-MD`);
    none where the country is not known."""
    if not country:
        return frozenset()
    import holidays  # half a second, so only where a policy asks for it

    code, _, part = country.partition("-")
    try:
        return frozenset(holidays.country_holidays(code, subdiv=part or None, years=year))
    except (NotImplementedError, ValueError):
        return frozenset()
