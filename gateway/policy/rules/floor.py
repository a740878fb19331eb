"""The rules that hold whatever the policy files say: nobody who said stop is written to, and nothing leaves
while its source or campaign is paused."""

from collections.abc import Iterator
from dataclasses import dataclass

from gateway.ledger.person import Person, Stop
from gateway.policy.outcome import Objection, Outcome, Words
from gateway.policy.rules.case import NOTHING, PURPOSES, Case, Found
from gateway.policy.wording import fact, when

_KINDS = {
    "unsubscribed": Words("unsubscribed", "si è disiscritta"),
    "objected": Words("objected to being written to", "si è opposta all'invio di messaggi"),
    "complained": Words("complained about an earlier message", "ha segnalato un messaggio precedente"),
    "erased": Words(
        "asked for their data to be erased and not to be written to again",
        "ha chiesto la cancellazione dei propri dati e di non ricevere altri messaggi",
    ),
}

_SAID = Words(
    "This person replied on {} that they want no more messages.",
    "Questa persona ha risposto il {} di non volere altri messaggi.",
)
_SAID_CHANNEL = Words(
    "This person replied on {} that they want no more messages on this channel.",
    "Questa persona ha risposto il {} di non volere altri messaggi su questo canale.",
)
_OTHER = Words("may not be written to", "non può essere contattata")

_NEVER = Words(
    "Take this person off the list. Only their own new double opt-in, or an entry by compliance with "
    "proof, opens the door again.",
    "Togliere questa persona dalla lista. Solo una sua nuova doppia conferma, o una registrazione con "
    "prova da parte della compliance, riapre la porta.",
)

SURELY = 0.95
"""From here on a text that reads as an offer is one, whatever it is called."""


def everyone(case: Case) -> Iterator[Person]:
    """The person written to and the same person's other addresses."""
    yield case.facts.person
    yield from case.facts.linked


def covers(stop: Stop, case: Case) -> bool:
    """Whether a stop is about this purpose and channel. A message cannot rename its purpose around a
    stop: the purpose that its class implies counts too."""
    if stop.channels and case.channel not in stop.channels:
        return False
    if not stop.purposes and not stop.spares:
        return True
    named = {purpose.casefold() for purpose in stop.purposes}
    judged = (case.class_,) if _agreed_newsletter(case) else case.classes
    implied = {PURPOSES.get(class_, "offers" if class_ == "promotion" else "") for class_ in judged}
    meant = (implied - {""}) | {case.purpose.casefold()}
    if stop.spares and _spared(stop, case):
        return False
    return not named or bool(named & meant)


def _agreed_newsletter(case: Case) -> bool:
    """Whether it is a newsletter that the person agreed to, and no sure offer: most newsletters read as
    promotion to some degree, and whoever ended the offers alone was promised to keep the newsletter."""
    if case.class_ != "newsletter" or case.reading.promotional.score >= SURELY:
        return False
    return any(
        p.state == "granted" and p.channel == case.channel and p.purpose.casefold() == case.purpose.casefold()
        for p in case.facts.person.permissions
    )


def _spared(stop: Stop, case: Case) -> bool:
    """Whether the person agreed anew to what this is: what sells without being a newsletter needs offers
    agreed to as well, and a newsletter's purpose opens for newsletters alone."""
    implied = PURPOSES.get(case.class_, "offers" if case.sells else "")
    if case.purpose in PURPOSES.values() and case.purpose != implied:
        return False
    return all((purpose, case.channel) in stop.spares for purpose in {case.purpose, implied} - {""})


@dataclass(frozen=True, slots=True)
class Suppressed:
    """Objected, unsubscribed, complained, bounced, erased, restricted (GDPR 18) or paused.

    A hard bounce counts for the address itself, everything else for the person on all linked
    addresses. A stop stands until the ledger lifts it: the rule does not weigh it against consent.
    """

    def check(self, case: Case) -> Found:
        """What this person, or their mail server, already said."""
        person = case.facts.person
        if not (person.stops or person.restricted_at or person.paused_until or case.facts.linked):
            return NOTHING
        return tuple(self._stops(case)) + tuple(self._restricted(case)) + tuple(self._paused(case))

    def _stops(self, case: Case) -> Iterator[Objection]:
        seen: set[str] = set()
        for person in everyone(case):
            for stop in person.stops:
                if stop.kind in seen or stop.kind == "stop_request":
                    continue
                if stop.kind == "bounced":
                    if person is case.facts.person:
                        seen.add(stop.kind)
                        yield _bounced(stop)
                elif covers(stop, case):
                    seen.add(stop.kind)
                    yield _stopped(stop)

    def _restricted(self, case: Case) -> Iterator[Objection]:
        since = max(person.restricted_at for person in everyone(case))
        if since:
            date = when(since)
            yield Objection(
                code="restricted",
                reason=Words(
                    f"This person's data is under restriction since {date.en} (GDPR article 18).",
                    f"I dati di questa persona sono limitati dal {date.it} (articolo 18 GDPR).",
                ),
                remedy=Words(
                    "Wait until compliance lifts the restriction.",
                    "Attendere che la compliance revochi la limitazione.",
                ),
                evidence=(fact(date.en, "restricted since"),),
            )

    def _paused(self, case: Case) -> Iterator[Objection]:
        until = max(person.paused_until for person in everyone(case))
        if until > case.now:
            date = when(until)
            yield Objection(
                code="paused",
                reason=Words(
                    f"This person asked for a pause until {date.en}.",
                    f"Questa persona ha chiesto una pausa fino al {date.it}.",
                ),
                remedy=Words("Write after that date.", "Scrivere dopo quella data."),
                evidence=(fact(date.en, "paused until"),),
                earliest=until,
                condition="window",
            )


def _stopped(stop: Stop) -> Objection:
    did, date = _KINDS.get(stop.kind, _OTHER), when(stop.at)
    return Objection(
        code=stop.kind if stop.kind in _KINDS else "stopped",
        reason=Words(f"This person {did.en} on {date.en}.", f"Questa persona {did.it} il {date.it}."),
        remedy=_NEVER,
        evidence=(fact(date.en, stop.kind),),
    )


def _bounced(stop: Stop) -> Objection:
    date = when(stop.at)
    return Objection(
        code="bounced",
        reason=Words(
            f"Mail to this address bounced for good on {date.en}: nobody is there, or its mailbox stays"
            " full.",
            f"La posta a questo indirizzo è stata respinta in modo definitivo il {date.it}: non c'è"
            " nessuno, o la casella resta piena.",
        ),
        remedy=Words(
            "Remove the address, or have compliance clear it once it is known to work again.",
            "Eliminare l'indirizzo, oppure farlo riabilitare dalla compliance quando funziona di nuovo.",
        ),
        evidence=(fact(date.en, "hard bounce"),),
    )


@dataclass(frozen=True, slots=True)
class Undeliverable:
    """The part of `suppressed` that holds for every class, receipts too: hard bounces and erasure."""

    def check(self, case: Case) -> Found:
        """Whether the address is dead or its person was erased."""
        for stop in case.facts.person.stops:
            if stop.kind == "bounced":
                return (_bounced(stop),)
            if stop.kind == "erased":
                return (_stopped(stop),)
        return NOTHING


@dataclass(frozen=True, slots=True)
class StopRequest:
    """A reply that said stop, in words."""

    def check(self, case: Case) -> Found:
        """Whether any of this person's replies asked to stop."""
        if not case.facts.person.stops and not case.facts.linked:
            return NOTHING
        for person in everyone(case):
            for stop in person.stops:
                if stop.kind == "stop_request" and covers(stop, case):
                    date = when(stop.at)
                    reason = _SAID_CHANNEL if stop.channels else _SAID
                    return (
                        Objection(
                            code="said",
                            reason=Words(reason.en.format(date.en), reason.it.format(date.it)),
                            remedy=_NEVER,
                            evidence=(fact(date.en, "asked to stop"),),
                        ),
                    )
        return NOTHING


@dataclass(frozen=True, slots=True)
class NoSales:
    """The recipient's own wish: people yes, sales no. An objection under GDPR 21(2)."""

    def check(self, case: Case) -> Found:
        """Whether a message that sells goes to someone who said no sales."""
        facts = case.facts
        since = facts.person.no_sales_at
        if facts.linked:
            since = max(since, *(person.no_sales_at for person in facts.linked))
        if not since or not (case.sells or case.class_ == "newsletter"):
            return NOTHING
        date = when(since)
        return (
            Objection(
                code="declared",
                reason=Words(
                    f"This person said on {date.en}: no sales, please.",
                    f"Questa persona ha detto il {date.it}: niente vendite, per favore.",
                ),
                remedy=Words(
                    "Do not sell to this person. A personal message without an offer is welcome.",
                    "Non proporle vendite. Un messaggio personale senza offerte è benvenuto.",
                ),
                evidence=(*case.reading.promotional.evidence, fact(date.en, "no sales since")),
            ),
        )


_PAUSED = {
    "source": Words("This source", "Questa fonte"),
    "campaign": Words("This campaign", "Questa campagna"),
}
_RESUMES = Words(
    "Do not send it again: nothing is lost, and when the pause ends it is decided again by itself.",
    "Non inviarlo di nuovo: nulla va perso, e al termine della pausa sarà deciso di nuovo da sé.",
)


@dataclass(frozen=True, slots=True)
class Paused:
    """Somebody paused the source, or the campaign: what comes is held, of every class, and no reviewer's
    release lets it pass before the pause ends."""

    def check(self, case: Case) -> Found:
        """The pauses that the message falls under."""
        if not case.facts.paused:
            return NOTHING
        return tuple(_paused(kind, since) for kind, since in case.facts.paused)


def _paused(kind: str, since: float) -> Objection:
    what, date = _PAUSED[kind], when(since)
    return Objection(
        code=kind,
        reason=Words(
            f"{what.en} has been paused since {date.en}, so its messages wait.",
            f"{what.it} è in pausa dal {date.it}: i suoi messaggi attendono.",
        ),
        remedy=_RESUMES,
        evidence=(fact(date.en, "paused since"),),
        condition="resumes",
        outcome=Outcome.HOLD,
    )
