# ruff: noqa: E501 (messages stand on one line)
"""Mail-merged variants of templates, and independent messages on the same subjects, made by rule."""

import random
import re

TEMPLATES = {
    "it": """Ciao {name},
ho visto che {company} sta {crescendo|cambiando} {molto|parecchio} nel campo {fact} e {volevo|vorrei} {presentarti|farti conoscere} il nostro {servizio|sistema|metodo} per la gestione degli ordini.
{Aiutiamo|Affianchiamo|Supportiamo} {aziende|imprese|realtà} come la tua a {ridurre|tagliare} i tempi di {fatturazione|consegna|risposta} del 30% senza cambiare i programmi {che usate|in uso} ogni giorno.
{Molti|Tanti|Diversi} dei nostri {clienti|assistiti} hanno visto risultati {concreti|tangibili|veri} {dopo|in} {poche|quattro|sei} settimane dall'avvio del {progetto|lavoro}.
{Avresti|Hai|Trovi} {dieci|quindici|venti} minuti {giovedì|martedì|venerdì} per una {breve|veloce|rapida} chiamata di presentazione?
Se preferisci ti {mando|invio|giro} prima una {scheda|pagina|nota} con {due|tre} esempi del tuo {settore|mercato}.
{A presto|Un saluto|Buona giornata},
Luca Ferri""",
    "en": """Hi {name},
I {noticed|saw|read} that {company} has been {growing|expanding} {quickly|fast} in {fact} and I {wanted|would like} to {show|introduce|present} you our {platform|tool|system} for planning orders.
We {help|support|assist} {companies|firms|teams} like yours {cut|reduce|lower} the time they {spend|lose|waste} on {manual|daily} reports by 40% without changing the {software|programs} your people use every day.
{Many|Several|Most} of our {customers|clients} saw {clear|real|solid} {results|gains} within {four|six|eight} weeks of the {first|initial} rollout with their staff.
Would you have {ten|fifteen|twenty} minutes {next Tuesday|on Thursday|this Friday} for a {quick|short|brief} {call|chat} about how it could {fit|work}?
If you {prefer|like}, I can {send|forward|share} a {summary|overview|note} with {two|three} {examples|cases} from your market.
{Best|Kind regards|Cheers},
Luke Ferris""",
}
NAMES = [
    "Marco Bini",
    "Anna Ricci",
    "Paolo Neri",
    "Sara Fonti",
    "Elena Corti",
    "Ugo Basso",
    "Irene Galli",
    "Tea Moro",
    "Nico Serra",
]
COMPANIES = [
    "Alfa Meccanica",
    "Borea Srl",
    "Cantieri Dora",
    "Delta Legno",
    "Edil Punto",
    "Fabbrica Nord",
    "Giglio Moda",
    "Officina Sud",
]
FACTS = [
    "logistica del freddo",
    "macchine utensili",
    "arredo per uffici",
    "oil and gas",
    "food packaging",
    "medical devices",
    "stampa digitale",
]


def spin(text: str, rng: random.Random) -> str:
    while match := re.search(r"\{([^{}]*\|[^{}]*)\}", text):
        text = text[: match.start()] + rng.choice(match[1].split("|")) + text[match.end() :]
    return text


def variant(language: str, rng: random.Random) -> tuple[str, str, str]:
    """One copy of a template: (text, name, company), a sentence dropped at random."""
    name, company = rng.choice(NAMES), rng.choice(COMPANIES)
    lines = TEMPLATES[language].split("\n")
    if rng.random() < 0.7:
        del lines[rng.randrange(1, len(lines) - 2)]
    text = (
        "\n\n".join(lines)
        .replace("{name}", name.split()[0])
        .replace("{company}", company)
        .replace("{fact}", rng.choice(FACTS))
    )
    return spin(text, rng), name, company


PARTS = {
    "it": [
        ["le scrivo per i turni del personale estivo", "vorrei parlarle dei turni d'estate", "ho una domanda sui turni di luglio", "mi occupo di turni in un albergo di {fact}"],
        ["da noi i camerieri cambiano ogni due settimane", "qui metà della squadra arriva da fuori regione", "l'anno scorso siamo rimasti scoperti a Ferragosto", "le domeniche restano il nodo più difficile"],
        ["un foglio di calcolo non basta più", "finora abbiamo usato una lavagna in cucina", "il programma attuale non avvisa nessuno", "ogni cambio passa da tre telefonate"],
        ["lei come distribuisce i riposi", "quanti giorni prima avvisate le persone", "chi decide quando due chiedono la stessa data", "usate un calendario condiviso"],
        ["mi farebbe comodo un consiglio", "anche una riga sarebbe preziosa", "passo volentieri a trovarla", "possiamo sentirci quando preferisce"],
    ],
    "en": [
        ["I am writing about summer rotas", "I have a question on staff shifts in July", "could we talk about how you plan summer shifts", "I run the rota of a hotel near {fact}"],
        ["our waiters change every fortnight", "half of the crew comes from abroad", "last August we were three people short", "Sundays remain the hardest to fill"],
        ["a spreadsheet is no longer enough", "so far we used a board in the kitchen", "the current program warns nobody", "each swap takes three phone calls"],
        ["how do you share out days off", "how early do you tell people", "who decides when two want the same date", "do you keep a shared calendar"],
        ["any advice would help me a lot", "even one line would be precious", "I would gladly come by", "we can talk whenever suits you"],
    ],
}  # fmt: skip


def independent(language: str, rng: random.Random) -> str:
    """A letter on one subject, each sentence put in words of its own."""
    filler = {
        "it": "ieri insomma forse davvero adesso spesso qualche volta in cucina al banco verso sera con calma senza fretta per fortuna nel cortile dopo pranzo".split(),
        "en": "yesterday perhaps really lately often sometimes in the kitchen at the desk towards evening without haste luckily behind the yard after lunch".split(),
    }[language]
    lines = []
    for part in rng.sample(PARTS[language], k=5):
        words = rng.choice(part).replace("{fact}", rng.choice(FACTS)).split()
        for _ in range(len(words) // 2):
            words.insert(rng.randrange(1, len(words)), rng.choice(filler))
        lines.append(" ".join(words).capitalize() + rng.choice([".", "?", "!"]))
    return "\n\n".join(lines)
