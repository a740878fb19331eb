"""Does the campaign say what it is for, and is the message what it claims to be?"""

from dataclasses import dataclass

from gateway.policy.outcome import Objection, Words
from gateway.policy.rules.case import NOTHING, PURPOSES, Case, Found
from gateway.policy.wording import fact, quoted


@dataclass(frozen=True, slots=True)
class DeclaredPurpose:
    """A campaign or sequence states its aim; with `purposes`, one of these. A newsletter's class says it."""

    purposes: tuple[str, ...] = ()

    def check(self, case: Case) -> Found:
        """Whether the campaign said what it is for."""
        message = case.message
        if message.purpose:
            if not self.purposes or message.purpose in {p.lower() for p in self.purposes}:
                return NOTHING
            known = ", ".join(self.purposes)
            return (
                Objection(
                    code="unknown",
                    reason=Words(
                        f"The purpose '{message.purpose}' is none of those agreed on: {known}.",
                        f"Lo scopo «{message.purpose}» non è tra quelli concordati: {known}.",
                    ),
                    remedy=Words(
                        "Use an agreed purpose, or have compliance add this one.",
                        "Usare uno scopo concordato, o chiedere alla compliance di aggiungerlo.",
                    ),
                    evidence=(fact(message.purpose, "declared purpose"),),
                ),
            )
        if case.class_ in PURPOSES or not (message.campaign or message.sequence_step > 1):
            return NOTHING
        return (_NO_AIM,)


_NO_AIM = Objection(
    code="missing",
    reason=Words(
        "This campaign does not say what it is for.", "Questa campagna non dichiara il proprio scopo."
    ),
    remedy=Words(
        "Declare a purpose (X-Galateo-Purpose, or `purpose` in the request), for example: events.",
        "Dichiarare uno scopo (X-Galateo-Purpose, o `purpose` nella richiesta), per esempio: events.",
    ),
)


@dataclass(frozen=True, slots=True)
class ClassMatches:
    """A "transactional" message sells nothing, and a "conversation" answers a known reply. (A valid
    conversation that makes an offer is judged by the rules of `promotion` as well.)"""

    def check(self, case: Case) -> Found:
        """Whether the declared class hides another."""
        if case.class_ == "conversation" and not case.facts.known_reply:
            return (_NO_REPLY,)
        found = case.reading.promotional
        if case.class_ != "transactional" or not found.value:
            return NOTHING
        words = quoted(found.evidence)
        return (
            Objection(
                code="promotional",
                reason=Words(
                    f"Declared as transactional, but part of it advertises{words.en}.",
                    f"Dichiarato come transazionale, ma una parte fa pubblicità{words.it}.",
                ),
                remedy=Words(
                    "Take the offer out, or send it apart as a promotion to those who agreed.",
                    "Togliere l'offerta, o inviarla a parte come promozione a chi ha acconsentito.",
                ),
                evidence=found.evidence,
            ),
        )


_NO_REPLY = Objection(
    code="no_reply",
    reason=Words(
        "Declared as conversation, but it answers no message of theirs that we know of.",
        "Dichiarato come conversazione, ma non risponde a nessun messaggio che ci risulti.",
    ),
    remedy=Words(
        "Reply in the person's own thread, or send it as outreach.",
        "Rispondere nella conversazione della persona, o inviarlo come primo contatto (outreach).",
    ),
    condition="reply",
)
