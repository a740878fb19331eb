"""Which channel a reply refuses, and that nobody who wants no mail at all is taken for one of these."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.ledger.channels import besides_channels, refused_channels

ONE = [
    ("sms", "Don't text me, call the office.", ("sms",)),
    ("sms", "Please no texts. Email me instead.", ("sms",)),
    ("whatsapp", "Not on WhatsApp please, use email.", ("whatsapp",)),
    ("linkedin", "Please don't write to me on LinkedIn, use email.", ("linkedin",)),
    ("email", "Please don't email me, call me on the office line.", ("email",)),
    ("email", "Please don't call me, email is fine.", ("phone",)),
    ("sms", "Per favore non mi scriva su questo numero, mi mandi una mail.", ("sms",)),
    ("whatsapp", "Niente WhatsApp, meglio la mail.", ("whatsapp",)),
    ("sms", "Non mandatemi sms, chiamate in ufficio.", ("sms",)),
    ("email", "Non mi chiami, preferisco la mail.", ("phone",)),
    ("sms", "Bitte keine SMS, schreiben Sie mir per E-Mail.", ("sms",)),
    ("whatsapp", "Bitte nicht über WhatsApp, rufen Sie im Büro an.", ("whatsapp",)),
    ("sms", "Pas de SMS svp, écrivez-moi par mail.", ("sms",)),
    ("linkedin", "Pas sur LinkedIn, appelez le bureau.", ("linkedin",)),
    ("whatsapp", "No por WhatsApp, mejor por correo.", ("whatsapp",)),
    ("sms", "No me mande mensajes de texto, llame a la oficina.", ("sms",)),
]

WHOLE = [
    ("sms", "Don't text me."),
    ("sms", "Don't text me again."),
    ("sms", "Don't text me, call me, or email me again."),
    ("sms", "Don't text me. Don't email me. Don't call."),
    ("sms", "Don't text me, I get enough of your emails already."),
    ("email", "Stop. No more mails."),
    ("email", "Non mi scriva più. Ho già ricevuto troppe mail, basta."),
    ("email", "Keine Mails mehr, danke."),
    ("email", "Ne m'écrivez plus."),
    ("email", "No me escriba más."),
    ("email", "Volentieri, mi chiami in ufficio."),
    ("email", "Yes, email me the price."),
    ("email", "I have no access to my mail, call the office."),
    ("email", "I never got your email, please call me."),
    ("email", "Don't call me before ten, email is fine."),
    ("email", "Don't forget to email me the file. You can call me too."),
    ("email", "Non ho ricevuto la mail, mi chiami in ufficio."),
    ("email", "Ich habe keine E-Mail bekommen, bitte rufen Sie mich an."),
    ("sms", "Remove me from your list and don't text me, call the office for anything urgent."),
    ("sms", "Don't text me and take me off your list, email my assistant about the invoice."),
    ("email", "Unsubscribe me and don't email me, call the office."),
    ("email", "Non scrivetemi più mail e cancellatemi dalla lista, per urgenze chiamate l'ufficio."),
    ("email", "Bitte keine Mails mehr und löschen Sie meine Daten, rufen Sie im Büro an."),
    ("email", "Ne m'envoyez plus de mails et supprimez mes données, appelez le bureau."),
    ("email", "No me mande más correos y bórreme de su lista, llame a la oficina."),
    ("email", "Stop emailing me. I will call the police."),
    ("email", "Stop emailing me. Next time I call my lawyer."),
    ("email", "Don't email me again. I'll just call you if I need anything."),
]


@pytest.mark.parametrize(("channel", "text", "refused"), ONE)
def test_one_channel_is_refused_where_another_is_named(
    channel: str, text: str, refused: tuple[str, ...]
) -> None:
    assert refused_channels(text, channel) == refused


@pytest.mark.parametrize(("channel", "text"), WHOLE)
def test_a_stop_without_another_way_is_about_no_channel(channel: str, text: str) -> None:
    assert refused_channels(text, channel) == ()
    assert besides_channels(text, channel) == text


def test_what_is_said_beside_it_is_left_to_be_read() -> None:
    assert besides_channels("Don't text me, call the office. Unsubscribe me.", "sms") == (
        "call the office.\nunsubscribe me"
    )


@pytest.mark.parametrize("mark", ["'", "'.", " '", "only ", "telegram ", "send ", "-", "a' "])
def test_what_anybody_may_write_is_read_at_once(mark: str) -> None:
    """One run of marks, which a pattern might try to divide in every way there is."""
    began = time.perf_counter()
    for text in (f"don't text me, telegram a b c d only {mark * 1000}", f"no mail, {mark * 1000}"):
        refused_channels(text, "sms")
    assert time.perf_counter() - began < 2


@given(st.text(), st.sampled_from(["email", "sms"]))
def test_whatever_comes_is_read(text: str, channel: str) -> None:
    assert isinstance(refused_channels(text, channel), tuple)
    assert isinstance(besides_channels(text, channel), str)
