# ruff: noqa: E501 (a pattern reads better whole)
"""Signals of form: prices, percentages, links, lists, dates and calls, whatever the language.

Patterns are RE2 on folded text (currency signs are `$`, bullets `*`, quotes plain), one group each.
"""

from gateway.message.content import Content
from gateway.reading.sheet import Page

SHAPES: tuple[tuple[str, str], ...] = (
    ("form.price", r"(\$ ?[0-9][0-9.,]*|\b[0-9][0-9.,]* ?(?:\$|eur\b|euros?\b|usd\b|gbp\b|chf\b|pounds?\b|dollars?\b))"),
    ("form.percent", r"(-? ?[0-9]+(?:[.,][0-9]+)? ?(?:%|percent\b|per cento\b|prozent\b|por ciento\b|pour cent\b))"),
    ("form.discount", r"(- ?[0-9]{2} ?%|[0-9]{2} ?% (?:off|di sconto|de descuento|rabatt|de reduction|discount)|\b(?:sconto|rabatt|remise|reduction|descuento|discount)(?: fino al| del| de| von| of| up to| bis zu)? [0-9]{2} ?%)"),
    ("form.url", r"(https?://[^ <>\"]+|\bwww\.[^ <>\"]+)"),
    ("form.calendar", r"((?:calendly\.com|cal\.com|meetings\.hubspot|hubspot\.com/meetings|savvycal|tidycal|youcanbook|doodle\.com|bit\.ly|koalendar)[^ ]*)"),
    ("form.address", r"([a-z0-9._+-]+@[a-z0-9-]+\.[a-z.]{2,})"),
    ("form.phone", r"(\+[0-9]{2,3}[ .]?[0-9][0-9 .-]{6,}[0-9]|\b0[0-9]{1,4}[ /.-][0-9][0-9 .-]{4,}[0-9]|\b0[0-9]{8,11}\b)"),
    ("form.bullet", r"^ *([*>+-]|[0-9]{1,2}[.)]|\x7f+) +[^ ]"),
    ("form.time", r"\b([0-9]{1,2}[:.][0-9]{2}|[0-9]{1,2} ?(?:am|pm|uhr|h[0-9]{0,2}))\b"),
    ("form.date", r"\b([0-9]{1,2} (?:gen|feb|mar|apr|mag|giu|lug|ago|set|ott|nov|dic|jan|may|jun|jul|aug|sep|oct|dec|okt|dez|mai|janv|fevr|avr|juin|juil|aout|enero|abril|mayo|junio|julio|agosto)[a-z]*|(?:january|february|march|april|may|june|july|august|september|october|november|december) [0-9]{1,2}|[0-9]{1,2}[./-][0-9]{1,2}(?:[./-][0-9]{2,4})?)\b"),
    ("form.weekday", r"\b(lunedi|martedi|mercoledi|giovedi|venerdi|sabato|domenica|(?:mon|tues|wednes|thurs|fri|satur|sun)day|(?:mon|diens|donners|frei|sams|sonn)tag|mittwoch|lundi|mardi|mercredi|jeudi|vendredi|samedi|dimanche|lunes|martes|miercoles|jueves|viernes|sabado|domingo)\b"),
    ("form.reference", r"((?:(?:n|nr|no|num|pratica|ordine|order|ticket|fattura|invoice|rechnung|bestellung|facture|commande|pedido|factura|prenotazione|booking|ref|rif|case|pr|polizza|contratto)[.:]? ?)?#[0-9a-z-]{2,}|\b(?:n|nr|no|num|pratica|ordine|order|ticket|fattura|invoice|rechnung|bestellung|facture|commande|pedido|factura|prenotazione|booking|ref|rif|polizza|contratto|reservation|buchung)[.:]? ?(?:number |numero |nummer |n\. ?|nr\. ?|no\. ?|n. ?)?#?[0-9]{3,}[0-9a-z/-]*)"),
    ("form.shout", r"((?-i:\b[A-Z]{4,}(?: [A-Z0-9!]{2,}){1,}))"),
    ("form.exclaim", r"(!{2,})"),
    ("form.question", r"(\?)"),
    ("form.quote", r"(\"[^\"]{12,}\")"),
    ("form.proper", r"[a-z,;] (?-i:([A-Z][a-z]{2,}))"),
    ("form.arrow", r"(>>+|->|=>|-->|\[[^\]]{3,40}\]\(http)"),
    ("form.handle", r"(\b(?:stop|basta|ja|yes|si|info|ok|demo) (?:to|al|an|au) [0-9]{4,6}\b)"),
    ("form.premium", r"(\b0(?:9[0-9]{2}|8[0-9]{2})[ -]?[0-9][0-9 -]{3,8}[0-9]\b|\b(?:[0-9]{2,3} ?ppm(?:sg)?|1[05]0 ?pm)\b|\b[0-9]+p ?(?:per|/|a) ?(?:msg|min|sms|te?xt)|\b1[68]\+)"),
    ("form.shortcode", r"\b((?:te?xt|te?xting|send|sms|reply|rispondi|invia|manda)\b[^.!?]{0,40} (?:to|on|al|an|au) [0-9]{4,6})\b"),
    ("form.organization", r"((?-i:\b[A-Z][A-Za-z&'.-]+) (?:s\.?r\.?l\.?s?|s\.?p\.?a|s\.?n\.?c|s\.?a\.?s|gmbh|ag|kg|ug|ltd|limited|inc|llc|plc|corp|sarl|sas|s\.?l\.?u?|s\.?a|coop|onlus|aps|e\.v|asd))(?:\b|$|[ .,|])"),
)  # fmt: skip


COUNTED = frozenset(
    {
        "form.bullet",
        "form.question",
        "form.proper",
        "form.date",
        "form.time",
        "form.weekday",
        "form.reference",
    }
)
"""Forms that message_features counts."""


MANY_NAMES = 3
"""Capitalized words within sentences from which on a text has many."""


def message_features(  # noqa: C901 (a plain list of conditions)
    content: Content,
    page: Page,
    features: dict[str, float],
    words: int,
    tags: list[tuple[str, int, int, str]],
) -> None:
    """Adds what only the whole message shows, as `msg.*`, each 0 to 1."""
    if words <= 35:
        features["msg.short"] = 1.0
        if words <= 12:
            features["msg.tiny"] = 1.0
            if words <= 2:
                features["msg.empty"] = 1.0
    elif words >= 120:
        features["msg.long"] = 1.0
    if content.bulk_headers:
        features["msg.bulk"] = 1.0
    if content.is_reply or content.subject[:4].lower().startswith(("re:", "r:", "aw:", "sv:")):
        features["msg.reply"] = 1.0
    if content.channel != "email":
        features["msg.direct"] = 1.0
    if len(page.links) >= 3:
        features["msg.links"] = 1.0
    if tags:
        features["msg.tags"] = 1.0
    seen = features.get
    if seen("form.bullet", 0.0) >= 3:
        features["msg.list"] = 1.0
    if "form.question" in features:
        features["msg.asks"] = 1.0
    if names := seen("form.proper", 0.0):
        features["msg.names"] = min(1.0, names / MANY_NAMES)
        if names >= 2:
            features["msg.proper"] = 1.0
    if (
        seen("form.date", 0.0)
        + seen("form.time", 0.0)
        + seen("form.weekday", 0.0)
        + seen("form.reference", 0.0)
        >= 1
    ):
        features["msg.numbers"] = 1.0
