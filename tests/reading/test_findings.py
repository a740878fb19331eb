# ruff: noqa: E501 (messages stand on one line)
"""A table of cases: what each finding holds to be so, and what not, by language."""

import pytest

from gateway.message.content import Attachment, Content
from gateway.reading.read import Reader

# finding, language, text, expected
CASES = [
    ("promotional", "it", "Ciao Ada, la nostra nuova offerta: -30% sul catalogo. Prenota una demo gratuita!", True),
    ("promotional", "it", "Ciao Ada, ti rimando il verbale della riunione di martedì.", False),
    ("promotional", "it", "Newsletter di marzo: in questo numero parliamo di orti. Buona lettura!", True),
    ("promotional", "en", "Our platform helps teams like yours save time. Book a free demo today.", True),
    ("promotional", "en", "Your order 4411 has been shipped and arrives on Tuesday.", False),
    ("promotional", "en", "Could you review the draft contract before Friday?", False),
    ("promotional", "de", "Unsere Software senkt Ihre Kosten. Jetzt kostenlos testen!", True),
    ("promotional", "de", "Hallo Tom, das Protokoll von gestern schicke ich dir morgen.", False),
    ("promotional", "fr", "Découvrez notre offre spéciale : essai gratuit, sans engagement.", True),
    ("promotional", "fr", "Bonjour Anne, je passe jeudi reprendre le dossier.", False),
    ("promotional", "es", "Descubre nuestra nueva colección con un 20% de descuento.", True),
    ("promotional", "es", "Hola Eva, mañana te llevo las fotos del viaje.", False),
    ("introduces_sender", "it", "Buongiorno, sono Pia Lotti e restauro organi a Gemona.", True),
    ("introduces_sender", "it", "Ciao, sono Pia. Ci vediamo domani?", False),
    ("introduces_sender", "it", "Salve, sono Pia e sono molto interessata alla casa.", False),
    ("introduces_sender", "it", "Salve, sono Pia Lotti e sono responsabile degli acquisti qui in parrocchia.", True),
    ("introduces_sender", "en", "Hi, my name is Kit and I run the harbour workshop.", True),
    ("introduces_sender", "en", "Hi, I'm Kit Mora, a surveyor at Harbour Works.", True),
    ("introduces_sender", "en", "Hi, it's Kit. See you tomorrow.", False),
    ("introduces_sender", "en", "I saw your talk.\n\nBest regards,\nKit Mora\nHead of Survey, Harbour Works Ltd", True),
    ("introduces_sender", "de", "Guten Tag, ich bin Olaf Pieck von Tintenhof.", True),
    ("introduces_sender", "fr", "Bonjour, je suis Anne Morel, directrice de la galerie Sud.", True),
    ("introduces_sender", "es", "Hola, soy Luis Vega, responsable de ventas de Norte.", True),
    ("permission_request", "it", "La autorizzo volentieri a riprodurre la pagina sul mulino, citando l'autore.", False),
    ("permission_request", "it", "Ha senz'altro il mio permesso di pubblicare la foto del campanile.", False),
    ("permission_request", "en", "You have my permission to reprint the hymn for your choir, twenty copies at most.", False),
    ("permission_request", "en", "I grant you permission to use the map in your thesis, with the source named.", False),
    ("permission_request", "it", "Posso mandarti il programma del corso?", True),
    ("permission_request", "it", "Posso venire domani alle otto?", False),
    ("permission_request", "it", "Le chiedo se possiamo inserirla nella lista degli inviti.", True),
    ("permission_request", "it", "Vorrei sapere se desidera ricevere il nostro bollettino.", True),
    ("permission_request", "it", "Vorrei sapere se desidera un caffè o un tè.", False),
    ("permission_request", "en", "I wanted to ask whether we may put you on the list of guests.", True),
    ("permission_request", "en", "I was wondering whether you would like to receive our bulletin.", True),
    ("permission_request", "en", "I was wondering whether you would like tea or coffee.", False),
    ("permission_request", "de", "Ich wollte fragen, ob ich Sie in unseren Verteiler aufnehmen darf.", True),
    ("permission_request", "fr", "Nous aimerions savoir si nous pouvons vous envoyer le programme.", True),
    ("permission_request", "es", "Quería preguntarle si puedo añadirla a nuestra lista de correo.", True),
    ("permission_request", "it", "Le dispiace se uso la sua foto per il pieghevole?", True),
    ("permission_request", "en", "Would you mind if I quoted your article in our report?", True),
    ("permission_request", "en", "May I add you to our mailing list?", True),
    ("permission_request", "en", "Can you call me tomorrow?", False),
    ("permission_request", "de", "Darf ich Ihnen das Programm zuschicken?", True),
    ("permission_request", "fr", "Puis-je vous envoyer le programme ?", True),
    ("permission_request", "es", "¿Puedo enviarle el programa?", True),
    # A buyer asks, a colleague proposes: neither sells. A form to fill in still says who writes.
    ("promotional", "it", "Buonasera, il prezzo della bici è trattabile?", False),
    ("promotional", "it", "Buongiorno, siamo molto interessati a capire se il vostro impianto si collega con i nostri forni. Potreste inviarci i dati?", False),
    ("promotional", "it", "Vi aiutiamo a riempire l'agenda e ad acquisire nuovi pazienti. Le va una chiamata di 15 minuti?", True),
    ("promotional", "en", "Hi Ivo, we audited your shop page and found 4 quick fixes. Mind if I send over the list?", True),
    ("promotional", "en", "The atlas you reserved is ready for pickup at the front desk until Friday.", False),
    ("introduces_sender", "it", "Buongiorno, potreste inviarmi un preventivo per il mio studio?", False),
    ("introduces_sender", "it", "Ciao [Nome], sono [Il tuo nome] di [Azienda] e seguo i tuoi scavi.", True),
    ("introduces_sender", "en", "Hi [Name], I'm a [role] at [company] and follow your digs.", True),
    # Quiet pitches: whom one works for, what one asks, a sequence that goes on.
    ("promotional", "it", "Ciao Davide, con il mio team seguiamo i conti di trenta studi come il vostro. Da voi come va su quel fronte?", True),
    ("promotional", "en", "Hi Dave, my team looks after the numbers for thirty practices your size. How does it look on your side?", True),
    ("promotional", "it", "Silvia, le lascio sotto la mia nota precedente nel caso sia sfuggita. Ha senso riparlarne a giugno?", True),
    ("promotional", "en", "Sylvia, leaving my earlier note below in case it slipped through. Should we pick it up in June?", True),
    ("promotional", "en", "URGENT! Your mobile has won a prize. To claim txt WIN to 80488, 150p per msg.", True),
    ("promotional", "it", "Cara Pia, ti allego la bozza del numero 7. L'editoriale è lungo di dieci righe, tagli tu?", False),
    ("promotional", "it", "Spettabile ditta, vorremmo acquistare 1.200 borracce per i dipendenti. Fate sconti su questi numeri?", False),
    ("promotional", "en", "Dear guest, how was your stay? The survey takes two minutes; one of you wins a 50 pound gift card.", False),
    ("promotional", "en", "Dear customer, your October statement is ready in online banking. Log in to view it.", False),
    ("promotional", "it", "Ciao Teresa, è passato un mese dall'avvio del gestionale. Avete dubbi? Se serve passo giovedì.", False),
    # Leave is asked for in many ways, also without a question.
    ("permission_request", "it", "Prima di metterle sul sito vorrei essere certo che non le dispiaccia.", True),
    ("permission_request", "en", "Before they go on the website I want to be sure you don't mind.", True),
    ("permission_request", "it", "La leggerei in classe ai miei ragazzi: me lo permetti?", True),
    ("permission_request", "en", "I'd read it to my class: am I allowed?", True),
    ("permission_request", "it", "Gli passo il tuo numero?", True),
    ("permission_request", "en", "Would you object to my quoting two lines of it?", True),
    ("permission_request", "it", "Il nostro regolamento non ci consente di procedere con il rimborso.", False),
    ("permission_request", "it", "Ciao, mi lasceresti una segnalazione sul profilo?", False),
    ("permission_request", "en", "Shall we meet on Tuesday at ten?", False),
    ("permission_request", "en", "Standup agenda: I think we should add the rate limiter.", False),
    # A time of day is no price, an ordinary word no offer.
    ("promotional", "en", "Hi team, the planning session is on Friday at 2:00 PM in the big room. Please bring your figures.", False),
    ("promotional", "en", "Hi, is the bike still for sale? Could I come and see it on Sunday morning?", False),
    ("promotional", "en", "Your password will expire in two days. Please change it in the portal.", False),
    ("promotional", "it", "In merito alla vostra richiesta, inviamo in allegato il preventivo per la cucina.", False),
    ("promotional", "it", "Grazie per la prenotazione. Si prega di arrivare un quarto d'ora prima dello spettacolo.", False),
    ("promotional", "es", "Le escribo por el pago pendiente de mayo. ¿Podría indicarnos cuándo se realizará?", False),
    ("promotional", "fr", "Bonjour, il nous faudrait 500 dépliants. Pouvez-vous nous donner un prix et un délai ?", False),
    ("promotional", "en", "Every team has that one spreadsheet nobody dares touch. Ledgerly takes the place of it in an afternoon. See it on your own numbers.", True),
    ("promotional", "en", "Most plants your size still count pallets by hand. Ours clips on to the belt and counts for you. Is this something you look after?", True),
    ("promotional", "it", "Buongiorno, mi chiamo Lello e scrivo menù di mestiere. Le trattorie come la sua che ho alleggerito vendono di più.", True),
    ("promotional", "it", "Ciao Betta, ti ho cercata qualche volta e ho capito l'antifona. Se l'agenzia ti pianta in asso sai dove trovarmi.", True),
    ("promotional", "fr", "Bonjour, je vous ai écrit deux fois. Dois-je classer votre dossier ? Un simple oui suffit pour voir les chiffres.", True),
    ("permission_request", "it", "Ha obiezioni se registro il suo racconto?", True),
    ("permission_request", "it", "Ti è di disturbo se domani ti chiamo?", True),
    ("permission_request", "en", "Could I show you on a call next week?", False),
    ("permission_request", "de", "Würden Sie mir erlauben, einige Briefe abzuschreiben?", True),
    ("permission_request", "es", "¿Podría enviarme el borrador?", False),
    ("permission_request", "es", "¿Nos dan permiso para poner las fotos en la web?", True),
    ("introduces_sender", "en", "Click here to claim your cruise.", False),
    ("states_reason", "it", "", False),
    ("states_reason", "en", "Hello, shall we connect? I like to widen my circle.", False),
    ("states_reason", "it", "Le scrivo perché ho letto il suo articolo sulle torbiere.", True),
    ("states_reason", "it", "Vorrei entrare a far parte della sua rete.", False),
    ("states_reason", "en", "I'm writing because we met at the fair in Turin.", True),
    ("states_reason", "en", "I'd like to add you to my professional network.", False),
    ("personal_detail", "it", "Ho letto il suo articolo sulle torbiere di Colfiorito: la parte sui carici mi ha aiutato.", True),
    ("personal_detail", "it", "La nostra offerta è valida fino a domenica, approfittane!", False),
    ("personal_detail", "en", "Your talk on tidal gauges at Coastal Week stuck with me.", True),
    ("personal_detail", "en", "Buy now and save 20% on everything.", False),
    ("seasonal_greeting", "it", "Buon Natale e felice anno nuovo a tutti!", True),
    ("seasonal_greeting", "en", "Merry Christmas from all of us!", True),
    ("seasonal_greeting", "de", "Frohe Weihnachten und einen guten Rutsch!", True),
    ("seasonal_greeting", "fr", "Joyeux Noël et bonne année à tous !", True),
    ("seasonal_greeting", "es", "¡Feliz Navidad y próspero año nuevo!", True),
    ("seasonal_greeting", "en", "The Christmas stock list is attached.", False),
    ("recommendation_request", "it", "Mi lasceresti una recensione sul profilo?", True),
    ("recommendation_request", "en", "Could you write me a short recommendation on LinkedIn?", True),
    ("recommendation_request", "en", "I recommend the second draft of the report.", False),
    ("stop_request", "it", "Non scrivetemi più, cancellatemi dalla lista.", True),
    ("stop_request", "it", "STOP", True),
    ("stop_request", "en", "Please stop emailing me.", True),
    ("stop_request", "en", "Unsubscribe", True),
    ("stop_request", "en", "The bus stop is closed on Monday.", False),
    ("stop_request", "it", "Vorrei essere cancellata dalla vostra newsletter.", True),
    ("stop_request", "it", "Vi prego di togliermi dalla mailing list.", True),
    ("stop_request", "it", "Come faccio a disiscrivermi?", True),
    ("stop_request", "it", "Potete togliere il mio indirizzo dalla lista?", True),
    ("stop_request", "it", "Vorrei cancellare l'iscrizione alla newsletter.", True),
    ("stop_request", "it", "Non sono più interessata a ricevere la newsletter.", True),
    ("stop_request", "it", "Chiedo la cancellazione dei miei dati.", True),
    ("stop_request", "it", "Vorrei cancellare l'appuntamento di domani.", False),
    ("stop_request", "it", "Potete togliermi una curiosità sulla lista dei prezzi?", False),
    ("stop_request", "it", "Non mi interessa, grazie.", True),
    ("stop_request", "it", "Grazie, ma non ci interessa.", True),
    ("stop_request", "it", "No grazie, non siamo interessati.", True),
    ("stop_request", "it", "Non mi interessa la fretta degli altri: prima leggo voi.", False),
    ("stop_request", "it", "Grazie, al momento non siamo interessati ma risentiamoci a gennaio.", False),
    ("stop_request", "en", "I would like to unsubscribe from this list.", True),
    ("stop_request", "en", "I wish to be removed from your list.", True),
    ("stop_request", "en", "How do I unsubscribe?", True),
    ("stop_request", "en", "Kindly stop these emails.", True),
    ("stop_request", "en", "Please delete my data.", True),
    ("stop_request", "en", "Please delete my draft.", False),
    ("stop_request", "en", "I would like to be removed from the panel.", False),
    ("stop_request", "de", "Bitte keine Werbung mehr.", True),
    ("stop_request", "fr", "Merci de ne plus me contacter.", True),
    ("stop_request", "es", "No quiero recibir más correos.", True),
    ("stop_request", "it", "Abbiamo trovato due righe eliminate dal preventivo, cancellate la riunione.", False),
    ("stop_request", "it", "Buongiorno,\nvi chiedo gentilmente di non inviarmi più mail di questo genere.\nCordiali saluti\nAnna Bo", True),
    ("stop_request", "it", "Togliete oggi il mio indirizzo dalla lista.", True),
    ("stop_request", "it", "Interrompete l'invio di queste email.", True),
    ("stop_request", "it", "Vorrei uscire da questa lista.", True),
    ("stop_request", "it", "Non autorizzo l'invio di altre comunicazioni.", True),
    ("stop_request", "en", "Do not send anything to this address again.", True),
    ("stop_request", "en", "Never write to me again.", True),
    ("stop_request", "en", "Please discontinue these mails.", True),
    ("stop_request", "it", "Gradirei non essere più disturbato.", True),
    ("stop_request", "it", "Togliete pure il trasporto dal preventivo e procediamo.", False),
    ("stop_request", "en", "Can you please not contact me anymore?", True),
    ("stop_request", "en", "I said no. Stop following up.", True),
    ("stop_request", "en", "Please cancel my subscription.", True),
    ("stop_request", "it", "Toglietemi dagli indirizzi.", True),
    ("stop_request", "it", "Vi chiedo di cancellare tutti i miei dati.", True),
    ("stop_request", "it", "Niente più messaggi, per piacere.", True),
    ("stop_request", "it", "Eliminate il mio numero dai vostri contatti.", True),
    ("stop_request", "it", "Se mi scrivete ancora vi segnalo al Garante.", True),
    ("stop_request", "it", "Revoco ogni consenso.", True),
    ("stop_request", "it", "La prego, mi tolga dal giro.", True),
    ("stop_request", "it", "Ho cliccato tre volte su disiscrivi e arrivano ancora.", True),
    ("stop_request", "it", "Finitela di mandarmi queste cose.", True),
    ("stop_request", "it", "perché non mi scrivete più?", False),
    ("stop_request", "it", "Non smettete mai di scrivermi!", False),
    ("stop_request", "it", "Non ho ricevuto nessuna mail con il programma.", False),
    ("stop_request", "it", "Mi cancelli la riunione di martedì, facciamo mercoledì.", False),
    ("stop_request", "en", "No further contact, please.", True),
    ("stop_request", "en", "Please don't reach out again.", True),
    ("stop_request", "en", "Could you please take me off whatever list this is?", True),
    ("stop_request", "en", "The unsubscribe link is broken.", True),
    ("stop_request", "en", "I've already unsubscribed twice.", True),
    ("stop_request", "en", "Please delete all personal data you hold about me.", True),
    ("stop_request", "en", "Lose my number.", True),
    ("stop_request", "en", "Don't stop sending me these, I love them.", False),
    ("stop_request", "en", "No further questions, let's go ahead.", False),
    ("stop_request", "en", "Can I unsubscribe later if I sign up now?", False),
    ("stop_request", "de", "Hören Sie bitte auf, mir zu schreiben.", True),
    ("stop_request", "fr", "Je ne souhaite plus recevoir vos mails.", True),
    ("stop_request", "es", "No me vuelvan a contactar.", True),
    # What business asks for in the same words is no stop.
    ("stop_request", "it", "Elimini il mio numero di fax dalla fattura.", False),
    ("stop_request", "it", "Può cancellare il mio indirizzo di spedizione vecchio?", False),
    ("stop_request", "it", "Mi tolga dal preventivo la voce trasporto.", False),
    ("stop_request", "it", "Non usate più il numero fisso, chiamatemi sul cellulare.", False),
    ("stop_request", "it", "Non ho ricevuto nessuna altra mail da voi, me la rimandate?", False),
    ("stop_request", "it", "Niente più messaggi di errore, grazie.", False),
    ("stop_request", "it", "Ho chiesto la cancellazione del volo e ne ho prenotato uno nuovo.", False),
    ("stop_request", "it", "Interrompete gli invii a magazzino fino a lunedì.", False),
    ("stop_request", "it", "Evitate di chiamarmi al mattino, meglio il pomeriggio.", False),
    ("stop_request", "it", "Finitela di scusarvi, siete stati bravissimi!", False),
    ("stop_request", "it", "Non mi chiami prima delle 10, sono in riunione.", False),
    ("stop_request", "it", "Vorrei togliermi dal giro di riunioni del lunedì.", False),
    ("stop_request", "it", "Cancelli il mio contatto dal vostro database.", True),
    ("stop_request", "it", "Evitate di mandarmi altre mail.", True),
    ("stop_request", "it", "Nessun'altra mail, grazie.", True),
    ("stop_request", "it", "La smetta di chiamarmi.", True),
    ("stop_request", "en", "Please remove my email address from the invoice.", False),
    ("stop_request", "en", "Delete my number from the contract; use the office number.", False),
    ("stop_request", "en", "No more calls this week please, let's talk Monday at 10.", False),
    ("stop_request", "en", "No further emails needed, we are signing today.", False),
    ("stop_request", "en", "Please don't call me before 10, I'm in meetings.", False),
    ("stop_request", "en", "I have already unsubscribed from our old provider, so we can start.", False),
    ("stop_request", "en", "Count me out for lunch, but see you at the demo.", False),
    ("stop_request", "en", "Cancel my subscription to the Basic plan and move me to Pro.", False),
    ("stop_request", "en", "I never consented to the extra charge on the invoice.", False),
    ("stop_request", "en", "Please suspend all further communication with the supplier until I approve.", False),
    ("stop_request", "en", "Delete my email from your records.", True),
    ("stop_request", "en", "Your emails need to stop, I never asked for them.", True),
    ("stop_request", "en", "No more messages, I'm serious.", True),
    ("stop_request", "en", "I withdraw my consent.", True),
    ("pressure", "it", "Ultima occasione, scade stasera: affrettati!", True),
    ("pressure", "en", "Last chance! Offer ends at midnight.", True),
    ("pressure", "en", "The report is due next week.", False),
    ("presumption", "it", "So bene che la tua azienda fatica a trovare clienti.", True),
    ("presumption", "en", "I know your team is struggling with reports.", True),
    ("complaint", "it", "È inaccettabile, voglio un rimborso immediato.", True),
    ("complaint", "en", "This is unacceptable. I demand a refund.", True),
    ("way_out", "it", "Se non le interessa me lo dica e non le scriverò più.", True),
    ("way_out", "en", "Reply STOP to opt out.", True),
    ("data_source", "it", "Ho trovato il suo indirizzo sul sito della vostra azienda.", True),
    ("data_source", "en", "I found your email address on your company website.", True),
]  # fmt: skip


@pytest.mark.parametrize(("finding", "language", "text", "expected"), CASES)
def test_a_finding_is_found_or_not(
    reader: Reader, finding: str, language: str, text: str, expected: bool
) -> None:
    reading = reader.read(Content(text=text))
    assert getattr(reading, finding).value is expected, (getattr(reading, finding), reading.language)
    assert reading.language in (language, "und")


@pytest.mark.parametrize(("finding", "language", "text", "expected"), [case for case in CASES if case[3]])
def test_evidence_points_into_the_text(
    reader: Reader, finding: str, language: str, text: str, expected: bool
) -> None:
    for evidence in getattr(reader.read(Content(text=text)), finding).evidence:
        assert text[evidence.start : evidence.end] == evidence.text
        assert evidence.text.strip()


@pytest.mark.parametrize(
    ("text", "name", "kind"),
    [
        ("Ciao Marco,\ncome va?", "", "named"),
        ("Ciao Marco,\ncome va?", "Marco Bini", "named"),
        ("Ciao Marco,\ncome va?", "Anna Ricci", "wrong_name"),
        ("Gentile dott. Bini,\nle scrivo", "Marco Bini", "named"),
        ("Dear Sir or Madam,\nplease", "", "generic"),
        ("Ciao a tutti,\necco", "", "generic"),
        ("Dear valued customer, hello", "Ann", "generic"),
        ("Dana,\nI attached it", "Dana Fox", "named"),
        ("Ecco il verbale della riunione.", "", "missing"),
        ("Sehr geehrte Damen und Herren,\nich", "", "generic"),
        ("Bonjour Anne,\nmerci", "Anne Morel", "named"),
        ("Estimado señor Vega,\nle escribo", "Luis Vega", "named"),
    ],
)
def test_greetings(reader: Reader, text: str, name: str, kind: str) -> None:
    assert reader.read(Content(text=text, recipient_name=name)).greeting.kind == kind


@pytest.mark.parametrize(
    ("said", "unsaid"),
    [
        (
            "Hi Ada, I read your paper on tidal gauges and would love to hear how you chose the harbors.",
            "Hi Ada, I read your paper on [topic] and would love to hear how you chose [specific detail].",
        ),
        (
            "Gentile Ada, ho letto il suo articolo sulle torbiere di Colfiorito e mi è piaciuto molto.",
            "Gentile Ada, ho letto il suo articolo su {{argomento}} e mi è piaciuto molto.",
        ),
    ],
)
def test_a_field_in_the_place_of_a_detail_is_none(reader: Reader, said: str, unsaid: str) -> None:
    whole, blank = reader.read(Content(text=said)), reader.read(Content(text=unsaid))
    assert whole.personal_detail.value
    assert not blank.personal_detail.value
    assert blank.personal_detail.score < whole.personal_detail.score - 0.3
    assert blank.states_reason.value


def test_following_up_alone_is_not_sure(reader: Reader) -> None:
    """Sellers do it, and so do applicants and colleagues."""
    text = "Hi Ann, I wanted to follow up on my note from last week. I know you're busy."
    assert reader.read(Content(text=text)).promotional.score < 0.8


def test_a_signature_and_a_quotation_weigh_apart(reader: Reader) -> None:
    own = "Ciao Ada, martedì non riesco, facciamo mercoledì?"
    quoted = "\n\nIl 3 marzo Ugo ha scritto:\n> La nostra offerta speciale: sconto del 50%, prenota una demo gratuita!"
    assert not reader.read(Content(text=own + quoted, is_reply=True)).promotional.value
    assert not reader.read(
        Content(text=own + "\n\nCordiali saluti,\nUgo Neri\nOfferte Srl")
    ).promotional.value


def test_a_pitch_after_the_signature_still_counts(reader: Reader) -> None:
    text = "Ciao Ada, a presto.\n\nSaluti,\nUgo\n\nP.S. Solo oggi la nostra offerta speciale: -50%, prenota la tua demo gratuita!"
    assert reader.read(Content(text=text)).promotional.value


@pytest.mark.parametrize(
    "pitch",
    [
        "Il nostro gestionale costa 49 euro al mese, con uno sconto del 30% per chi si iscrive entro venerdì. Prenota subito una demo gratuita.",
        "Il nostro gestionale costa 49 euro al mese.\n\nSconto del 30% a chi si iscrive entro venerdì.\n\nPrenota subito una demo gratuita.",
    ],
)
@pytest.mark.parametrize("between", ["\n\n", "\n\n-- \n", "\n\n-- \nRita Conti\nEsempio srl\n\n"])
def test_a_pitch_in_place_of_a_signature_counts(reader: Reader, pitch: str, between: str) -> None:
    own = "Buongiorno Anna, come va la mostra? A giovedì.\n\nCordiali saluti\nRita Conti"
    assert not reader.read(Content(text=own)).promotional.value
    assert reader.read(Content(text=own + between + pitch)).promotional.value


@pytest.mark.parametrize(
    "banner",
    [
        "Sales Manager | Example Ltd\nBook a meeting: https://cal.example/rita",
        "Join our free webinar on 12 March: Scheduling in small teams. Register here: https://x.example",
        "Saldi dal 3 gennaio: -30% su tutta la collezione invernale, in negozio e online.",
    ],
)
def test_the_line_a_company_puts_under_all_its_mail_makes_no_pitch(reader: Reader, banner: str) -> None:
    own = "Hi Anna, thanks, Thursday at 10 works. See you at the office.\n\nBest regards\nRita Conti\n\n"
    assert not reader.read(Content(text=own + banner, is_reply=True)).promotional.value


def test_unreadable_mail_is_named(reader: Reader) -> None:
    assert reader.read(Content(html='<img src="a.png"><img src="b.png">')).unreadable.value
    assert reader.read(
        Content(
            text="In allegato.", attachments=(Attachment(filename="offerta.pdf", type="application/pdf"),)
        )
    ).unreadable.value
    assert reader.read(Content(template_pending=True)).unreadable.value
    assert not reader.read(
        Content(text="Ciao Ada, ci vediamo domani alle otto davanti alla scuola con i bambini.")
    ).unreadable.value
