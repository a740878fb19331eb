# ruff: noqa: E501 (a pattern reads better whole)
"""Replies that refuse one channel and name another way, in five languages. Pure.

"Don't text me, call the office" stops texts, and no mail. It is taken for that only where another way is
named in a clause of its own; whoever names none, or asks for a stop beside it, is left alone altogether.
"""

import re

LONGEST = 2_048
"""Characters of a text that are looked at; a longer one is a stop or none as a whole."""

_HERE = "here"
_CHANNELS = {
    "whatsapp": r"whats ?app|\bwa\b",
    "linkedin": r"linked ?in|in-?mails?",
    "telegram": r"telegram",
    "instagram": r"instagram|\binsta\b",
    "sms": r"\bsms\b|text(?:s|ing|o|os)?\b|messaggini|mensajes de texto",
    "email": r"e-?mail(?:s|ing)?\b|mails?\b|mailen|posta elettronica|correos?\b|courriels?|par écrit",
    "phone": r"\b(?:call(?:s|ing)?|phone|ring(?:ing)?|telef\w+|téléph\w+|handy|cellular\w+|cell|m[oó]vil)\b"
    r"|\bchiam\w+|\bappel\w+|\banruf\w*|\bruf\w*|\bllam\w+|\boffice\b|\bufficio\b|\bbüro\b|\bbureau\b"
    r"|\boficina\b|\bswitchboard\b|\bcentralino\b",
    _HERE: r"\bhere\b|\b(?:this|my private|my personal) (?:number|channel)\b|\bquesto (?:numero|canale)\b"
    r"|\bqui\b|\bdiesen? (?:nummer|kanal)\b|\bdieser nummer\b|\bhier\b|\bce (?:numéro|canal)\b|\bici\b"
    r"|\beste (?:número|canal)\b|\baquí\b|\bpor acá\b",
}
_NAMED = {name: re.compile(words) for name, words in _CHANNELS.items()}
_ANY = "|".join(words for name, words in _CHANNELS.items() if name != _HERE)

_NOT = re.compile(
    # English
    r"\b(?:don'?t|do not|never|please not|not to) (?:\w+ ){0,2}?"
    r"(?:text|call|e-?mail|mail|message|write|contact|use|send|phone|ring|dm|reach)\b"
    r"|\bnot (?:on|by|via|over|through|here|to|with)\b|\b(?:instead of|rather than)\b"
    rf"|\b(?:no|no more|stop|stop the|quit) (?:{_ANY}|sending|messaging|writing)"
    # Italian
    r"|\bnon (?:mi |ci |lo )?(?:scriv|mand|invi|contatt|chiam|telefon|us|cerc|disturb)\w+"
    rf"|\b(?:niente|no|basta|non) (?:più |con |con i |con gli |su |via |per |tramite )?(?:{_ANY}|qui\b|questo\b)"
    r"|\b(?:evit|smett)\w+ (?:di )?\w+|\b(?:invece di|al posto di)\b"
    # German
    r"|\bnicht (?:mehr )?(?:über|per|auf|via|hier|an)\b|\b(?:schreib|ruf|kontaktier|schick|send)\w* .{0,20}\bnicht\b"
    rf"|\bkeine?n? (?:weiteren? )?(?:{_ANY})|\b(?:statt|anstatt)\b"
    # French
    r"|\bne (?:m'|me |nous )\w+.{0,20}\b(?:pas|plus)\b|\b(?:pas|plus) (?:de|par|sur|d')\b"
    r"|\b(?:arrêtez|évitez|plutôt que|au lieu de)\b"
    # Spanish
    r"|\bno (?:me |nos )?(?:escrib|mand|env[ií]|llam|contact|us)\w+"
    rf"|\b(?:no|nada de) (?:por |más )?(?:{_ANY})|\b(?:deje\w* de|en vez de|en lugar de)\b"
)
_NO_REFUSAL = re.compile(
    r"access|accesso|zugriff|accès|acceso|recei|\bgot\b|arriv|ricevut|bekomm|erhalt|reçu|recib|forget|hesitat"
    r"|dimentic|esit|vergess|oubli|olvid|\bbefore\b|\buntil\b|\bprima\b|finché|\bfino\b|\bvor\b|\bbis\b|avant"
    r"|jusqu|\bantes\b|\bhasta\b|today|tomorrow|\boggi\b|domani|\bheute\b|demain|\bhoy\b|mañana"
)
"""What somebody could not read, should not forget, or wants at another hour."""
_OTHERWISE = re.compile(
    # Who is told to use it ...
    r"\b(?:e-?mail|mail|call|ring|phone|text|dm|message) (?:me|us|the|my|our)\b"
    r"|\b(?:write|send it|drop me a line|reach me) .{0,12}\b(?:to|by|via|at|on)\b"
    r"|\b(?:mi )?(?:chiam|telefon)(?:i|ate|a|ami|atemi|are|armi)\b"
    r"|\b(?:scriv|mand|invi|envoy|écri|mand|env[ií])\w+.{0,10}\b(?:una?|une|un') ?(?:e-?mail|mail|courriel)|\bun correo\b"
    r"|\b(?:mi )?(?:scriv|contatt|mand)\w+ .{0,12}\b(?:via|per|in|alla|all'|a|su|tramite)\b"
    r"|\b(?:rufen|ruft|ruf)\b|\banrufen\b|\b(?:mailen|schreib\w*|schick\w*) .{0,18}\b(?:per|eine|an|auf|über)\b"
    r"|\b(?:appelez|appeler|téléphon\w+)|\b(?:écri|contact|envoy)\w+.{0,12}\b(?:par|à|sur|au)\b"
    r"|\bll[aá]m\w+|\b(?:escr[ií]b|contact|mand|env[ií])\w+ .{0,12}\b(?:por|al|a)\b"
    # ... or that it is welcome.
    r"|\b(?:use|only|just|prefer|rather|better|instead|via|by|through|per|solo|meglio|preferi\w+|tramite|usi|usate"
    r"|nur|lieber|besser|bitte|uniquement|plutôt|préfèr\w+|par|mejor|s[oó]lo|por|va bene)[^\w']+(?:[\w']+[^\w']+){0,3}?"
    rf"(?:{_ANY})"
    rf"|(?:{_ANY})[^\w']+(?:[\w']+[^\w']+){{0,2}}?(?:fine|ok|okay|better|best|instead|only|works|please|va bene|sì|meglio"
    r"|geht|passt|gern\w*|va (?:bien|très)|mieux|préfér\w+|está bien|mejor|sí)\b"
)
_EVER = re.compile(
    r"\b(?:again|any ?more|ever|ancora|mai|nessun\w*|nie wieder|jamais|nunca|unsubscribe|more|altre|altri)\b"
)
_EVERYTHING = re.compile(
    r"unsubscri|\b(?:remove|delete|erase)\b|\boff\b.{0,12}\blists?\b|\bleave me\b|\bstop (?:all|every)"
    r"|cancell(?!ul)|\btogli|rimuov|elimin|disiscri|lösch|streich|verteiler|abmeld|austrag|entfern"
    r"|supprim|désinscri|désabonn|retire|rayez|\bborr|bórr|\bbaja\b|quít"
)
"""Asked for beside a channel, in the same breath: then it is about all messages."""
_THREATENS = re.compile(
    r"\b(?:i|we)(?:'?ll| will|'m going to| am going to) (?:just )?(?:call|ring|phone|e-?mail|write|text|contact)\b"
    r"|\bpoli(?:ce|zia|zei|cía)\b|\blawyers?\b|\bsolicitor|\battorney|\bauthorit|\bico\b|\bgarante\b|carabinieri|avvocat"
    r"|anwalt|verbraucherzentrale|\bavocat|\bcnil\b|abogad|\baepd\b|denunci"
)
"""Whom they turn to themselves is no way to write to them."""
_ALSO = re.compile(r"\s*(?:or|nor|né|o|oder|noch|ou|ni)\b")
_CUT = re.compile(r"[.,;:!?\n–—()]+|\b(?:but|ma|però|sondern|aber|mais|sino|pero)\b")


def refused_channels(text: str, channel: str) -> tuple[str, ...]:
    """The channels that somebody's own words refuse while they name another way; one that no message takes
    is `phone`. `channel` is the one on which they answer."""
    return _judge(text, channel)[0]


def besides_channels(text: str, channel: str) -> str:
    """The text without the clauses that refuse a channel: what else somebody says, a stop among it, is read
    there."""
    return _judge(text, channel)[1]


def _judge(text: str, channel: str) -> tuple[tuple[str, ...], str]:
    said = text.casefold().replace("’", "'")
    if len(text) > LONGEST or not _NOT.search(said):
        return (), text
    clauses = [clause for clause in _CUT.split(said) if clause.strip()]
    refused = [clause for clause in clauses if _refuses(clause) and _named(clause, channel)]
    others = [clause for clause in clauses if clause not in refused]
    channels = tuple(dict.fromkeys(name for clause in refused for name in _named(clause, channel)))
    if not channels or any(_ALSO.match(clause) for clause in clauses) or _THREATENS.search(said):
        return (), text
    if not any(_welcomes(clause, channels, channel) for clause in others):
        return (), text
    return channels, ".\n".join(clause.strip() for clause in others)


def _refuses(clause: str) -> bool:
    return bool(_NOT.search(clause) and not (_NO_REFUSAL.search(clause) or _EVERYTHING.search(clause)))


def _named(clause: str, channel: str) -> list[str]:
    """The channels that a clause names; *here* is the one on which somebody answers, unless they name one."""
    found = [name for name, words in _NAMED.items() if words.search(clause)]
    if _HERE in found:
        found = [name for name in found if name != _HERE] or [channel]
    return found


def _welcomes(clause: str, refused: tuple[str, ...], channel: str) -> bool:
    named = set(_named(clause, channel)) - set(refused)
    return bool(named and _OTHERWISE.search(clause) and not (_NOT.search(clause) or _EVER.search(clause)))
