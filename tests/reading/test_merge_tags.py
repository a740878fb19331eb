# ruff: noqa: E501 (messages stand on one line)
import pytest

from gateway.message.content import Content
from gateway.reading.read import Reader

LEFT = [
    "Ciao {{first_name}}, come va?", "Ciao {{{nome|cliente}}}, come va?", "Ciao {nome}, come va?", "Hi ${firstName}, hello",
    "Hi %FIRSTNAME%, hello", "Dear %X%, hello", "Hi %%first_name%%, hello", "Hi %recipient.name%, hello", "Hi *|FNAME|*, hello", "Dear [[name]], hello",
    "Dear <%= name %>, hello", "Gentile [Nome], le scrivo", "Dear [First Name], hello", "Gentile <nome cliente>, le scrivo",
    "{% if name %}Ciao{% endif %} a te", "{{#if name}}Ciao{{/if}} a te", "{Ciao|Salve} Marco, come va?", "Hi FIRSTNAME, hello there",
    "Ciao ,\nho visto il tuo profilo", "Dear ,\nplease find", "Hi null,\nhow are you", "Dear undefined,\nhello", "Ciao None,\ncome va",
    "Ho visto il sito di  e credo che possiamo aiutarvi", "Saluti,\n[Il tuo nome]", "Hello #name#, welcome", "Bonjour [Prénom], merci",
    "Hallo [Vorname], danke", "Hola [Nombre], gracias", "Sehr geehrter Herr [Nachname], danke", "I saw [company]'s work on [topic] and liked it",
    "Hola [Nombre]: le escribo por el pedido", "Datum: {Datum}\nUhrzeit: {Uhrzeit}", "Gentile [Responsabile], le scrivo",
]  # fmt: skip
FINE = [
    "Il prezzo è di 20 € (IVA inclusa), sconto del 10% e del 15%.", 'Il file config.json contiene {"retries": 3, "name": "x"}.',
    "Nel template usiamo `{{ total }}` ma non va.", "[Promemoria] Riunione alle 15", "Il log dice [ERROR] timeout.", "See [1] and [2] for details.",
    "if (x) { return y; }\nfunction f() {\n}", "export PATH=${PATH}:/opt/bin", "GET /users/{id} returns 404.", "C:\\Users\\%USERPROFILE%\\x",
    "[SPAM] test", "The list [dev-list] moved.", "Bonjour ! Comment allez-vous ?", "Null values are returned by the function.",
    "- [x] fatto\n- [ ] da fare", "50% off and 20% off", "https://example.com/?a=%20b%20c", "Vedi allegato [sic].", "a  b due spazi qui",
    "[Immediate Action Plan]\nWe ship today.", "Re: [JIRA-123] build failed", "[nome]: https://example.com/a.png", "config: { port: 80 }\nseen = {x}",
]  # fmt: skip


@pytest.mark.parametrize("text", LEFT)
def test_tags_left_in_the_text_are_found(reader: Reader, text: str) -> None:
    finding = reader.read(Content(text=text)).unresolved_merge
    assert finding.value
    assert all(text[one.start : one.end] == one.text for one in finding.evidence)


@pytest.mark.parametrize("text", FINE)
def test_code_prices_and_labels_are_no_tags(reader: Reader, text: str) -> None:
    assert not reader.read(Content(text=text)).unresolved_merge.value, reader.read(
        Content(text=text)
    ).unresolved_merge


def test_tags_in_the_subject_are_found(reader: Reader) -> None:
    assert reader.read(Content(subject="Novità per {{azienda}}", text="Ciao")).unresolved_merge.value
    assert not reader.read(Content(subject="[Proposta] Riunione", text="Ciao")).unresolved_merge.value
