"""Do we know each other well enough to say this?"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from gateway.ledger.person import Relationship
from gateway.policy.outcome import Objection, Words
from gateway.policy.rules.case import NOTHING, STAGES, Case, Contradiction, Found, purpose_of, stage
from gateway.policy.rules.consent import DAY, standing
from gateway.policy.wording import count, fact, quoted, span, when
from gateway.reading.reading import Evidence


@dataclass(frozen=True, slots=True)
class Introduction:
    """A first message says who writes."""

    def check(self, case: Case) -> Found:
        """Whether a stranger would know who writes."""
        known = case.facts.relationship
        if known.introduced or not case.first_contact or case.reading.introduces_sender.value:
            return NOTHING
        return (_NAMELESS,)


_NAMELESS = Objection(
    code="missing",
    reason=Words(
        "This first message does not say who writes: a name and what they are or do.",
        "Questo primo messaggio non dice chi scrive: un nome e che cosa è o fa.",
    ),
    remedy=Words(
        'Begin with a sentence such as "I am Anna Rossi, head of design at Example".',
        "Iniziare con una frase come «Sono Anna Rossi, responsabile design di Esempio».",
    ),
)


@dataclass(frozen=True, slots=True)
class Reason:
    """A first message says why it goes to this person."""

    def check(self, case: Case) -> Found:
        """Whether a stranger would know why they are written to."""
        if not case.first_contact or case.reading.states_reason.value:
            return NOTHING
        return (_AIMLESS,)


_AIMLESS = Objection(
    code="missing",
    reason=Words(
        "This first message does not say why it goes to this person.",
        "Questo primo messaggio non dice perché si rivolge proprio a questa persona.",
    ),
    remedy=Words(
        "Add one sentence on why you write to them and not to anyone else.",
        "Aggiungere una frase sul perché si scrive a lei o a lui e non ad altri.",
    ),
)


@dataclass(frozen=True, slots=True)
class Until:
    """What opens the door: days since the connection was accepted, human replies (a polite no is none that
    opens it). 0 is not asked."""

    days_connected: int = 0
    replies: int = 0

    def __post_init__(self) -> None:
        if self.days_connected < 0 or self.replies < 0:
            raise Contradiction("", "days_connected and replies cannot be negative")
        if not (self.days_connected or self.replies):
            raise Contradiction("", "say days_connected, replies or both")


@dataclass(frozen=True, slots=True)
class NoPitch:
    """No promotion until we know each other. `until_any`: one of the two opens the door; `until_all`:
    both. A newsletter that the person agreed to is no pitch. `certainty`: how sure the reading must be
    where the class was not declared as promotion (0: as sure as it needs to be to call it so)."""

    until_any: Until | None = None
    until_all: Until | None = None
    certainty: float = 0.0

    def __post_init__(self) -> None:
        if (self.until_any is None) == (self.until_all is None):
            raise Contradiction("until_all", "say either until_any or until_all", "one of them, not both")
        if not 0 <= self.certainty <= 1:
            raise Contradiction("certainty", "certainty is a number between 0 and 1")

    def check(self, case: Case) -> Found:
        """Whether something is sold to someone we do not know yet."""
        if not case.sells or self._unsure(case):
            return NOTHING
        known = case.facts.relationship
        if self._open(known, case.now) or self._subscribed(case):
            return NOTHING
        return (self._objection(case, known),)

    def _unsure(self, case: Case) -> bool:
        return bool(
            self.certainty and case.class_ != "promotion" and case.reading.promotional.score < self.certainty
        )

    @staticmethod
    def _subscribed(case: Case) -> bool:
        return case.class_ == "newsletter" and standing(case, (purpose_of(case.message, "newsletter"),), "")

    def _open(self, known: Relationship, now: float) -> bool:
        door = self.until_any or self.until_all
        assert door is not None
        doors = []
        if door.days_connected:
            connected = known.connected_at
            doors.append(bool(connected) and now >= connected + door.days_connected * DAY)
        if door.replies:
            doors.append(known.welcoming >= door.replies)
        return any(doors) if self.until_any else all(doors)

    def _objection(self, case: Case, known: Relationship) -> Objection:
        door = self.until_any or self.until_all
        assert door is not None
        words = quoted(_selling(case.reading.promotional.evidence))
        earliest = self._earliest(door, known)
        ask = _ask(door, both=self.until_all is not None)
        if not known.connected_at or not door.days_connected:
            return Objection(
                code="stranger",
                reason=_declined(words)
                if known.declined
                else Words(
                    f"This sells{words.en} to someone who has not yet replied or connected.",
                    f"Il messaggio vende{words.it} a chi non ha ancora risposto né accettato un contatto.",
                ),
                remedy=ask,
                evidence=case.reading.promotional.evidence,
                earliest=earliest,
                condition="reply",
            )
        since = when(known.connected_at)
        return Objection(
            code="too_soon",
            reason=_too_soon(door, known, case.now, words),
            remedy=ask,
            evidence=(*case.reading.promotional.evidence, fact(since.en, "connected since")),
            earliest=earliest,
            condition="window" if earliest else "reply",
        )

    def _earliest(self, door: Until, known: Relationship) -> float:
        if not known.connected_at or not door.days_connected:
            return 0.0
        if self.until_all and known.welcoming < door.replies:
            return 0.0
        return known.connected_at + door.days_connected * DAY


_BESIDE = ("footer:", "way_out:", "promotional: connect")
"""What pitches have and others have too: a way out, thanks for the connection."""


def _selling(evidence: Iterable[Evidence]) -> Iterator[Evidence]:
    """What shows that something is sold: a reason that quotes a thank-you would convince nobody."""
    return (one for one in evidence if not one.why.startswith(_BESIDE))


def _declined(words: Words) -> Words:
    return Words(
        f"This sells{words.en} to someone whose reply did not ask for it: it says no, or they are not there.",
        f"Il messaggio vende{words.it} a chi ha risposto senza chiederlo: ha detto di no, o non c'è.",
    )


def _too_soon(door: Until, known: Relationship, now: float, words: Words) -> Words:
    connected = known.connected_at
    if now >= connected + door.days_connected * DAY:
        if known.declined:
            return _declined(words)
        return Words(
            f"This sells{words.en} to someone who has not yet replied.",
            f"Il messaggio vende{words.it} a chi non ha ancora risposto.",
        )
    ago, wait = span(max(0.0, now - connected)), count(door.days_connected, *_DAYS)
    return Words(
        f"This sells{words.en} {ago.en} after the connection was accepted; we wait {wait.en}.",
        f"Il messaggio vende{words.it} {ago.it} dopo l'accettazione del contatto; attendiamo {wait.it}.",
    )


_DAYS = Words("day", "giorno"), Words("days", "giorni")


@lru_cache(maxsize=64)
def _ask(door: Until, *, both: bool) -> Words:
    days = count(door.days_connected, *_DAYS)
    replies = count(door.replies, Words("reply", "risposta"), Words("replies", "risposte"))
    waits = []
    if door.days_connected:
        waits.append(Words(f"{days.en} after connecting", f"{days.it} dopo il collegamento"))
    if door.replies:
        waits.append(Words(f"after {replies.en} of theirs", f"dopo {replies.it} da parte sua"))
    joined = Words(
        (" and " if both else " or ").join(w.en for w in waits),
        (" e " if both else " o ").join(w.it for w in waits),
    )
    return Words(
        f"Write without an offer now; offer something {joined.en}.",
        f"Scrivere ora senza offerte; proporre qualcosa {joined.it}.",
    )


# The networks' own words, as their buttons fill them in, between single spaces and without marks.
_STOCK = tuple(
    f" {phrase} "
    for phrase in (
        "i'd like to add you to my professional network on linkedin",
        "i'd like to add you to my professional network", "i'd like to add you to my network",
        "i would like to add you to my professional network", "i'd like to join your linkedin network",
        "i'd like to join your network", "please add me to your linkedin network",
        "let's connect on linkedin",
        "i'd like to connect with you on linkedin", "i would like to connect with you on linkedin",
        "vorrei aggiungerti alla mia rete professionale su linkedin",
        "vorrei aggiungerti alla mia rete professionale",
        "desidero aggiungerti alla mia rete professionale su linkedin",
        "desidero aggiungerti alla mia rete professionale",
        "mi piacerebbe aggiungerti alla mia rete professionale",
        "vorrei aggiungerla alla mia rete professionale", "vorrei entrare a far parte della tua rete",
        "ich möchte sie gerne zu meinem beruflichen netzwerk auf linkedin hinzufügen",
        "ich möchte sie gerne zu meinem beruflichen netzwerk hinzufügen",
        "ich möchte dich gerne zu meinem beruflichen netzwerk hinzufügen",
        "ich würde sie gerne zu meinem netzwerk hinzufügen",
        "je souhaite vous ajouter à mon réseau professionnel sur linkedin",
        "je souhaite vous ajouter à mon réseau professionnel",
        "j'aimerais vous ajouter à mon réseau professionnel",
        "me gustaría añadirte a mi red profesional en linkedin",
        "me gustaría añadirte a mi red profesional", "me gustaría agregarte a mi red profesional",
    )
)  # fmt: skip
_MARKS = str.maketrans(dict.fromkeys('.,;:!?"«»()–—\n\r\t', " ") | {"’": "'"})


def _stock_words(text: str) -> str:
    """The words of a note that came with the button, "" where there are none."""
    said = f" {' '.join(text[:2000].casefold().translate(_MARKS).split())} "
    return next((phrase.strip() for phrase in _STOCK if phrase in said), "")


@dataclass(frozen=True, slots=True)
class BareInvitation:
    """A connection request carries a note of its own: at least `min_words` words besides those that the
    network's button fills in."""

    min_words: int = 5

    def __post_init__(self) -> None:
        if self.min_words < 1:
            raise Contradiction("min_words", "min_words must be at least 1")

    def check(self, case: Case) -> Found:
        """Whether the invitation has a note."""
        if "connection_request" not in case.classes:
            return NOTHING
        content = case.message.content
        text = content.text or content.html
        words = len(text.split()) if case.reading.length else 0
        stock = _stock_words(text) if words >= self.min_words else ""
        if words - len(stock.split()) >= self.min_words:
            return NOTHING
        code = "stock" if stock else ("short" if words else "empty")
        note = text.strip()[:200]
        said = fact(stock, "the network's own words") if stock else Evidence(text=note, why="the whole note")
        seen = (said,) if words else ()
        return (Objection(code=code, reason=_bare(code, words), remedy=_ADD_NOTE, evidence=seen),)


def _bare(code: str, words: int) -> Words:
    if code == "empty":
        return Words("The invitation has no note.", "L'invito non ha alcun messaggio.")
    if code == "stock":
        return Words(
            "The invitation's note is the one that the network fills in: it says nothing of your own.",
            "Il messaggio dell'invito è quello già pronto della piattaforma: non dice nulla di proprio.",
        )
    only = count(words, Words("word", "parola"), Words("words", "parole"))
    return Words(f"The invitation's note has only {only.en}.", f"Il messaggio dell'invito ha solo {only.it}.")


_ADD_NOTE = Words(
    "Add a note: who you are and why you would like to be in touch with this person.",
    "Aggiungere due righe: chi si è e perché si desidera entrare in contatto.",
)


_STAGE_WORDS = {
    "introduced": Words("an introduction", "una presentazione"),
    "connected": Words("a connection", "un contatto accettato"),
    "replied": Words("a reply from them", "una sua risposta"),
    "conversation": Words("a conversation", "una conversazione"),
}


@dataclass(frozen=True, slots=True)
class MinStage:
    """A class that needs a relationship first: at least `stage`. With `names_work`, the text must also
    say something that fits this person alone (the work you shared)."""

    stage: Literal["introduced", "connected", "replied", "conversation"] = "conversation"
    names_work: bool = False

    def check(self, case: Case) -> Found:
        """Whether we have come far enough for this."""
        reached = stage(case.facts.relationship)
        found = []
        if STAGES.index(reached) < STAGES.index(self.stage):
            need, so_far = _STAGE_WORDS[self.stage], _so_far(reached)
            found.append(
                Objection(
                    code="not_yet",
                    reason=Words(
                        f"Such a message needs {need.en} first; {so_far.en}.",
                        f"Un messaggio così richiede prima {need.it}; {so_far.it}.",
                    ),
                    remedy=Words(
                        "Get to know each other first; ask when there is something to speak of.",
                        "Prima conoscersi; chiedere quando ci sarà qualcosa da raccontare.",
                    ),
                    evidence=(fact(reached, "stage"),),
                    condition="reply",
                )
            )
        if self.names_work and not case.reading.personal_detail.value:
            found.append(_NO_WORK)
        return tuple(found)


def _so_far(reached: str) -> Words:
    """How far a sender and a person have come."""
    if reached == "stranger":
        return Words(
            "this sender and this person do not know each other yet",
            "mittente e destinatario non si conoscono ancora",
        )
    have = _STAGE_WORDS[reached]
    return Words(f"so far there is only {have.en}", f"finora c'è solo {have.it}")


_NO_WORK = Objection(
    code="no_work",
    reason=Words(
        "The request does not name anything you did together.",
        "La richiesta non nomina nulla che abbiate fatto insieme.",
    ),
    remedy=Words(
        "Name the project or the time when you worked together.",
        "Nominare il progetto o il periodo in cui avete lavorato insieme.",
    ),
)


@dataclass(frozen=True, slots=True)
class SourceOfData:
    """A first message says where the address came from and that one may object (GDPR 14 and 21(4)),
    unless the person gave it themselves: by a consent, a connection or a purchase."""

    def check(self, case: Case) -> Found:
        """Whether a stranger is told how we got hold of them."""
        known = case.facts.relationship
        if not case.first_contact or known.connected_at or case.reading.data_source.value:
            return NOTHING
        if case.class_ == "connection_request":
            return NOTHING
        if any(p.state == "granted" and p.channel == case.channel for p in case.facts.person.permissions):
            return NOTHING
        return (_SOURCELESS,)


_SOURCELESS = Objection(
    code="missing",
    reason=Words(
        "This first message does not say where the address came from and that one may object "
        "(GDPR 14 and 21(4)).",
        "Questo primo messaggio non dice da dove viene l'indirizzo e che ci si può opporre "
        "(artt. 14 e 21(4) GDPR).",
    ),
    remedy=Words(
        "Add a line such as \"I found your address on your company's website; tell me if you "
        'would rather not hear from me".',
        "Aggiungere una riga come «Ho trovato il suo indirizzo sul sito della sua azienda; mi "
        "dica se preferisce che non le scriva».",
    ),
)
