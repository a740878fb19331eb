# ruff: noqa: E501 (messages stand on one line)
"""What one reading costs: `python -m bench.reading`. Microseconds of CPU per message, warm and cold."""

import random
from pathlib import Path
from time import process_time

from gateway.message.content import Content
from gateway.reading.load import load_lexicons
from gateway.reading.read import Reader

FOLDER = Path("policies/lexicons")
NAMES = ["Marco", "Anna", "Paolo", "Sara", "Elena", "Ugo", "Irene", "Tea", "Nico"]
FIRMS = ["Alfa Meccanica", "Borea Srl", "Cantieri Dora", "Delta Legno", "Edil Punto", "Fabbrica Nord"]
SUBJECTS = "il progetto|la fornitura|una visita|il catalogo|la spedizione|un preventivo|il contratto|la riunione".split(
    "|"
)
VERBS = "vorremmo parlare di|abbiamo preparato|le proponiamo|stiamo rivedendo|possiamo anticipare|ci piacerebbe discutere".split(
    "|"
)
ENDS = "entro la fine del mese|con i vostri tecnici|prima dell'estate|senza alcun impegno|nella sede di Padova|per i nuovi clienti|secondo gli accordi presi".split(
    "|"
)


def sentence(rng: random.Random) -> str:
    words = " ".join("".join(rng.choice("aeioulrstnmcp") for _ in range(rng.randint(3, 9))) for _ in range(4))
    return f"{rng.choice(VERBS).capitalize()} {rng.choice(SUBJECTS)} {words} {rng.choice(ENDS)}."


def template(rng: random.Random) -> list[str]:
    paragraphs = ["Ciao {name},"]
    paragraphs += [" ".join(sentence(rng) for _ in range(3)) for _ in range(10)]
    paragraphs[3] = "Ho visto che {firm} cresce nel {fact} da qualche anno. " + paragraphs[3]
    return [
        *paragraphs,
        "Cordiali saluti,",
        "Lia Monti",
        "Responsabile vendite, Esempio Srl",
        "Per non ricevere altre mail clicchi qui.",
    ]


def merge(paragraphs: list[str], rng: random.Random) -> tuple[list[str], str, str]:
    name, firm = rng.choice(NAMES), rng.choice(FIRMS)
    fact = f"{rng.randint(2, 99)}%"
    return (
        [p.replace("{name}", name).replace("{firm}", firm).replace("{fact}", fact) for p in paragraphs],
        name,
        firm,
    )


def content(paragraphs: list[str], name: str, firm: str, *, html: bool) -> Content:
    text = "\n\n".join(paragraphs)
    page = ""
    if html:
        rows = "\n".join(
            f'<tr><td style="padding:8px;font-family:Arial"><p>{p}</p></td></tr>' for p in paragraphs
        )
        page = f"<!doctype html><html><head><style>p{{margin:0}}</style></head><body><table width=600>\n{rows}\n</table></body></html>"
    return Content(
        subject="Una proposta",
        text=text,
        html=page,
        recipient_name=name,
        recipient_company=firm,
        own_words=(name, firm),
    )


def load(count: int, *, html: bool, own: float, seed: int = 7) -> list[Content]:
    """`count` messages from a score of templates; a share `own` of them has text of its own."""
    rng = random.Random(seed)
    templates = [template(rng) for _ in range(20)]
    out = []
    for _ in range(count):
        paragraphs = template(rng) if rng.random() < own else rng.choice(templates)
        out.append(content(*merge(paragraphs, rng), html=html))
    return out


def cost(reader: Reader, messages: list[Content]) -> float:
    begun = process_time()
    for message in messages:
        reader.read(message)
    return (process_time() - begun) / len(messages) * 1e6


def main() -> None:
    begun = process_time()
    lexicons = load_lexicons(FOLDER)
    print(f"lexicons loaded in {(process_time() - begun) * 1000:.0f} ms of CPU")
    for html in (False, True):
        reader = Reader(lexicons)
        cost(reader, load(60, html=html, own=0.0, seed=3))
        kind = "html" if html else "text"
        size = len(load(1, html=False, own=0.0)[0].text)
        templates = load(600, html=html, own=0.0)
        cost(reader, templates)
        print(
            f"{kind}, {size} characters: templates, cache warm  {cost(reader, load(600, html=html, own=0.0, seed=7)):6.0f} us"
        )
        print(
            f"{kind}, {size} characters: a third own text     {cost(reader, load(600, html=html, own=0.33, seed=11)):6.0f} us"
        )
        print(
            f"{kind}, {size} characters: all new, cache cold  {cost(reader, load(200, html=html, own=1.0, seed=13)):6.0f} us"
        )


if __name__ == "__main__":
    main()
