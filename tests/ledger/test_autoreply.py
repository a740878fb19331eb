"""Human replies and others, the stop in five languages, and what is new in a reply."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.ledger.autoreply import (
    asks_to_stop,
    begins_with_stop,
    calls_itself_automatic,
    is_marked_reply,
    kind_of,
    newest_text,
    reads_automatic,
    trace_of,
)
from gateway.message.parse import parse

PAYLOADS = Path(__file__).resolve().parents[3] / "shared" / "data" / "payloads"


def kind(
    headers: dict[str, str] | None = None, envelope_from: str = "ana@example.test", subject: str = "Re: Ciao"
) -> str:
    return kind_of(headers or {}, envelope_from=envelope_from, subject=subject)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("auto-submitted", "auto-replied"),
        ("auto-submitted", "auto-generated; owner-email=x"),
        ("auto-submitted", " Auto-Notified"),
        ("precedence", "bulk"),
        ("precedence", "auto_reply"),
        ("precedence", "Junk"),
        ("x-autoreply", "yes"),
        ("x-autorespond", ""),
        ("x-autoresponder", "1"),
        ("x-auto-response-suppress", "All"),
        ("x-auto-response-suppress", "DR, RN, NRN, OOF, AutoReply"),
        ("x-vacation", "1"),
        ("x-failed-recipients", "a@b.example"),
        ("list-id", "<x.example>"),
        ("list-unsubscribe", "<https://x.example/u>"),
        ("x-ms-exchange-generated-message-source", "Mailbox Rules Agent"),
    ],
)
def test_marks_of_machines(name: str, value: str) -> None:
    assert kind({name: value}) == "automatic"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("auto-submitted", "no"),
        ("auto-submitted", " No "),
        ("precedence", "normal"),
        ("precedence", "first-class"),
        ("x-autoreply", "no"),
        ("x-auto-response-suppress", "DR"),
        ("x-mailer", "Mutt"),
    ],
)
def test_marks_of_people(name: str, value: str) -> None:
    assert kind({name: value}) == "human"


@pytest.mark.parametrize(
    "envelope_from",
    ["", "MAILER-DAEMON@mx.example", "no-reply@shop.example", "noreply@shop.example", "postmaster@x.example",
     "bounces+123=a.example@esp.example", "do-not-reply@x.example", "owner-list@x.example",
     "list-request@x.example"],
)  # fmt: skip
def test_senders_that_are_no_people(envelope_from: str) -> None:
    assert kind(envelope_from=envelope_from) == "automatic"


@pytest.mark.parametrize(
    "envelope_from", ["ana@example.test", "norbert@x.example", "norep@x.example", "bounceback.band@x.example"]
)
def test_senders_that_are_people(envelope_from: str) -> None:
    assert kind(envelope_from=envelope_from) == "human"


@pytest.mark.parametrize(
    "subject",
    [
        "Automatic reply: Quick question",
        "Re: Automatic reply: Quick question",
        "[EXT] Out of Office: Re: offer",
        "Auto: offer",
        "Risposta automatica: proposta",
        "R: Fuori ufficio",
        "Abwesenheitsnotiz: Angebot",
        "AW: Automatische Antwort: Angebot",
        "Réponse automatique : votre offre",
        "Respuesta automática: oferta",
        "Undelivered Mail Returned to Sender",
        "Read: Quick question",
    ],
)
def test_subjects_of_machines(subject: str) -> None:
    assert reads_automatic(subject)
    assert kind(subject=subject) == "automatic"


@pytest.mark.parametrize(
    "subject",
    ["Re: Quick question", "Automatic watering for your garden", "R: proposta", "", "Reading list",
     "Autonomy", "Out of curiosity", "Absolutely", "Lettone"],
)  # fmt: skip
def test_subjects_of_people(subject: str) -> None:
    assert not reads_automatic(subject)


def test_a_reply_is_known_by_the_trace_of_our_own_subject() -> None:
    ours = trace_of("In ferie con noi  a Rimini")
    assert ours
    for subject in ("Re: In ferie con noi a Rimini", "R: [EXT] AW: IN FERIE con noi a Rimini"):
        assert is_marked_reply(subject)
        assert trace_of(subject) == ours
    for subject in ("Automatic reply: In ferie con noi a Rimini", "In ferie con noi a Rimini", "Read: x"):
        assert not is_marked_reply(subject)
    assert trace_of("Re: In ferie") != ours
    assert trace_of("Una domanda") == ""


def test_the_first_line_alone_may_stop_whatever_the_subject() -> None:
    assert begins_with_stop("\n STOP!\nAnna")
    for text in ("I am away.\nSTOP", "", "> STOP", "Stop by on Monday"):
        assert not begins_with_stop(text)


@pytest.mark.parametrize(
    "declared",
    [
        "multipart/report; report-type=delivery-status; boundary=x",
        " Multipart/Report; boundary=x",
        "message/delivery-status",
    ],
)
def test_reports(declared: str) -> None:
    assert kind({"content-type": declared}, envelope_from="") == "report"


@pytest.mark.parametrize(
    "text",
    [
        "STOP", "Stop.", "unsubscribe", "Please remove me from your list!", "Don’t contact me again",
        "Basta", "Cancellatemi", "Non scrivetemi più.", "disiscrivimi",
        "Abmelden", "Bitte keine E-Mails mehr!", "Nicht mehr kontaktieren",
        "Désabonner", "Ne m’écrivez plus", "désinscription",
        "Baja", "No me escriba más", "darme de baja", "¡Basta ya!",
        "stop grazie", "Ok, stop.", "avete rotto, basta", "basta così, grazie", "Hi, unsub please",
        "dont message me anymore", "Ciao, cancellatemi per favore",
        "> Le interessa?\n\nNon scrivetemi più.",
        "Il giorno mar 3 nov Elena ha scritto:\n> Buongiorno\n> Le interessa?\n\nStop, grazie",
        "Ciao,\n> Le interessa?\nNo, basta\n> Elena",
        "Hello,\n\nunsubscribe\n\nAnn", "Buongiorno\ncancellami\nAnna",
    ],
)  # fmt: skip
def test_stop_in_five_languages(text: str) -> None:
    assert asks_to_stop(text)


@pytest.mark.parametrize(
    "text",
    [
        "", "Yes, happy to talk.", "I can't stop thinking about it", "Non basta, serve altro",
        "> STOP", "Sounds good.\n\n> reply STOP to unsubscribe\n> STOP",
        "Sì, volentieri.\n\nIl giorno 3 marzo Elena ha scritto:\nSTOP",
        "Ja.\n\nAm 3. März schrieb Elena:\nabmelden",
        "Ok, basta, abbiamo deciso", "Grazie, basta così: il resto lo ordino dopo",
        "Next, remove, then print",
        "Basta che non sia di lunedì", "Ok, basta dirmi dove", "Stop by on Monday, please",
        "Sì, mi interessa molto.\n> Le interessa?\nstop", "Bene\n\nDa: Elena\nOggetto: x\n> a\nstop",
        "one\ntwo\nthree\nstop", "Let's stop by on Monday",
        "Thanks!\n-----Original Message-----\nunsubscribe",
        "Ok\nFrom: Elena <e@acme.example>\nunsubscribe",
    ],
)  # fmt: skip
def test_no_stop(text: str) -> None:
    assert not asks_to_stop(text)


@pytest.mark.parametrize(
    ("text", "own"),
    [
        ("This is an automated message, please do not reply.", True),
        ("Ticket 4711\nQuesto è un messaggio automatico.\nNon risponda.", True),
        ("Automatic reply: Hello", True),
        ("This is an automated email and I do not want it. Unsubscribe me.", False),
        ("This is an automated mailing, take me off your list please.", False),
        ("Messaggio automatico o no, cancellatemi dalla lista.", False),
        ("Dies ist eine automatische Mail, oder? Streichen Sie mich von der Liste.", False),
        ("Volentieri", False),
    ],
)
def test_what_a_machine_says_of_itself_and_a_person_of_our_mail(text: str, own: bool) -> None:
    assert calls_itself_automatic(text) is own


def test_what_stands_below_a_marked_quotation_is_theirs_where_nothing_stands_above() -> None:
    below = "On Thu, 12 Mar 2026, Rui wrote:\n> Dear Ana\n> are you in?\n\nNo thanks.\nAna"
    assert newest_text(below) == "No thanks.\nAna"
    assert newest_text(f"Yes, happy to talk.\n{below}") == "Yes, happy to talk."
    assert newest_text("On Thu, Rui wrote:\nDear Ana\n> Hello\nstop") == ""


def test_newest_text_leaves_quotations_out() -> None:
    text = "Yes, happy to talk.\r\n\r\nOn Thu, 12 Mar 2026, Rui wrote:\r\n> Dear Ana\r\n"
    assert newest_text(text) == "Yes, happy to talk."


@given(
    st.text(),
    st.text(),
    st.dictionaries(st.sampled_from(["auto-submitted", "precedence", "list-id"]), st.text()),
)
def test_whatever_comes_is_read(text: str, subject: str, headers: dict[str, str]) -> None:
    assert kind(headers, text, subject) in ("human", "automatic", "report")
    assert isinstance(asks_to_stop(text), bool)
    assert len(newest_text(text)) <= len(text)


@given(
    st.sampled_from(["on ", "-- original", "from: ", "\n", " ", "wrote", ":", "_" * 50, "["]),
    st.integers(1, 400),
)
def test_repetition_costs_little(piece: str, times: int) -> None:
    text = piece * times
    assert isinstance(asks_to_stop(text), bool)
    assert isinstance(reads_automatic(text), bool)


@pytest.mark.parametrize(
    ("sample", "wanted"), [("smtp_inbound_reply", "human"), ("smtp_inbound_autoreply", "automatic")]
)
def test_recorded_replies(sample: str, wanted: str) -> None:
    file = PAYLOADS / f"{sample}.json"
    if not file.exists():
        pytest.skip(f"the recorded payload {sample} is not here")
    data = json.loads(file.read_text())
    parsed = parse(data["raw_message"].encode())
    headers = dict(reversed(list(parsed.headers.items())))
    said = kind_of(headers, envelope_from=data["envelope"]["mail_from"], subject=parsed.content.subject)
    assert said == wanted
