# ruff: noqa: E501 (messages stand on one line)
import pytest

from gateway.message.content import Content
from gateway.reading.read import Reader

LEFT = [
    'Vi scrivo perché [RIFERIMENTO PRECISO — es. "leggo da tempo i vostri rapporti, e so quanto sia centrale il vostro lavoro" / "ho visto il vostro ultimo bilancio, e il numero delle persone che ogni anno si rivolgono a voi"].',
    "Gentile ${pratica.getTitolare().getNome()}, la sua pratica è pronta.",
    "Si ricorda che il termine è il {0} e che le domande vanno inviate prima.",
    "Le inviamo la stampa della domanda per:\n{0}\n{1}",
    "I would love to play at ROOM_NAME_HERE in the spring.",
    "We helped [Competitor] cut their costs by half.",
    "Gentile",
    "Hello NNN,\n\nyour seat is on the waiting list.",
    "Ciao %1$s, il tuo sconto è scaduto.",
    "{} has joined! Open the app to see more.",
    "Your :app trial ended on :date, and no card was added.",
    "Welcome to :app",
    'Ciao "+user.getName()+", benvenuta tra noi!',
    "Abbiamo registrato la rinuncia per ' + student + '.",
    "Hello <<Client.PreferredName>>, your papers are missing.",
    "Subscribed to #{venue_name(account)} special offers.",
    "Ciao {row.get('name', '')}, grazie della chiamata.",
    "Egregio signore, mi interessa la posizione di {cv_data['job_title']} da voi.",
    "Buongiorno Avv. [ ], ha letto il mio messaggio?",
    "La riunione si è allungata${d}. Esco e propongo un orario.",
    "Grazie mille{name}! A presto.",
    "Dear PLACEHOLDER_SPEAKER_SALUTATION, thank you for joining us.",
    "Last note from me, Dave at [BUSINESS]. Reply YES for a slot.",
    "Gentile $user_surname $user_name, la sua domanda è arrivata.",
    "Hi $anna, thanks for telling me about $firm last week.",
    "Codice dell'ordine: $a->orderid",
    "Le ricordiamo la visita: :date alle :time.",
    "You asked us to reset your password on :appName.",
    "Happy birthday, %s! Have a lovely day.",
    'Benvenuta "+to+", in allegato trova la conferma.',
    "Richiesta registrata (cod. ' . $token . ').",
    "Si comincia il {event.StartDate.ToShortDateString()} in biblioteca.",
    "Ciao {{first_name}}, come va?", "Ciao {{{nome|cliente}}}, come va?", "Ciao {nome}, come va?", "Hi ${firstName}, hello",
    "Hi %FIRSTNAME%, hello", "Dear %X%, hello", "Hi %%first_name%%, hello", "Hi %recipient.name%, hello", "Hi *|FNAME|*, hello", "Dear [[name]], hello",
    "Dear <%= name %>, hello", "Gentile [Nome], le scrivo", "Dear [First Name], hello", "Gentile <nome cliente>, le scrivo",
    "{% if name %}Ciao{% endif %} a te", "{{#if name}}Ciao{{/if}} a te", "{Ciao|Salve} Marco, come va?", "Hi FIRSTNAME, hello there",
    "Ciao ,\nho visto il tuo profilo", "Dear ,\nplease find", "Hi null,\nhow are you", "Dear undefined,\nhello", "Ciao None,\ncome va",
    "Ho visto il sito di  e credo che possiamo aiutarvi", "Saluti,\n[Il tuo nome]", "Hello #name#, welcome", "Bonjour [Prénom], merci",
    "Hallo [Vorname], danke", "Hola [Nombre], gracias", "Sehr geehrter Herr [Nachname], danke", "I saw [company]'s work on [topic] and liked it",
    "Ciao {{}}, come stai?", "Hi %%=v(@FirstName)=%%, hello", "https://x.example/%%unsubscribe%%", "Hi <?= $name ?>, hello", "Hi {!Contact.FirstName}, hello",
    "Hi {$name}, hello", 'Hi ${contact.firstName!"there"}, hello', "Hi %FIRST NAME%, hello", "[Ciao|Salve] Marco, come va", "Ciao ｛｛nome｝｝, come va", '{ MERGEFIELD "Nome" }',
    "Gentile «AddressBlock», le scrivo", "Hi -first_name-, hello", "Hi :name:, hello", "Hi @name, hello", "Hi &&name&&, hello", "Hi ~Contact.FirstName~, hello",
    "Hi First Name, hello", "Hi firstname, hello", "Gentile Nome Cognome, le scrivo", "Dear Customer Name, hello", "Hi <null>, hello", "Hi #REF!, hello", "Hi -, hello",
    "Ciao !\n\nHo visto il tuo profilo.", "Dear Mr./Mrs. ,\nhello", "Gentile Dott.ssa , le scrivo", "I noticed that  is hiring", "Ho visto che  è cresciuta", "Great work at !",
    "Your role as  at  caught my eye", "Great role at undefined.", "null ti ha invitato", "La tua azienda (undefined) cresce", "Il tuo ordine n. null è partito", "Your order #undefined has shipped",
    "Total: $NaN", "Totale: €null", "L'importo di € , scade domani", "La sua visita del NaN alle NaN", "Il tuo appuntamento del Invalid Date è confermato", "Il contratto scade il 1970-01-01",
    "Appuntamento il 00/00/0000", "Cordiali saluti,\n[Il tuo nome e cognome]", "(inserire nome)", "We are OOO, the provider of tools", "Il nostro prodotto XXX è nuovo", "Gentile XXX, le scrivo",
    "Dear {0}, we will celebrate", "Hi {sender_name}, the string was returned", "Ciao {dipendente}, il bug è risolto", "È stato un piacere incontrarLa al %(fair)s, in fiera", "la fattura n. %s, scaduta il %s, è insoluta", "Il tuo piano è ${label(newPlan)}.",
    "I'm \\(agentName), your agent", 'Gentile <t t-out="object.name"/>, le scrivo', "Ciao _NOME, buone notizie!", "Ciao `[Nome]`, seguo il vostro lavoro su `[tema]`",
    "Hola [Nombre]: le escribo por el pedido", "Datum: {Datum}\nUhrzeit: {Uhrzeit}", "Gentile [Responsabile], le scrivo",
]  # fmt: skip
FINE = [
    "Il glossario [versione 2.0.0] e il piano [v 1.3] sono pronti.",
    "Please call me, my number is 050-XXX-XXXX.",
    "The kernel of the map is {0}.",
    "x = f'{row.get(\"name\")}'",
    """print(f"{row['name']}: {row.get('sum')}")""",
    "Dear customer, your A/c XXXX was debited by 999.00 on 5 November.",
    "In LaTeX write \\frac{name}{x} and f(x) = {}.",
    'Use "a" + name() + "b"; to join them.',
    "Please see :ref:`name` there.",
    "We raised $mln 3 and it costs $5k or $AAPL.",
    "Nota :importante, si comincia alle 9.",
    "Data :lunedì\nOra :dieci",
    "Good :smile: and then :wink:",
    "The field $name is wrong in your script.",
    "Set $path before you run it.",
    'He said "yes" + "no", and then \'a\'. \'b\'',
    "Il prezzo è di 20 € (IVA inclusa), sconto del 10% e del 15%.", 'Il file config.json contiene {"retries": 3, "name": "x"}.',
    "Nel template usiamo `{{ total }}` ma non va.", "[Promemoria] Riunione alle 15", "Il log dice [ERROR] timeout.", "See [1] and [2] for details.",
    "if (x) { return y; }\nfunction f() {\n}", "export PATH=${PATH}:/opt/bin", "GET /users/{id} returns 404.", "C:\\Users\\%USERPROFILE%\\x",
    "[SPAM] test", "The list [dev-list] moved.", "Bonjour ! Comment allez-vous ?", "Null values are returned by the function.",
    "- [x] fatto\n- [ ] da fare", "50% off and 20% off", "https://example.com/?a=%20b%20c", "Vedi allegato [sic].", "a  b due spazi qui",
    "La formula è \\frac{a}{b}.", "Nell'intervallo [a, b] cresce", "L'insieme {x | x > 0} è aperto", '{"first_name": "x"}', "Usa la variabile ${HOME} nello script", "la colonna first_name del database",
    "colonna `first_name`", "il metodo __name__ in Python", "Il campo (nome) è obbligatorio", "XXX edizione del festival", "Il secolo XXX", "See you soon! XXX", "I'm OOO until Monday", "OOO fino a lunedì",
    "Testo\n______________________________\naltro", "Bene........ vediamo", "Ci vediamo in  centro", "Vado a  casa", "Cannot read property 'x' of undefined", "Il log mostra [object Object]", "List<Name> names",
    "Il tag <title> in HTML", 'git commit -m "fix {name}"', "regex: [a-z]+ e {2,3}", "Salut !", "Nato il 01/01/1970 a Pisa", "usage: tool [start|stop]", "Hi Nan, see you on Sunday",
    "Pass a string to %s and it prints it", "The kernel is {0}, so f is one-to-one", "Inline math is \\(x\\) here", "This is _IMPORTANT_ to us", "lo spazio {0}, {1} e {2}",
    "Rename the variable MY_NAME and push", "usa `[x for x in y]` nel codice", "Discount of 20 %d", "[Immediate Action Plan]\nWe ship today.", "Re: [JIRA-123] build failed", "[nome]: https://example.com/a.png", "config: { port: 80 }\nseen = {x}",
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


def test_what_is_left_is_shown_once(reader: Reader) -> None:
    for text in (
        "Hi ${name}, hello",
        "Hi [object Object], hello",
        "Hi {{first_name}}, hello",
        "Dear [FIRST_NAME], hello",
    ):
        assert len(reader.read(Content(text=text)).unresolved_merge.evidence) == 1


@pytest.mark.parametrize("before", ["", "Re: ", "R: ", "Fwd: Re: ", "AW: "])
def test_the_mark_of_a_list_or_a_project_before_a_subject_is_no_field(reader: Reader, before: str) -> None:
    text = "Ciao Anna, ho risposto al tuo commento di ieri."
    for mark in ("[acme/tool]", "[org/repo-name]", "[soci-lista]", "[acme-tool]"):
        found = reader.read(Content(subject=f"{before}{mark} Fix the queue", text=text)).unresolved_merge
        assert not found.value, found
    assert reader.read(Content(subject=f"{before}[Nome], una domanda", text=text)).unresolved_merge.value
