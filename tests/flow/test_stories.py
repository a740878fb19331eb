"""What people complain about, told from end to end over real sockets, with the shipped policies."""

import base64
import itertools
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.flow.harness import Answer, Client, Gateway, Sink, Target, consent, eventually, mail

ELENA = "https://www.linkedin.com/in/elena-riva-example"
MARIO = "https://www.linkedin.com/in/mario-bassi-example"
MAILBOX = "elena.riva@acme.example"

PITCH = (
    "Grazie del collegamento! Ti propongo la nostra consulenza per aumentare le vendite del 40%: prenota una demo"
    " gratuita di 15 minuti su https://www.acme.example/demo"
)
INTRODUCTION = (
    "Buongiorno {name}, sono Elena Riva e curo gli incontri con gli autori alla Libreria Acme di Milano. Le scrivo"
    " perché ho letto il suo articolo sulle biblioteche di condominio, numero {n}, e vorrei citarlo nella serata di"
    " aprile. Ho trovato il suo profilo qui su LinkedIn; se preferisce che non le scriva, me lo dica."
)
NEWSLETTER = (
    "Ciao {name}, ecco le novità di marzo della nostra libreria: tre romanzi, un saggio sulle api e l'incontro di"
    " giovedì con i lettori del quartiere. Per non ricevere più questi messaggi rispondi STOP."
)
WISH = (
    "Ciao {name}, in questo momento speciale desidero augurare a te e ai tuoi cari un Natale sereno e un nuovo anno"
    " pieno di soddisfazioni e di successi professionali. A presto!"
)


NOTES = (
    "Ho letto con piacere il suo intervento sulle biblioteche di quartiere.",
    "Mi ha colpito quanto ha scritto a proposito della carta riciclata.",
    "L'altra sera da Acme un cliente mi parlava delle sue ricerche: mercati rionali, bilance, voci.",
    "Ci siamo incrociati al festival di Mantova mentre raccontava le api in città.",
    "Curo gli scaffali di storia locale, e il suo saggio sul restauro dei codici è sul mio comodino.",
    "Da anni faccio lettura ad alta voce nelle scuole; ho scoperto il suo lavoro grazie alla radio.",
    "Preparo una bibliografia sugli orti condivisi e il suo nome torna spesso.",
    "La sua conferenza sulla musica barocca ha riempito la nostra saletta di domande.",
    "Mio padre restaurava mulini ad acqua: le sue fotografie li hanno riportati a tavola con noi.",
    "Insegnavo in Carnia, oggi vendo libri: la sua inchiesta sulle scuole di montagna dice il vero.",
    "Abbiamo un burattinaio tra i clienti più fedeli, e il suo manuale passa di mano in mano.",
    "Ho ritrovato un piatto di Faenza in soffitta e, grazie alle sue tavole, anche il nome di chi lo fece.",
    "Parlo il genovese di mia nonna: il suo dizionario mi ha insegnato tre parole perdute.",
    "Quale editore stampa ancora carte nautiche come quelle del suo catalogo? Lo chiedo da libraia.",
    "Impasto la notte e apro bottega la mattina; il lievito del suo ricettario è vivo da marzo.",
    "Al Giglio il guardiano del faro tiene il suo volume accanto al registro. Volevo dirglielo.",
    "Due ragazzi del liceo hanno esposto da noi scatti nati dal suo corso di strada.",
    "Sulla vetrina di Acme c'è l'insegna che lei descrive a pagina quaranta: passi a vederla.",
    "Il coro del paese prova tra i nostri scaffali, e canta dalla sua raccolta.",
    "Dove finisce l'acquedotto che ha disegnato per la mostra di Tivoli? Un lettore insiste.",
    "Tesso su un telaio di noce: il nodo che spiega nel terzo capitolo mi ha salvato l'ordito.",
    "Domenica abbiamo camminato sul Carso con la sua guida in tasca e la bora in faccia.",
    "La processione di san Giovanni, come la racconta lei, l'ho rivista identica a sette anni.",
    "Un soffiatore di Murano ha riconosciuto la fornace nel suo documentario. Gliela presento?",
    "I caratteri che usa per le copertine vengono da Nebiolo? Ne discutiamo da settimane al banco.",
)
"""Twenty-five people, and a note for each of them alone."""
WHO = "Buongiorno, sono Elena Riva della Libreria Acme. "
SECOND = (
    "Buongiorno {name}, mi chiamo Elena Riva, libraia da Acme a Milano. La sua lezione sui mulini è piaciuta molto ai"
    " nostri lettori, e mi chiedono chi abbia disegnato le mappe: le scrivo per questo. Ho trovato il suo profilo qui su"
    " LinkedIn; se preferisce che non le scriva, me lo dica."
)
THIRD = (
    "Buongiorno {name}, sono Elena Riva della Libreria Acme di Milano. Vorrei chiederle da quale"
    " archivio viene la fotografia del porto che apre il suo ultimo volume, perché un cliente ne riconosce il molo."
    " Il suo indirizzo è sul suo sito; se non desidera messaggi, basta una parola."
)


class Stage:
    """A gateway with its sinks, and people who were never written to."""

    def __init__(self, gateway: Gateway, sink: Sink, target: Target) -> None:
        self.gateway = gateway
        self.sink = sink
        self.target = target
        self._numbers = itertools.count(1)

    def someone(self) -> str:
        """The profile of a person nobody wrote to yet."""
        return f"https://www.linkedin.com/in/persona-{next(self._numbers)}-example"

    def say(
        self,
        to: str,
        text: str,
        class_: str = "outreach",
        sender: str = ELENA,
        name: str = "Lucia",
        **given: Any,
    ) -> Answer:
        """A private message through the native API."""
        body = {
            "channel": "linkedin",
            "class": class_,
            "sender": {"name": "Elena Riva", "addresses": [{"type": "linkedin", "value": sender}]},
            "recipient": {"name": f"{name} Neri", "addresses": [{"type": "linkedin", "value": to}]},
            "text": text,
            **given,
        }
        return self.gateway.request("POST", "/v1/messages", body)

    def happens(self, type_: str, to: str, ago: float = 0.0, sender: str = ELENA, **given: Any) -> Answer:
        """An event from a source that may open doors."""
        body = {
            "type": type_,
            "source_event_id": f"e{next(self._numbers)}",
            "occurred_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - ago)),
            "channel": "linkedin",
            "sender": {"addresses": [{"type": "linkedin", "value": sender}]},
            "recipient": {"addresses": [{"type": "linkedin", "value": to}]},
            **given,
        }
        answer = self.gateway.request("POST", "/v1/events", body)
        assert answer.status == 202, answer.body
        return answer

    def mail(self, to: str, text: str, class_: str, purpose: str = "", **headers: str) -> Any:
        """A mail by SMTP."""
        given = {"X_Galateo_Class": class_, **({"X_Galateo_Purpose": purpose} if purpose else {}), **headers}
        octets = mail(text, sender=f"Elena Riva <{MAILBOX}>", to=to, number=next(self._numbers), **given)
        with Client(self.gateway.smtp_port) as client:
            return client.send(MAILBOX, [to], octets)


def status(answer: Answer) -> str:
    return "rejected" if answer.status == 422 else str(answer.json()["status"])


def codes(answer: Answer) -> set[str]:
    return {violation["code"] for violation in answer.json()["violations"]}


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    folder = tmp_path_factory.mktemp("stories")
    with (
        Sink() as sink,
        Target() as target,
        Gateway(folder, relay=sink.url, webhook_relay=target.url) as gateway,
    ):
        yield Stage(gateway, sink, target)


def opted_in(stage: Stage, to: str, purpose: str, channel: str = "linkedin") -> None:
    stage.gateway.consents([consent(to, channel=channel, purpose=purpose)])


def test_a_newsletter_by_private_message_needs_an_opt_in(stage: Stage) -> None:
    lucia = stage.someone()
    for _ in range(2):
        answer = stage.say(lucia, NEWSLETTER.format(name="Lucia"), "newsletter", purpose="newsletter")
        assert status(answer) == "rejected"
        assert "consent.missing" in codes(answer)
    counted = stage.gateway.metric(
        "galateo_messages_total", outcome="rejected", **{"class": "newsletter", "channel": "linkedin"}
    )
    assert counted == 2
    anna = stage.someone()
    opted_in(stage, anna, "newsletter")
    answer = stage.say(anna, NEWSLETTER.format(name="Lucia"), "newsletter", purpose="newsletter")
    assert status(answer) == "accepted", answer.body


def test_an_offer_right_after_the_handshake(stage: Stage) -> None:
    luca = stage.someone()
    stage.happens("connection.accepted", luca, ago=30)
    answer = stage.say(luca, PITCH, purpose="offers")
    assert status(answer) == "rejected"
    assert {"consent.missing", "no_pitch.too_soon"} <= codes(answer)
    assert answer.json()["earliest"] is None
    opted_in(stage, luca, "offers")
    answer = stage.say(luca, PITCH, purpose="offers")
    assert status(answer) == "rejected"
    assert "consent.missing" not in codes(answer)
    [pitch] = [v for v in answer.json()["violations"] if v["code"] == "no_pitch.too_soon"][:1]
    assert pitch["earliest"]
    assert "repl" in pitch["remedy"]


def test_an_introduction_a_reply_and_the_offer_they_asked_for(stage: Stage) -> None:
    sara = stage.someone()
    thread = {"thread": {"id": f"chat-{sara}"}}
    first = stage.say(
        sara,
        INTRODUCTION.format(name="Sara", n=next(stage._numbers)),
        name="Sara",
        purpose="offers",
        **thread,
    )
    assert status(first) == "accepted", first.body
    stage.happens(
        "message.replied", sara, text="Grazie Elena, mi dica di più: quanto costa il corso?", **thread
    )
    offer = (
        "Grazie della risposta, Sara. Il corso di restauro dura otto lezioni e costa 240 euro; per chi si iscrive entro"
        " venerdì c'è uno sconto del 20%. Se vuole le tengo un posto."
    )
    answer = stage.say(sara, offer, "conversation", name="Sara", purpose="offers", **thread)
    assert status(answer) == "accepted", answer.body


def test_forty_invitations_without_a_note(stage: Stage) -> None:
    said = [{"kind": "connection_request"}, {}] * 20
    answers = [stage.say(stage.someone(), "", "connection_request", **how) for how in said]
    assert {status(answer) for answer in answers} == {"rejected"}
    assert all("bare_invitation.empty" in codes(answer) for answer in answers)


def test_invitations_with_notes_are_paced(stage: Stage) -> None:
    answers = [
        stage.say(stage.someone(), WHO + note, "connection_request", sender=MARIO, kind="connection_request")
        for note in NOTES
    ]
    outcomes = [status(answer) for answer in answers]
    assert outcomes[:4] == ["accepted"] * 4, answers[0].body
    assert "rejected" not in outcomes
    assert any("burst" in code for answer in answers[20:] for code in codes(answer))


@pytest.mark.parametrize("kind", ["greeting", "recommendation_request"])
def test_the_same_wish_to_hundreds(stage: Stage, kind: str) -> None:
    text = (
        WISH
        if kind == "greeting"
        else (
            "Ciao {name}, mi farebbe piacere ricevere una tua raccomandazione sul mio profilo: bastano due righe sul lavoro"
            " che abbiamo fatto insieme alla fiera del libro di Torino. Grazie di cuore!"
        )
    )
    names = ("Aldo", "Carla", "Enzo", "Gina", "Ivo", "Nino", "Olga", "Pia")
    answers = []
    for n in range(16):
        friend, name = stage.someone(), names[n % 8]
        stage.happens("connection.accepted", friend, ago=6 * 86400)
        thread = {"thread": {"id": friend}}
        stage.happens("message.replied", friend, ago=5 * 86400, text="Volentieri!", **thread)
        stage.happens("message.answered", friend, ago=4 * 86400, **thread)
        answers.append(
            stage.say(
                friend,
                text.format(name=name),
                kind,
                name=name,
                campaign={"id": f"c-{kind}"},
                purpose="x",
            )
        )
    outcomes = [status(answer) for answer in answers]
    assert outcomes[:3] == ["accepted"] * 3, answers[0].body
    assert set(outcomes[6:]) == {"held"}, outcomes
    holds = [h for h in stage.gateway.holds() if h["campaign"] == f"c-{kind}"]
    assert len({h["cluster"] for h in holds}) == 1


def test_a_wish_with_a_sentence_of_its_own(stage: Stage) -> None:
    for n in range(6):
        stage.say(
            stage.someone(),
            WISH.format(name="Ada"),
            "greeting",
            name="Ada",
            campaign={"id": f"w{n}"},
            purpose="x",
        )
    own = (
        WISH.format(name="Ada")
        + " Mi è rimasto impresso quello che dicevi a Verona sui turni di notte in magazzino."
    )
    assert (
        status(stage.say(stage.someone(), own, "greeting", name="Ada", campaign={"id": "own"}, purpose="x"))
        == "accepted"
    )


def test_a_sequence_does_not_roll_over_a_reply(stage: Stage) -> None:
    rita = stage.someone()
    thread = {"thread": {"id": f"chat-{rita}"}}
    assert (
        status(
            stage.say(
                rita,
                INTRODUCTION.format(name="Rita", n=next(stage._numbers)),
                name="Rita",
                purpose="offers",
                **thread,
            )
        )
        == "accepted"
    )
    stage.happens(
        "message.replied", rita, ago=3600, text="Buongiorno, le rispondo con calma domani.", **thread
    )
    third = "Buongiorno Rita, sono sempre Elena della Libreria Acme: le scrivo di nuovo per la serata di aprile sulle biblioteche."
    answer = stage.say(
        rita, third, name="Rita", purpose="offers", sequence={"id": "s", "step": 3, "of": 4}, **thread
    )
    assert status(answer) == "held", answer.body
    [duty] = [v for v in answer.json()["violations"] if v["code"].startswith("reply_duty")]
    assert time.strftime("%Y", time.gmtime()) in duty["reason"]
    stage.happens("message.answered", rita, **thread)
    hold = answer.json()["hold_id"]
    eventually(lambda: hold not in {h["id"] for h in stage.gateway.holds()}, what="the hold's end")


def test_no_sales_please(stage: Stage) -> None:
    ugo = stage.someone()
    opted_in(stage, ugo, "offers")
    stage.happens("connection.accepted", ugo, ago=6 * 86400)
    stage.happens("preference.changed", ugo, data={"no_sales": True})
    answer = stage.say(ugo, PITCH, purpose="offers")
    assert status(answer) == "rejected"
    assert any(code.startswith("no_sales") for code in codes(answer)), codes(answer)
    intro = stage.say(ugo, SECOND.format(name="Ugo"), name="Ugo", purpose="offers")
    assert status(intro) == "accepted", intro.body


def test_asking_leave_in_italy(stage: Stage) -> None:
    ask = (
        "Buongiorno {name}, sono Elena Riva della Libreria Acme. Ci siamo conosciuti alla fiera di Torino, allo stand {n},"
        " e parlavamo di legature antiche. Posso mandarle ogni tanto il programma dei nostri incontri? Se preferisce di no,"
        " basta dirmelo."
    )
    stranger = stage.someone()
    answer = stage.say(
        stranger,
        ask.format(name="Ida", n=next(stage._numbers)),
        "permission_request",
        name="Ida",
        purpose="newsletter",
    )
    assert status(answer) == "rejected", answer.body
    friend = stage.someone()
    stage.happens("connection.accepted", friend, ago=6 * 86400)
    answer = stage.say(
        friend,
        ask.format(name="Ida", n=next(stage._numbers)),
        "permission_request",
        name="Ida",
        purpose="newsletter",
    )
    assert status(answer) == "held", answer.body


def test_a_colleagues_door_stays_closed(stage: Stage) -> None:
    zoe = stage.someone()
    opted_in(stage, zoe, "offers")
    stage.happens("connection.accepted", zoe, ago=6 * 86400, sender=MARIO)
    stage.happens("message.replied", zoe, ago=5 * 86400, sender=MARIO, text="Sì, mi interessa.")
    answer = stage.say(zoe, PITCH, purpose="offers", sender=ELENA)
    assert status(answer) == "rejected"
    assert any(code.startswith("no_pitch") for code in codes(answer))


def test_a_reimported_list_revives_nobody(stage: Stage) -> None:
    address = "vera@officina.example"
    stage.gateway.consents([consent(address)])
    stage.gateway.consents([consent(address, action="withdrawn", purpose="", at="2026-05-01T10:00:00Z")])
    stage.gateway.consents([consent(address, action="imported", at="2026-06-01T10:00:00Z")])
    reply = stage.mail(address, NEWSLETTER.format(name="Vera"), "newsletter", "newsletter")
    assert reply.code == 550
    assert "floor/suppressed" in reply.text


def test_twenty_unanswered_replies(stage: Stage) -> None:
    busy = "https://www.linkedin.com/in/sempre-di-corsa-example"
    for _ in range(20):
        stage.happens("message.replied", stage.someone(), ago=6.9 * 86400, sender=busy, text="Mi dica pure.")
    answer = stage.say(
        stage.someone(),
        INTRODUCTION.format(name="Lia", n=next(stage._numbers)),
        name="Lia",
        purpose="offers",
        sender=busy,
    )
    assert status(answer) == "held", answer.body
    assert any(code.startswith("reply_backlog") for code in codes(answer))


def test_what_cannot_be_read_is_held(stage: Stage) -> None:
    address = "ada@studio.example"
    stage.gateway.consents([consent(address)])
    headers = {
        "List_Unsubscribe": "<https://a.example/u>",
        "List_Unsubscribe_Post": "List-Unsubscribe=One-Click",
    }
    picture = (
        f"From: Elena Riva <{MAILBOX}>\r\nTo: {address}\r\nSubject: Novità\r\nMessage-ID: <p1@acme.example>\r\n"
        "X-Galateo-Class: newsletter\r\nX-Galateo-Purpose: newsletter\r\nList-Unsubscribe: <https://a.example/u>\r\n"
        "List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\nMIME-Version: 1.0\r\nContent-Type: text/html\r\n\r\n"
        '<html><body><img src="https://a.example/offer.png"></body></html>\r\n'
    ).encode()
    with Client(stage.gateway.smtp_port) as client:
        reply = client.send(MAILBOX, [address], picture)
    assert reply.outcome == "held", reply.text
    assert "readable" in reply.text
    pdf = base64.encodebytes(b"%PDF-1.4 " + b"x" * 4000).decode().replace("\n", "\r\n")
    attached = (
        f"From: Elena Riva <{MAILBOX}>\r\nTo: {address}\r\nSubject: Novità\r\nMessage-ID: <p2@acme.example>\r\n"
        "X-Galateo-Class: newsletter\r\nX-Galateo-Purpose: newsletter\r\nList-Unsubscribe: <https://a.example/u>\r\n"
        "List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\nMIME-Version: 1.0\r\n"
        'Content-Type: multipart/mixed; boundary="b"\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nSee attached.\r\n'
        '--b\r\nContent-Type: application/pdf; name="offer.pdf"\r\nContent-Transfer-Encoding: base64\r\n'
        f'Content-Disposition: attachment; filename="offer.pdf"\r\n\r\n{pdf}\r\n--b--\r\n'
    ).encode()
    with Client(stage.gateway.smtp_port) as client:
        reply = client.send(MAILBOX, [address], attached)
    assert reply.outcome == "held", reply.text
    assert headers


def test_a_receipt_is_a_receipt(stage: Stage) -> None:
    plain = stage.mail(
        "tom@harbour.example",
        "Gentile Tom, il suo ordine 1042 è stato spedito oggi e arriva venerdì.",
        "transactional",
    )
    assert plain.outcome == "accepted", plain.text
    selling = stage.mail(
        "tom@harbour.example",
        "Gentile Tom, il suo ordine 1043 è stato spedito.\n\nUltima occasione: solo oggi sconto del 50% sul piano premium!"
        " Acquista ora su https://www.acme.example/premium e risparmia 120 euro.",
        "transactional",
    )
    assert selling.outcome == "held", selling.text
    assert "class_matches" in selling.text


def test_an_objection_stops_everything_that_waits(stage: Stage) -> None:
    omar = stage.someone()
    stage.happens("connection.accepted", omar, ago=6 * 86400)
    later = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 3600))
    waiting = 0
    for n in range(8):
        text = THIRD.format(name="Omar") + f" Torno sul punto {n}."
        waiting += status(stage.say(omar, text, name="Omar", purpose="offers", send_at=later)) == "accepted"
    held = [
        stage.say(
            omar, f"Buongiorno, sono Elena: {{{{first_name}}}}, torno sul punto {n}.", "greeting", purpose="x"
        )
        for n in range(5)
    ]
    before = stage.gateway.metric("galateo_deliveries_total", relay="webhook")
    stage.happens("unsubscribe", omar)
    assert not [h for h in stage.gateway.holds() if h["id"] in {a.json().get("hold_id") for a in held}]
    assert status(stage.say(omar, THIRD.format(name="Omar"), name="Omar", purpose="offers")) == "rejected"
    time.sleep(0.5)
    assert stage.gateway.metric("galateo_deliveries_total", relay="webhook") == before
    assert waiting >= 1
