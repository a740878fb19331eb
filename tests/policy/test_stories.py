"""The stories that the shipped policies exist for, with the real reading and no sockets."""

# ruff: noqa: E501 - the texts stand on one line each

import pytest
from msgspec.structs import replace

from gateway.policy.decide import decide
from gateway.policy.facts import Copies
from gateway.policy.load import load
from gateway.policy.outcome import Decision, Outcome
from gateway.policy.samples import built
from gateway.policy.stories import facts_of
from gateway.reading.load import load_lexicons
from gateway.reading.read import Reader
from gateway.store.sameness import SamenessIndex

from .world import DAY, NOW, SHIPPED

NAMES = "Anna Marco Giulia Luca Sara Paolo Elena Davide Chiara Andrea".split()
WRITTEN_WITH = {"connected": "90 days ago", "replied": ["30 days ago", "20 days ago"]}


class Gateway:
    """Reads, decides and remembers phrases and paces, as the line does."""

    def __init__(self) -> None:
        self.reader = Reader(load_lexicons(SHIPPED / "lexicons"))
        self.policies = load(SHIPPED, self.reader)
        self.forget()

    def forget(self) -> None:
        self.phrases = SamenessIndex()
        self.sent: dict[tuple[str, int], int] = {}
        self.people = 0

    def send(
        self, class_: str, text: str, channel: str = "linkedin", what: dict | None = None, **given
    ) -> Decision:
        about = built({"class": class_, "channel": channel, "text": text, **given}, NOW)
        self.people += 1
        reading = self.reader.read(about.content)
        facts = facts_of(what or {}, NOW)
        hashes = [phrase.hash for phrase in reading.phrases]
        counts, since = self.phrases.counts("default", hashes, self.people)
        pace = replace(facts.pace, sent={**facts.pace.sent, **self.sent})
        facts = replace(facts, copies=Copies(counts=counts, since=since), pace=pace)
        decision = decide(self.policies, about, about.recipients[0], reading, facts, NOW)
        if decision.outcome is Outcome.ACCEPT:
            self.phrases.add("default", hashes, self.people, NOW)
            for window in (3600, 86400):
                self.sent[(class_, window)] = self.sent.get((class_, window), 0) + 1
        return decision


@pytest.fixture(scope="module")
def loaded() -> Gateway:
    return Gateway()


@pytest.fixture
def gateway(loaded) -> Gateway:
    loaded.forget()
    return loaded


def codes(decision: Decision) -> set[str]:
    return {violation.code for violation in decision.enforced}


@pytest.mark.parametrize(
    ("class_", "text", "own"),
    [
        (
            "greeting",
            "Caro {n}, tanti auguri di Buon Natale e felice anno nuovo a te e ai tuoi cari!",
            "Mi è rimasta impressa la tua domanda sui turni di notte al convegno di Trento.",
        ),
        (
            "greeting",
            "Ciao {n}, Buone Feste!",
            "Mi è rimasta impressa la tua domanda sui turni di notte a Trento.",
        ),
        (
            "greeting",
            "Merry Christmas {n}! Wishing you and your family all the best for the new year.",
            "I still remember your question about the night shifts at the timber fair in Trento.",
        ),
        (
            "recommendation_request",
            "Ciao {n}! Ti andrebbe di scrivermi una raccomandazione su LinkedIn? Mi aiuterebbe molto. Grazie mille!",
            "Penso ai due anni insieme sul magazzino automatico di Verona.",
        ),
        (
            "recommendation_request",
            "Dear {n}, would you recommend me on LinkedIn? It would mean a lot to me.",
            "I am thinking of the two years we spent on the warehouse in Verona.",
        ),
    ],
)
def test_a_wish_or_a_favor_for_three_hundred(gateway, class_, text, own) -> None:
    outcomes = []
    for i in range(300):
        name = NAMES[i % len(NAMES)]
        decision = gateway.send(
            class_, text.format(n=name), what=WRITTEN_WITH, recipient_name=f"{name} Rossi"
        )
        outcomes.append(decision.outcome)
    passed = outcomes.count(Outcome.ACCEPT)
    assert 2 <= passed <= 6
    assert set(outcomes[:2]) == {Outcome.ACCEPT}
    assert set(outcomes[6:]) == {Outcome.HOLD}
    personal = gateway.send(
        class_, f"{text.format(n='Anna')} {own}", what=WRITTEN_WITH, recipient_name="Anna Rossi"
    )
    assert personal.outcome is Outcome.ACCEPT


def test_forty_invitations_without_a_note(gateway) -> None:
    decisions = [gateway.send("connection_request", "") for _ in range(40)]
    assert {d.outcome for d in decisions} == {Outcome.REJECT}
    assert all("bare_invitation.empty" in codes(d) for d in decisions)


TRADES = "falegname liutaia apicoltore fornaia tipografo vetraia sarto ceramista fabbro tessitrice".split()
PLACES = "Trento Verona Lecce Bari Udine Parma Siena Cuneo Sassari Matera".split()
OPENINGS = (
    "{n}, ho letto la sua intervista di {p} e mi ha colpito quel che dice del mestiere di {t}.",
    "Buongiorno {n}, ci siamo incrociati a {p}: mi interessa come lavora una {t} oggi.",
    "Gentile {n}, da {p} seguo le sue mostre; da {t} dilettante le chiedo di restare in contatto.",
    "{n}, un amico di {p} mi parla spesso di lei e della bottega di {t}: mi farebbe piacere conoscerla.",
)


def test_forty_invitations_with_notes_of_their_own_are_paced(gateway) -> None:
    notes = [
        OPENINGS[(i * 7) % 4].format(
            n=NAMES[i % 10], t=TRADES[(i // 4) % 10], p=PLACES[(i * 3 + i // 10) % 10]
        )
        for i in range(40)
    ]
    decisions = [gateway.send("connection_request", note, recipient_name=f"{NAMES[i % 10]} Rossi")
                 for i, note in enumerate(notes)]  # fmt: skip
    assert not any(d.outcome is Outcome.REJECT for d in decisions)
    assert decisions[0].outcome is Outcome.ACCEPT
    accepted = [d for d in decisions if d.outcome is Outcome.ACCEPT]
    assert len(accepted) <= 20


def test_a_newsletter_by_private_message(gateway) -> None:
    text = "La newsletter di novembre: tre articoli sul lavoro ibrido. Rispondi STOP per non riceverla più."
    # What nobody agreed to is a pitch as well; what someone agreed to is none.
    assert codes(gateway.send("newsletter", text)) == {"consent.missing", "no_pitch.stranger"}
    assert (
        gateway.send("newsletter", text, what={"opted_in": "newsletter on linkedin"}).outcome
        is Outcome.ACCEPT
    )


PITCH = (
    "Grazie del contatto! Ti propongo la nostra consulenza: prenota una demo gratuita con il 20% di sconto."
)


@pytest.mark.parametrize("class_", ["outreach", "promotion"])
def test_an_offer_thirty_seconds_after_the_handshake(gateway, class_) -> None:
    fresh = {"connected": "30 seconds ago", "introduced": True}
    without = gateway.send(class_, PITCH, what=fresh)
    assert without.outcome is Outcome.REJECT
    assert {"consent.missing", "no_pitch.too_soon"} <= codes(without)
    assert without.earliest == 0
    agreed = gateway.send(class_, PITCH, what={**fresh, "opted_in": "offers on linkedin"})
    assert agreed.outcome is Outcome.REJECT
    assert codes(agreed) == {"no_pitch.too_soon"}
    assert agreed.earliest == NOW - 30 + 14 * DAY
    assert "1 reply" in agreed.enforced[0].remedy.en


def test_introduction_reply_and_the_offer_they_asked_for(gateway) -> None:
    hello = gateway.send(
        "outreach",
        "Ciao Anna, sono Marco Bianchi, consulente in Esempio Srl. Ti scrivo perché ho letto il tuo articolo e vorrei farti una domanda.",
        recipient_name="Anna Verdi",
    )
    assert hello.outcome is Outcome.ACCEPT
    asked = {
        "replied": "yesterday",
        "unanswered": "yesterday",
        "known_reply": True,
        "source_kind": "person",
        "sent": 1,
    }
    offer = gateway.send("conversation", "Ciao Anna, come mi hai chiesto, ecco l'offerta: corso base a 490 euro, sconto del 10%.", what=asked)  # fmt: skip
    assert codes(offer) == set()


def test_a_sequence_meets_an_unanswered_reply(gateway) -> None:
    decision = gateway.send(
        "outreach",
        "Ti mando l'articolo sulle api di cui parlavamo giovedì.",
        what={"sent": 2, "unanswered": "yesterday"},
    )
    assert decision.outcome is Outcome.HOLD
    (duty,) = [v for v in decision.enforced if v.rule == "reply_duty"]
    assert "17 November 2026" in duty.reason.en
    assert "17 novembre 2026" in duty.reason.it
    assert duty.condition == "reply"


def test_no_sales_please(gateway) -> None:
    wish = {
        "no_sales": "yesterday",
        "connected": "90 days ago",
        "introduced": True,
        "opted_in": "offers on linkedin",
    }
    assert "no_sales.declared" in codes(gateway.send("outreach", PITCH, what=wish))
    hello = gateway.send(
        "outreach",
        "Ciao Anna, sono Marco Bianchi, docente di logistica. Ti scrivo perché ho letto il tuo articolo.",
        recipient_name="Anna Verdi",
        what=wish,
    )
    assert hello.outcome is Outcome.ACCEPT


def test_a_placeholder_is_refused(gateway) -> None:
    assert "merge_tags.unresolved" in codes(
        gateway.send("outreach", "Ciao {{first_name}}, sono Marco.", "email")
    )


def test_a_receipt_with_a_hidden_promotion(gateway) -> None:
    text = "Confermiamo il pagamento di 49,00 euro per l'ordine 4711."
    assert gateway.send("transactional", text, "email").outcome is Outcome.ACCEPT
    hidden = gateway.send(
        "transactional",
        text + " Solo per oggi sconto del 30% su tutti i corsi: approfitta dell'offerta e acquista ora!",
        "email",
    )
    assert hidden.outcome is Outcome.HOLD
    assert "class_matches.promotional" in codes(hidden)


@pytest.mark.parametrize(
    ("text", "sells"),
    [
        (
            "Grazie del contatto! Ti propongo la nostra consulenza: prenota una demo gratuita.",
            "prenota una demo",
        ),
        (
            "Sconto del 20% sul corso avanzato: prenoti entro domenica. Per non ricevere altre offerte: https://alfa.example/u",
            "Sconto del 20%",
        ),
    ],
)
def test_a_reason_quotes_what_sells_and_no_courtesy_beside_it(
    gateway: Gateway, text: str, sells: str
) -> None:
    decision = gateway.send("outreach", text, what={"connected": "2 hours ago"})
    [reason] = {
        v.reason.en for v in decision.violations if v.rule == "no_pitch" and v.policy == "first-contact"
    }
    assert f'This sells ("{sells}' in reason
