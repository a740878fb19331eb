"""Answers that invite nothing, in five languages, and those that only sound like it."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.ledger.refusal import invites_nothing


@pytest.mark.parametrize(
    "text",
    [
        "No thanks", "no thank you!", "No.", "nope", "Thanks, but we're all set.", "Not right now",
        "I'll pass, thank you", "We already have a supplier.", "Not a good fit for us", "👎",
        "Hi Elena,\n\nno\n\nAnna", "We have decided not to go ahead.", "not intrested",
        "It's a no from us.", "No, siamo già seguiti da un consulente.", "Appreciate the offer but no",
        "We're good for now", "We went with another provider", "Doesn't suit us, I'm afraid",
        "Devo rifiutare, grazie", "Lavoriamo con un altro studio", "Facciamo tutto internamente",
        "No grazie", "No, grazie!", "Grazie, ma no.", "Per ora no", "al momento no grazie",
        "Ti ringrazio ma passo", "Siamo a posto così", "Abbiamo già un fornitore", "nn mi interessa grz",
        "La ringrazio, ma al momento non ne abbiamo bisogno.\nCordiali saluti\nAnna Bo\nAcquisti",
        "No grazie\n\nIl giorno mar 3 nov 2026 Elena ha scritto:\n> Le va bene giovedì?",
        "Nein danke", "Kein Bedarf", "Im Moment nicht, danke", "Non merci", "Pas pour le moment",
        "No, gracias", "Ya tenemos proveedor", "De momento no",
        "Grazie, ma non è di nostro interesse.",
        "La ringrazio, al momento abbiamo altre priorità.",
        "Siamo già seguiti da un'agenzia, grazie.",
        "No, mi dispiace.",
        "Preferisco non procedere.",
        "Ho parlato con il titolare: la risposta è no.",
        "Troppo caro per noi, grazie comunque.",
        "Non siamo il vostro target.",
        "Abbiamo deciso diversamente.",
        "Ci abbiamo pensato ma non fa per noi.",
        "Passo, grazie.",
        "Per quest'anno il budget è chiuso.",
        "Thanks for reaching out, but this isn't relevant to us.",
        "We're going in a different direction.",
        "I don't see a fit here.",
        "Too expensive for us, thanks anyway.",
        "We already work with somebody.",
        "It's a no from me.",
        "Not our cup of tea.",
        "We've just signed with a competitor.",
        "I'll have to say no.",
        "We're not looking for this kind of thing.",
        "No budget left, sorry.",
        "Not a good use of our money.",
        "Danke, aber das ist für uns nicht relevant.",
        "Wir haben uns anders entschieden.",
        "Das ist nichts für uns.",
        "Wir sind bereits gut versorgt.",
        "Leider zu teuer.",
        "Danke, kein Bedarf.",
        "Merci, mais cela ne correspond pas à nos besoins.",
        "Nous avons déjà un prestataire.",
        "C'est trop cher pour nous.",
        "Nous ne donnerons pas suite.",
        "Ce n'est pas pour nous.",
        "Désolé, ce sera non.",
        "Gracias, pero no encaja con nosotros.",
        "Ya trabajamos con otra empresa.",
        "Es demasiado caro.",
        "Hemos decidido no seguir adelante.",
        "No es para nosotros.",
        "Lo siento, pero no.",
    ],
)  # fmt: skip
def test_a_polite_no_invites_nothing(text: str) -> None:
    assert invites_nothing(text)


@pytest.mark.parametrize(
    "text",
    [
        "Where did you get my email?", "Da dove avete preso il mio numero?", "Quali dati avete su di me?",
        "Chi vi ha dato il mio contatto?", "Woher haben Sie meine Adresse?",
        "Comment avez-vous eu mon adresse ?", "¿De dónde sacaron mi correo?",
        "Wrong person", "Numero sbagliato", "Non me ne occupo io", "Anna no longer works here.",
        "I am out of the office until Monday.", "Sono in ferie fino al 25 agosto, risponderò al mio rientro.",
        "Thank you for contacting Acme. We will get back to you as soon as we can.",
        "Questa casella non è più attiva. Si prega di scrivere a info@example.org",
    ],
)  # fmt: skip
def test_rights_absences_and_the_wrong_person_invite_nothing(text: str) -> None:
    assert invites_nothing(text)


@pytest.mark.parametrize(
    "text",
    [
        "", "👍", "Thanks!", "ok", "Grazie mille", "Yes please", "Sì, volentieri", "Why not? Tell me more",
        "No problem, Thursday works", "No worries, send it over", "Perché no? Parliamone",
        "No grazie, non serve il catalogo: mi faccia direttamente un'offerta",
        "no anzi sì, mi interessa molto", "Not now, but call me next month", "Niente male! Mi chiami",
        "Abbiamo già un fornitore, ma mi mandi pure il listino", "How much is it?",
        "Grazie, al momento non siamo interessati ma risentiamoci a gennaio.",
        "Sono fuori ufficio fino a lunedì, possiamo sentirci martedì?",
        "Certo.\n--\nAnna\nIf you are not interested in these mails, we no longer work with you",
        "Kein Problem, Donnerstag passt. Ja, gerne", "Pas de souci, avec plaisir", "Con gusto",
        "I'm all set for Thursday, see you there", "We have no budget issues, send the quote",
        "No, anzi, mi mandi il listino", "No, martedì va bene",
        "How did you get your job?",
        "Sì, mi interessa, quanto costa per noi?",
        "Interessante, non è troppo caro per noi. Quando possiamo vederci?",
        "Abbiamo altri progetti in arrivo e ci serve proprio questo.",
        "Grazie, ho ricevuto i documenti e li firmo domani.",
        "Let's go with the larger package.",
        "We're looking for this kind of thing, tell me more.",
        "Thanks, received. I'll read it tonight.",
        "Das ist genau das Richtige für uns.",
        "Wir arbeiten bereits an der Freigabe und melden uns morgen.",
        "Cela correspond à nos besoins, quand pouvez-vous passer ?",
        "Me encaja, hablamos el lunes.",
        "Ya cuento con usted para el martes.",
        "Ecco la fattura firmata, buona giornata.",
        "Please talk to my colleague Sara, she runs this.",
    ],
)  # fmt: skip
def test_whoever_asks_for_more_is_not_taken_for_a_no(text: str) -> None:
    assert not invites_nothing(text)


@given(st.text())
def test_whatever_comes_is_read(text: str) -> None:
    assert isinstance(invites_nothing(text), bool)


@pytest.mark.parametrize(
    "piece", ["no ", "where ", "request ", "who my ", "mi mand ", "\n", "grazie ", "non "]
)
def test_repetition_costs_little(piece: str) -> None:
    started = time.perf_counter()
    invites_nothing(piece * 30_000)
    assert time.perf_counter() - started < 1
