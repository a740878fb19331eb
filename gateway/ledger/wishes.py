"""What people say of sales to them, in a reply or on their profile, in five languages. Pure.

"No sales, please" is an objection to being sold to (GDPR article 21(2)), not to being written to. It is
taken at its word wherever it stands in their own text; whoever is misread gets fewer offers.
"""

import re
from collections.abc import Mapping

LONGEST = 4_096
"""Characters of a text that are looked at."""
MOST_ATTRIBUTES = 50

_NO_SALES = tuple(
    f" {phrase} "
    for phrase in (
        # English
        "no sales please", "please no sales", "no sales pitch", "no sales pitches", "no sales messages",
        "no sales message", "no sales emails", "no sales mails", "no sales calls", "no sales outreach",
        "no sales inquiries", "no sales enquiries", "no sales dms", "no cold sales", "no pitches",
        "no pitch please", "no pitching", "don't pitch me", "do not pitch me", "please don't pitch",
        "don't sell me", "do not sell me", "not open to sales", "no solicitation", "no solicitations",
        "no cold pitches", "no cold pitch", "no cold emails", "no cold calls", "no cold outreach",
        "don't accept sales", "do not accept sales", "please no marketing",
        "no soliciting", "no commercial offers", "no marketing please", "people yes sales no",
        # Italian
        "niente vendite", "no vendite", "no venditori", "astenersi venditori", "niente venditori",
        "niente proposte commerciali", "no proposte commerciali", "nessuna proposta commerciale",
        "non voglio proposte commerciali", "niente offerte commerciali", "no offerte commerciali",
        "non accetto proposte commerciali", "non accettiamo proposte commerciali",
        "non accetto offerte commerciali", "non accettiamo offerte commerciali",
        "nessuna offerta commerciale", "non voglio offerte commerciali", "niente proposte di vendita",
        "niente pubblicità", "no pubblicità", "niente pitch", "no pitch", "non vendetemi", "non mi venda",
        # German
        "keine werbung", "keine verkaufsangebote", "keine verkaufsgespräche", "keine vertriebsanfragen",
        "keine vertriebsnachrichten", "keine verkaufsnachrichten", "keine akquise", "keine kaltakquise",
        "bitte nichts verkaufen", "keine pitches",
        # French
        "pas de démarchage", "pas de demarchage", "pas de prospection", "pas de publicité",
        "pas de publicite", "pas de vente", "pas de ventes", "pas d'offres commerciales",
        "pas d'offre commerciale", "pas de propositions commerciales", "pas de proposition commerciale",
        "pas de sollicitation commerciale", "pas de sollicitations commerciales",
        # Spanish
        "no ventas", "nada de ventas", "sin ventas", "no vendedores", "no publicidad",
        "nada de publicidad", "no ofertas comerciales", "nada de ofertas comerciales",
        "no propuestas comerciales", "nada de propuestas comerciales", "no quiero ofertas comerciales",
    )
)  # fmt: skip
_WHOLE = frozenset({"no sales", "no pitch", "no pitches", "keine angebote", "no ofertas"})
"""Said alone, on a line of its own."""

# One of these stands in every phrase: most texts are done with after looking for them.
_TELLING = (
    "sale", "sell", "pitch", "solicit", "commerci", "marketing", "vend", "pubblicit", "werbung", "verkauf",
    "vertrieb", "akquise", "démarch", "demarch", "prospec", "publicit", "vent", "publicid", "comercial",
    "angebot", "ofert",
)  # fmt: skip
_BETWEEN = re.compile(r"[^\w']+")

_CLAUSES = re.compile(r"(?<=[.,;:!?\n])")

_KEYS = frozenset({"no_sales", "nosales", "no_pitch", "no_pitches", "do_not_sell", "no_solicitation"})
_YES = frozenset({"true", "yes", "1", "on", "y", "si", "sì", "ja", "oui", "sí"})


def refuses_sales(text: str) -> bool:
    """Whether somebody says of themselves that they do not want to be sold to."""
    said = text[:LONGEST].casefold().replace("’", "'")
    if not any(word in said for word in _TELLING):
        return False
    for line in said.splitlines():
        plain = f" {_BETWEEN.sub(' ', line).strip()} "
        if plain.strip() in _WHOLE or any(phrase in plain for phrase in _NO_SALES):
            return True
    return False


def besides_sales(text: str) -> str:
    """The text without the clauses that refuse sales: what else somebody says, a stop among it, is read
    there, and being tired of pitches is not taken for being tired of people."""
    if not refuses_sales(text):
        return text
    clauses = _CLAUSES.split(text[:LONGEST])
    return " ".join(clause for clause in clauses if not refuses_sales(clause)) + text[LONGEST:]


def declares_no_sales(attributes: Mapping[str, str]) -> bool:
    """Whether what a tool knows of somebody says so: a field of that name, or words of their own profile."""
    for name, value in list(attributes.items())[:MOST_ATTRIBUTES]:
        if not value:
            continue
        key = name.casefold().replace("-", "_").replace(" ", "_")
        if key in _KEYS and value.strip().casefold() in _YES:
            return True
        if refuses_sales(value):
            return True
    return False
