"""Asking for consent, a way out, and who stands behind the message."""

from dataclasses import dataclass

from msgspec.structs import replace

from gateway.policy.jurisdiction import IDENTITY
from gateway.policy.outcome import Objection, Outcome, Words
from gateway.policy.rules.case import NOTHING, STAGES, Case, Contradiction, Found, stage
from gateway.policy.rules.consent import ANSWERS
from gateway.policy.rules.personalization import PEOPLE, copied
from gateway.policy.wording import count, country

_CIRCULAR = 0.5
"""The share of copied words that makes a request a circular."""


@dataclass(frozen=True, slots=True)
class PermissionRequest:
    """Asking for consent. Where the question is itself marketing, one that is individually written, to
    someone connected and free of any pitch is held for compliance (or, with `allow`, passes once); any
    other is refused. `copies`: to how many others a sentence may have gone and still be individual. A message
    of another class that asks in the person's own thread is their conversation."""

    allow: bool = False
    copies: int = 3

    def __post_init__(self) -> None:
        if self.copies < 0:
            raise Contradiction("copies", "copies cannot be negative")

    def check(self, case: Case) -> Found:
        """Whether this question may be put to this person."""
        declared = case.class_ == "permission_request"
        asks = case.reading.permission_request
        if not (declared or asks.value) or case.jurisdiction.permission_request == "lawful":
            return NOTHING
        if case.facts.known_reply and not declared:
            return NOTHING
        objection = self._fault(case) or self._verdict(case)
        if objection is None:
            return NOTHING
        if not declared and objection.outcome is None:
            objection = replace(objection, outcome=Outcome.HOLD)
        return (replace(objection, evidence=asks.evidence),)

    def _fault(self, case: Case) -> Objection | None:
        if STAGES.index(stage(case.facts.relationship)) < STAGES.index("connected"):
            return _question(
                "stranger",
                Words(
                    "Asking a stranger for consent is itself marketing here",
                    "Chiedere il consenso a uno sconosciuto è già marketing, qui",
                ),
                case,
            )
        if case.sells:
            return _question(
                "pitch",
                Words("The request carries an offer", "La richiesta contiene un'offerta"),
                case,
            )
        found = copied(case, self.copies + 1)
        if found.share > _CIRCULAR or found.asking:
            people = count(found.copies, *PEOPLE)
            return _question(
                "copied",
                Words(
                    f"The request was already sent to {people.en}",
                    f"La richiesta è già stata inviata a {people.it}",
                ),
                case,
            )
        if _asked_before(case):
            return _question(
                "repeated",
                Words(
                    "This person was already asked for consent once",
                    "A questa persona il consenso è già stato chiesto una volta",
                ),
                case,
            )
        return None

    def _verdict(self, case: Case) -> Objection | None:
        if self.allow:
            return None
        law = country(case.jurisdiction.name)
        return Objection(
            code="review",
            reason=Words(
                f"Asking for consent counts as marketing here ({law.en}), so compliance "
                "reads each request first.",
                f"Chiedere il consenso è considerato marketing ({law.it}): ogni richiesta "
                "passa prima dalla compliance.",
            ),
            remedy=Words("Wait for a reviewer.", "Attendere un revisore."),
            outcome=Outcome.HOLD,
        )


def _asked_before(case: Case) -> bool:
    return any(
        any(contact.class_ == "permission_request" for contact in person.contacts)
        or any(permission.state == "requested" for permission in person.permissions)
        for person in (case.facts.person, *case.facts.linked)
    )


def _question(code: str, why: Words, case: Case) -> Objection:
    law = country(case.jurisdiction.name)
    return Objection(
        code=code,
        reason=Words(f"{why.en} ({law.en}).", f"{why.it} ({law.it})."),
        remedy=Words(
            "Offer a sign-up form on your pages, and let people come to you.",
            "Offrire un modulo di iscrizione sulle proprie pagine e lasciare che siano le persone a venire.",
        ),
    )


@dataclass(frozen=True, slots=True)
class Unsubscribe:
    """A working way out. On mail: RFC 8058 headers (the gateway adds them where it can), or without
    `one_click` also a link or an address to write to; on other channels a link or "reply STOP". An
    individual answer in the person's own thread needs none."""

    one_click: bool = False

    def check(self, case: Case) -> Found:
        """Whether the reader can leave."""
        message = case.message
        if case.facts.way_out_added or (case.facts.known_reply and case.class_ in ANSWERS):
            return NOTHING
        if case.channel == "email" and message.list_unsubscribe:
            if message.list_unsubscribe_post and "https:" in message.list_unsubscribe.lower():
                return NOTHING
            if not self.one_click:
                return NOTHING
        if case.reading.way_out.value and not (self.one_click and case.channel == "email"):
            return NOTHING
        return (_NO_EXIT_MAIL if case.channel == "email" else _NO_EXIT,)


_NO_EXIT_MAIL = Objection(
    code="missing",
    reason=Words(
        "The message has no working way to unsubscribe.",
        "Il messaggio non offre un modo funzionante per disiscriversi.",
    ),
    remedy=Words(
        "Add List-Unsubscribe and List-Unsubscribe-Post headers (RFC 8058), or ask whoever runs the gateway "
        "to let it add them (GALATEO_PUBLIC_URL).",
        "Aggiungere le intestazioni List-Unsubscribe e List-Unsubscribe-Post (RFC 8058), o chiedere a chi "
        "gestisce il gateway di farle aggiungere (GALATEO_PUBLIC_URL).",
    ),
)

_NO_EXIT = Objection(
    code="missing",
    reason=Words(
        "The message does not say how to stop receiving such messages.",
        "Il messaggio non dice come smettere di ricevere messaggi simili.",
    ),
    remedy=Words(
        'Add a link, or a line such as "reply STOP to receive no more".',
        "Aggiungere un link o una riga come «rispondi STOP per non riceverne altri».",
    ),
)

FREE_MAIL = frozenset(
    "gmail.com googlemail.com yahoo.com yahoo.it hotmail.com hotmail.it outlook.com outlook.it live.it "
    "live.com libero.it virgilio.it tiscali.it alice.it icloud.com gmx.de gmx.net web.de orange.fr "
    "laposte.net aol.com proton.me protonmail.com".split()
)


@dataclass(frozen=True, slots=True)
class SenderIdentity:
    """Who stands behind the message, as the jurisdiction asks: `name`, a `contact` where rights can be
    exercised, a `postal_address`. `require` adds to what the jurisdiction asks."""

    require: tuple[str, ...] = ()

    def check(self, case: Case) -> Found:
        """Which of the required particulars the reader would not find."""
        needed = case.jurisdiction.identity
        lacking = [
            _IDENTITY[name]
            for name in IDENTITY
            if (name in needed or name in self.require) and not _TELLS[name](case)
        ]
        return tuple(lacking) if lacking else NOTHING

    def __post_init__(self) -> None:
        for name in self.require:
            if name not in IDENTITY:
                raise Contradiction("require", f"unknown particular {name!r}", ", ".join(IDENTITY))


def _tells_name(case: Case) -> bool:
    message = case.message
    if message.sender.name or message.content.sender_name or case.reading.introduces_sender.value:
        return True
    domain = message.sender.key.rpartition("@")[2]
    return case.channel == "email" and bool(domain) and domain not in FREE_MAIL


def _tells_contact(case: Case) -> bool:
    if case.message.list_unsubscribe or case.facts.way_out_added or case.reading.way_out.value:
        return True
    local = case.message.sender.address.partition("@")[0].casefold().replace("-", "").replace("_", "")
    return case.channel != "email" or not local.startswith(("noreply", "donotreply", "nonrispondere"))


def _tells_address(case: Case) -> bool:
    """The controller's identity, as access.yaml has it, stands in the text (word by word, any order)."""
    words = {word for word in case.facts.identity.casefold().replace(",", " ").split() if len(word) > 2}
    text = f"{case.message.content.text}\n{case.message.content.html}".casefold()
    return bool(words) and sum(word in text for word in words) >= 0.6 * len(words)


_TELLS = {"name": _tells_name, "contact": _tells_contact, "postal_address": _tells_address}

_IDENTITY = {
    "name": Objection(
        code="name",
        reason=Words(
            "The message does not say who writes.",
            "Il messaggio non dice chi scrive.",
        ),
        remedy=Words(
            "Put the sender's name and organization in the From line or the signature.",
            "Indicare nome e organizzazione del mittente nel campo From o nella firma.",
        ),
    ),
    "contact": Objection(
        code="contact",
        reason=Words(
            "The sender cannot be answered and the text names no contact for objections.",
            "Al mittente non si può rispondere e il testo non indica un recapito per opporsi.",
        ),
        remedy=Words(
            "Write from an address that takes replies, or add an unsubscribe link.",
            "Scrivere da un indirizzo che accetta risposte, o aggiungere un link di disiscrizione.",
        ),
    ),
    "postal_address": Objection(
        code="postal_address",
        reason=Words(
            "The postal address of whoever sends is not in the message.",
            "Nel messaggio manca l'indirizzo postale di chi invia.",
        ),
        remedy=Words(
            "Add the organization's postal address to the footer, as access.yaml states it (identity).",
            "Aggiungere al piè di pagina l'indirizzo postale indicato in access.yaml (identity).",
        ),
    ),
}
