"""What the tools of the demo's month write. All invented; `{}` is the reader's first name."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """A way to write: by which tool, on which channel, how often (its weight), to whom (subscriber, stranger
    or friend), with which words; each use takes one of them."""

    source: str
    channel: str
    class_: str
    campaign: str
    purpose: str
    to: str
    weight: int
    texts: tuple[str, ...]
    subject: str = ""


WAY_OUT = "\n\nPuoi disiscriverti quando vuoi: rispondi STOP. Elena Riva, Libreria Acme, via Roma 1, Milano"

LETTERS = (
    Letter(
        source="newsletter", channel="email", class_="newsletter", campaign="letture", purpose="newsletter",
        to="subscriber", weight=40, subject="Le letture del mese",
        texts=(
            "Ciao {},\n\necco le novità in libreria: tre romanzi, un saggio sulle api e l'incontro di giovedì"
            " con i lettori del quartiere." + WAY_OUT,
            "Ciao {},\n\nquesto mese abbiamo letto per te due gialli e una raccolta di poesie; sabato se ne"
            " parla insieme davanti a un caffè." + WAY_OUT,
        ),
    ),
    Letter(
        source="newsletter", channel="email", class_="promotion", campaign="corsi", purpose="offers",
        to="subscriber", weight=14, subject="Il corso di restauro riparte",
        texts=(
            "Buongiorno {},\n\nriparte il corso di restauro del libro: otto lezioni, 240 euro, 20% di sconto"
            " per chi si iscrive entro venerdì." + WAY_OUT,
        ),
    ),
    Letter(
        source="crm", channel="email", class_="outreach", campaign="aziende-q1", purpose="offers",
        to="stranger", weight=12, subject="Una domanda veloce",
        texts=(
            ("Hi {},\n\nI hope this finds you well. I wanted to reach out because your company looks like a"
            " great fit for our platform. Book a demo now and get 20% off!\n\nBest,\nElena"),
            "Hi {{{{first_name}}}},\n\nquick question: who handles training at {{{{company}}}}?\n\nElena",
        ),
    ),
    Letter(
        source="linkedin", channel="linkedin", class_="outreach", campaign="incontri", purpose="events",
        to="stranger", weight=14,
        texts=(
            ("Buongiorno {}, sono Elena Riva e curo gli incontri con gli autori alla Libreria Acme di Milano."
            " Le scrivo perché ho letto il suo articolo sulle biblioteche di condominio: lo citerò nella"
            " serata di aprile. Ho trovato il suo profilo qui su LinkedIn; se preferisce che non le scriva"
            " più, me lo dica e non lo farò."),
            ("Grazie del collegamento, {}! Ti propongo la nostra consulenza per aumentare le vendite del 40%:"
            " prenota una demo gratuita di 15 minuti."),
        ),
    ),
    Letter(
        source="linkedin", channel="linkedin", class_="greeting", campaign="auguri", purpose="greetings",
        to="friend", weight=16,
        texts=(
            ("Ciao {}, in questo momento speciale desidero augurare a te e ai tuoi cari giorni sereni e un"
            " anno pieno di soddisfazioni e di successi professionali. A presto!"),
        ),
    ),
    Letter(
        source="linkedin", channel="linkedin", class_="conversation", campaign="", purpose="",
        to="friend", weight=10,
        texts=(
            "Grazie della risposta, {}. Giovedì alle 18 va benissimo anche per me: ci vediamo in libreria.",
            "Hai ragione, {}: il saggio sulle api è di Corradi, te lo metto da parte.",
        ),
    ),
    Letter(
        source="shop", channel="email", class_="transactional", campaign="", purpose="", to="subscriber",
        weight=18, subject="Il tuo ordine",
        texts=(
            ("Gentile {},\n\nil tuo ordine è partito oggi e dovrebbe arrivare entro venerdì. L'importo di"
            " 18,50 euro è stato pagato con carta.\n\nLibreria Acme"),
        ),
    ),
)  # fmt: skip

FIRST = (
    "Giulia Anna Luca Sara Nina Aldo Carla Enzo Gina Ivo Paolo Marta Tommaso Elisa Dario Irene Guido Lucia"
    " Matteo Rita Stefano Vera Andrea Bruna"
).split()
LAST = (
    "Ferri Conti Moro Villa Bassi Bruni Dossi Fumi Levi Maran Neri Poli Galli Sala Riva Monti Serra Fontana"
    " Greco Costa Leone Valli Corti Zanon"
).split()

REASONS = {
    "release": ("customer since 2019, asked by phone", "written for one person, fine", "agreed at the fair"),
    "reject": ("same words to everybody", "no consent, and none to be had this way", "sounds like a robot"),
}

STRAY = (
    (
        "paola.neri@altrove.example",
        "Re: Autunno in libreria",
        "Scrivo da un altro indirizzo: vi prego di non mandarmi più nulla.\n\nPaola Neri",
    ),
    (
        "segreteria@scuola.example",
        "Visita della seconda B",
        "Buongiorno, possiamo venire con ventidue ragazzi giovedì mattina? Grazie, la segreteria",
    ),
)
"""Replies that answer no message of ours: from whom, subject, text."""
