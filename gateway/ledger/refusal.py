"""Replies that invite nothing, in five languages. Pure.

Whoever says *no, thanks*, asks where an address came from, is the wrong person or away has answered: a
sequence waits for a person. They have not asked to hear more, so that no offer follows from it. This is
no stop, and takes back nothing that somebody agreed to. Whoever is misread gets an offer later.
"""

import re
import unicodedata

from gateway.ledger.autoreply import newest_text

LONGEST = 2_048
"""Characters of a text that are looked at: who says no says so soon."""


def _any(*phrases: str, before: str = r"\b") -> re.Pattern[str]:
    """One of these, in small letters and without accents."""
    return re.compile(f"{before}(?:{'|'.join(phrases)})")


# What is said for politeness, and does not say whether it is a yes or a no.
_COURTESY = re.compile(
    r"\b(?:ciao|salve|buongiorno|buonasera|gentil\w+|egregi\w+|grazie (?:mille|lo stesso|comunque|ancora)"
    r"|(?:la |vi |ti )?ringrazi(?:o|amo)|grazie|grz|per favore|scus[ai]|purtroppo|mi (?:di)?spiace|comunque"
    r"|(?:un )?saluto|saluti|cordiali|distinti|buon[ao]? (?:giornata|lavoro)"
    r"|hi|hello|hey|dear|thanks(?: a lot| anyway)?|thank you(?: very much)?|thx|cheers|please|pls|sorry"
    r"|unfortunately|best|kind|regards|anyway"
    r"|hallo|guten tag|vielen dank|danke(?: schon)?|leider|bonjour|merci(?: beaucoup)?|malheureusement"
    r"|hola|(?:muchas )?gracias|lo siento)\b"
)

_BARE = re.compile(
    r"(?:no|no no|nono|nope|nah|nein|non|pass|hard pass|passo|👎|(?:ma|but|aber|mais|pero) (?:no|nein|non)"
    r"|(?:not|nicht|pas) (?:now|yet|jetzt|maintenant))"
)
"""The whole of a line, courtesies left out."""

_NOES = frozenset({"no", "nope", "nah", "nein", "non"})
"""Said first, with a mark after it, whatever the reason that follows."""

_DECLINES = _any(
    # English
    r"no thanks\b", r"no thank you\b", r"thanks but no\b", r"not? int\w{2,4}sted\b",
    r"(?:not|un)interested\b",
    r"no interest\b", r"not (?:for (?:me|us)|(?:right )?now|today|this year|currently)\b",
    r"not at (?:this|the) (?:time|moment|present)\b",
    r"(?:we're|we are|i'm|i am|im) (?:all )?(?:set|good|covered|sorted|fine as)\b(?! for (?!now))",
    r"all set$",
    r"(?:i'll|we'll|(?:i|we) will|gonna|going to|have to|must) (?:have to )?(?:pass|decline)\b",
    r"(?:i|we) (?:respectfully |politely )?(?:pass|decline)\b",
    r"already (?:have|got|use|using|work|working|covered)\b",
    r"(?:not|isn't|wasn't) (?:really )?(?:a |the )?(?:good |right |great )?(?:fit|match|priority|need)\b",
    r"no (?:need|budget|plans|requirement)\b(?! (?:issue|problem|limit|constraint))", r"but no$",
    r"(?:don't|do not|dont) (?:really )?(?:need|require|have (?:the |a |any )?(?:need|budget|use))\b",
    r"(?:decided|choose|chose|prefer) (?:not|against|to go (?:another|with|in a))\b",
    r"(?:maybe|rather|probably) not\b", r"(?:go|going|gone|went) with (?:another|someone)\b", r"it'?s a no\b",
    r"(?:do|does|handle|have) (?:it|this|that|these|everything) (?:all )?in house\b", r"sit this one out\b",
    r"(?:doesn't|does not|don't) (?:really )?(?:suit|fit|work for|interest)\b",
    r"not (?:something|what) (?:we|i)\b", r"another time\b", r"happy with (?:our|what|my)\b",
    r"(?:not|isn't|aren't) (?:really |that )?(?:relevant|applicable|suitable|of interest"
    r"|looking for|in the market)\b",
    r"(?:go|going|gone|went) (?:in )?(?:a|another) (?:different )?(?:direction|way|route)\b",
    r"don't (?:really )?see (?:a|the|any) (?:fit|need|value|point|benefit)\b",
    r"too (?:expensive|pricey|dear)\b",
    r"not (?:our|my) (?:cup of tea|thing|area|field|target|style|kind)\b",
    r"signed with (?:a|an|our|another|someone)\b",
    r"(?:have to|must|going to|gonna|will|need to) say no\b",
    r"(?:answer|reply|verdict) is (?:a |still )?no\b",
    r"not a good (?:use|moment|time|idea)\b",
    r"(?:won't|will not|not going to) be (?:moving|going|taking|proceeding)\b",
    r"(?:not|won't be) (?:pursu|proceed|mov|go)ing (?:with|ahead|forward|this|it)\b", r"no appetite\b",
    r"(?:decided|chosen|opted) not to\b", r"we (?:don't|do not) (?:buy|outsource|do this|do that)\b",
    # Italian
    r"no grazie\b", r"grazie ma no\b",
    r"non (?:mi |ci |vi )?(?:interessa(?:no|t\w)?|serv(?:e|ono)|occorre)\b",
    r"non (?:sono|siamo|saremmo|sarei) (?:al momento |piu |molto |davvero )?interessat\w",
    r"(?:per|al|in questo) (?:ora|il momento|momento|adesso)(?: proprio)? no\b",
    r"(?:ora|adesso|oggi|quest'anno) no$",
    r"non (?:ne )?(?:ho|abbiamo|avrei|avremmo) (?:bisogno|necessita|budget|esigenz\w|interesse|intenzione)\b",
    r"non (?:fa|credo (?:che )?faccia|credo fa) (?:proprio )?(?:per (?:me|noi)|al caso)\b",
    r"non (?:e|sarebbe) (?:di (?:nostro |mio )?interesse|il (?:momento|caso)|una priorita)\b",
    r"non rientra(?:no)? (?:tra|fra|nei|nelle)\b",
    r"(?:siamo|sono|sto|stiamo) (?:gia )?(?:a posto|apposto|bene cosi|copert\w|soddisfatt\w)\b",
    r"a posto cosi\b",
    r"(?:abbiamo|ho) gia (?:un|una|uno|chi|dei|delle|tutto|il|la|i|scelto|provveduto)\b",
    r"(?:ma|grazie) passo$",
    r"(?:lavoriamo|lavoro|collabor\w+) (?:gia|con un altro|con un'altra|con altri)\b",
    r"(?:devo|dobbiamo|vorrei|preferi\w+) rifiutare\b", r"rifiut(?:o|iamo)\b",
    r"non (?:procediamo|procedo)\b",
    r"(?:facciamo|gestiamo|faccio) (?:gia )?tutto (?:internamente|da soli|in casa)\b",
    r"(?:decliniamo|declino)\b", r"(?:meglio|grazie ma) (?:di )?no\b", r"un'altra volta\b",
    r"(?:devo|dobbiamo|preferi\w+|costrett\w a) declinare\b",
    r"(?:preferi\w+|dire\w+|credo|penso|temo|meglio) (?:proprio )?di no\b",
    r"lasci(?:o|amo) (?:perdere|stare)\b",
    r"non (?:posso|possiamo) (?:aiutar|accettar|aderir)\w+",
    r"(?:abbiamo|ho) (?:gia )?(?:altre priorita|altri impegni|altri programmi|altri piani)\b",
    r"(?:gia|siamo|sono) (?:ben )?(?:seguit[aieo]|servit[aieo]|assistit[aieo])\b", r"non procedere\b",
    r"(?:risposta e|risposta resta|sara|e un|rimane un|resta un) no\b",
    r"troppo (?:car[aieo]|costos[aieo])\b",
    r"non (?:siamo|sono|e|saremmo) (?:il (?:vostro|suo|tuo|nostro)|in linea|adatt[aieo]|cosa per"
    r"|per (?:noi|me)\b|roba)",
    r"(?:deciso|scelto|optato) (?:diversamente|per (?:un )?altr\w|di non|un altro|un'altra)\b",
    r"(?:siamo|abbiamo) (?:al )?(?:completo|tutto cio che|tutto quello che)\b",
    r"budget (?:e|per \w+ e|quest'anno e) (?:gia )?(?:chiuso|finito|esaurito|impegnato)\b",
    r"budget chiuso\b",
    r"non (?:ci|mi) (?:convince|persuade|riguarda|e utile|entusiasma)\w*",
    r"non (?:intend(?:o|iamo)|e nostra intenzione|pens(?:o|iamo) di) (?:procedere|proseguire"
    r"|cambiare|aderire|acquist\w+)",
    # German
    r"nein danke\b", r"leider nein\b", r"keine?n? (?:interesse|bedarf)\b", r"nicht interessiert\b",
    r"passt (?:leider )?nicht\b",
    r"(?:im moment|derzeit|momentan|aktuell)(?: leider)? (?:nicht|kein)\b",
    r"bereits (?:einen|eine|versorgt)\b",
    r"(?:haben|nutzen) (?:wir )?(?:bereits|schon)\b",
    r"(?:nicht|kaum) (?:relevant|von interesse|interessant|notwendig|notig|in frage)\b",
    r"(?:leider )?zu teuer\b",
    r"(?:anders|dagegen|fur (?:einen )?ander\w+) entschieden\b",
    r"(?:gut|bestens) (?:versorgt|aufgestellt|betreut)\b",
    r"(?:ist|ware) (?:leider )?nichts fur (?:uns|mich)\b",
    r"(?:muss|mussen|mochte|mochten) (?:ich |wir )?(?:leider )?absagen\b",
    r"(?:lehne|lehnen) (?:ich |wir )?(?:dankend )?ab\b", r"verzichte[n]?\b",
    r"(?:arbeiten|arbeite) (?:schon|bereits) mit\b",
    r"kein (?:budget|thema)\b", r"kommt (?:fur (?:uns|mich) )?nicht in\b",
    # French
    r"non merci\b", r"pas d'actualite\b", r"merci mais non\b", r"pas interesse\w*",
    r"(?:m'|nous )interesse(?:nt)? pas\b",
    r"pas (?:pour|en) (?:le moment|l'instant|ce moment|moi|nous)\b", r"pas besoin\b",
    r"(?:avons|j'ai) deja (?:un|une|notre|mon|ce)\b",
    r"(?:correspond(?:ent|ant)?|concern\w+|convien\w+) pas\b", r"trop cher\b", r"pas (?:donner )?suite\b",
    r"(?:donnerai|donnerons|donnons) pas\b", r"pas (?:pour|dans) (?:nous|nos|moi|notre)\b", r"sera non\b",
    r"pas (?:donne suite|dans nos (?:priorites|besoins)|notre (?:priorite|cible))\b",
    r"(?:je|nous) decline?\w*\b",
    r"deja (?:equipes?|pourvus?|engages?|un prestataire|un fournisseur)\b", r"travaillons deja\b",
    r"pas de budget\b", r"choisi (?:un|une) autre\b",
    # Spanish
    r"no gracias\b", r"no es lo que\b", r"no (?:me|nos) interesa\b", r"no (?:estoy|estamos) interesad\w",
    r"(?:por|de) (?:ahora|el momento|momento) no\b", r"ya ten(?:go|emos)\b",
    r"no (?:lo )?necesit(?:o|amos)\b",
    r"no (?:nos |me )?(?:encaja|cuadra|conviene|procede|aplica)\w*",
    r"ya (?:trabaj\w+|colabor\w+|contamos) con (?:otr|un)",
    r"(?:demasiado|muy) car[oa]\b", r"no (?:seguir|continuar|avanzar) (?:adelante|con)\b",
    r"no es para (?:nosotros|mi)\b",
    r"(?:hemos|he) (?:decidido|optado|elegido) (?:no|otr[oa]|por otr[oa])\b", r"pero no$", r"prefer\w+ no\b",
    r"no (?:hay|tenemos|tengo) (?:presupuesto|interes|necesidad)\b", r"declin(?:o|amos)\b",
)  # fmt: skip

_ELSEWHERE = _any(
    # The wrong person, or one who has left.
    r"wrong (?:person|number|guy|address)\b", r"not the right (?:person|contact)\b",
    r"(?:no longer|not) works? (?:at|for|with|here)\b", r"no longer (?:with|at) (?:the|this)\b",
    r"(?:has|have|i) left (?:the )?(?:company|firm|\w+ last)\b", r"(?:numero|persona|indirizzo) sbagliat\w",
    r"(?:hai?|avete) sbagliato (?:persona|numero|indirizzo)\b",
    r"non sono (?:io )?la persona (?:giusta|corretta)",
    r"non (?:me ne|mi) occup\w+", r"non lavor\w+ piu\b", r"non e piu (?:in|presso|con)\b",
    r"falsche (?:person|nummer)\b", r"nicht mehr (?:bei|im unternehmen|hier)\b",
    r"mauvaise? (?:personne|numero)\b", r"ne travaille plus\b", r"(?:persona|numero) equivocad\w",
    r"ya no trabaj\w+",
    # Away.
    r"out of (?:the )?office\b", r"(?:i am|i'm|we are|we're) (?:currently )?(?:away|ooo|closed)\b",
    r"on (?:(?:annual|parental|maternity|paternity|sick) )?leave\b", r"on (?:vacation|holiday)\b",
    r"(?:limited|no) access to (?:my )?e?-?mail\b", r"(?:fuori|assent[ei] dall') ?(?:ufficio|sede)\b",
    r"(?:sono|saro|siamo|saremo) (?:assent\w|in (?:ferie|vacanza|maternita|congedo)|chius\w)",
    r"chius[oi] per ferie",
    r"nicht im buro\b", r"im urlaub\b", r"abwesen\w+", r"absente? du bureau\b", r"en conges?\b",
    r"fuera de la oficina\b", r"(?:estoy|estare) de vacaciones\b",
    # A notice of receipt, or a machine that says so.
    r"automat(?:ed|ic) (?:message|reply|response)\b", r"(?:messaggio|risposta) automatic\w",
    r"mailbox is (?:not|no longer)\b",
    r"(?:casella|indirizzo) .{0,15}non (?:e|viene) (?:piu|presidiat|lett)\w*",
    r"(?:ticket|request|message) .{0,30}(?:has been|was) (?:created|received|logged|opened|registered)\b",
    r"(?:richiesta|segnalazione|ticket) .{0,30}(?:registrat\w|presa in carico|apert\w|ricevut\w)",
    r"thank(?:s| you) for (?:contacting|reaching out to) (?!me\b)\w",
    r"grazie per averci (?:contattat|scritto)\w*",
    r"will (?:get back to you|respond|reply) (?:as soon|when|shortly|within)\b", r"non siamo disponibili\b",
    r"(?:rispondero|risponderemo|le rispondera) (?:al mio|al|il prima|entro|appena|quanto)\b",
)  # fmt: skip

_RIGHTS = _any(
    # Where an address came from, and what else data protection law lets anybody ask.
    r"(?:where|how|who) .{0,25}(?:get|got|find|found|obtain|gave|give|pass) .{0,15}\b(?:my|our) \w",
    r"access request\b", r"what .{0,15}data .{0,20}(?:about|on) me\b",
    r"(?:under|article|art) (?:gdpr )?(?:15|17)\b",
    r"(?:dove|chi|come) .{0,25}(?:avut|pres|trovat|dat|ottenut|recuperat|fornit|reperit)\w .{0,12}"
    r"(?:mail|indirizzo|numero|contatt\w|dati|nominativo|recapit\w)\b", r"(?:quali|che) dati avete\b",
    r"i miei diritti\b", r"(?:chiedo|richiedo|esercito) .{0,20}(?:accesso|cancellazione|diritto)\b",
    r"woher haben sie\b", r"wie (?:kommen|sind) sie .{0,20}an meine\b",
    r"comment avez vous (?:eu|obtenu|trouve)\b", r"d'ou (?:vient|tenez|avez)\b",
    r"supprimer .{0,15}mes donnees\b", r"de donde .{0,20}mis?\b", r"como (?:consigui|obtuv)\w+ .{0,12}mis?\b",
    r"supresion de .{0,15}mis datos\b",
)  # fmt: skip

# Whoever asks for something beside it has not closed the door ...
_INVITES = _any(
    r"(?:mi|ci) (?:mand|invi|chiam|dic|facc|scriv|richiam|interess|piac)\w+",
    r"(?:ma si|va bene|d'accordo)\b",
    r"(?:ri)?(?:sentiamoci|parliamone|vediamoci|aggiorniamoci)\b", r"ci (?:ri)?(?:sentiamo|vediamo)\b",
    r"volentieri\b", r"(?:perche no|anzi si)\b", r"vorrei (?:saper|ricever|prov|veder|capir)\w+",
    r"(?:yes|yeah|yep|sure|why not|sounds good|would love|i'd love|i'd like|let's|tell me)\b",
    r"happy to (?:talk|chat|meet|hear)\b", r"(?:send|call|ping|try|email|ring|contact) (?:me|us|it|over)\b",
    r"(?:reach out|check in|circle back|touch base)\b",
    r"(?:gerne|melden sie sich|rufen sie|schicken sie)\b",
    r"(?:avec plaisir|volontiers|envoyez moi|rappelez)\b",
    r"(?:con gusto|envieme|mandeme|llameme)\b",
)  # fmt: skip
_YES = re.compile(
    r"(?:^|[\n.,;!])\s*(?:(?:sì|sí|ja|oui)\b|si(?:\s*[,.!\n]|\s*\Z| (?:grazie|mi|certo|volentieri)\b))"
)
# ... unless it is to be left alone.
_NEVER = re.compile(r"\b(?:do not|don't|dont|never|no need to|non|not|nicht|ne) (?:\w+ )?\Z")

_SHORT = re.compile(r"\bnn\b")
_MARKS = re.compile(r"[^\w'👎]+")
_CLAUSES = re.compile(r"[.,;:!?\n…()\"]+")
_SIGNATURE = re.compile(r"^\s*(?:--|__)", re.MULTILINE)


def invites_nothing(text: str) -> bool:
    """Whether somebody's answer, in its own words, is a polite no, a question about where their data came
    from, or a note that they are away or the wrong person; and asks for nothing more."""
    said = newest_text(text[:LONGEST]).casefold().replace("’", "'")
    said = _SIGNATURE.split(said, maxsplit=1)[0]
    plain = _folded(said)
    clauses = [clause for part in _CLAUSES.split(plain) if (clause := _words(part))]
    if any(_RIGHTS.search(clause) for clause in clauses):
        return True
    whole = " ".join(clauses)
    if "?" in said or _YES.search(said) or _invites(whole):
        return False
    return _is_bare(plain) or any(_says_no(clause) for clause in (*clauses, whole))


def _folded(text: str) -> str:
    """The text without accents, and with *non* where people write *nn*."""
    plain = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    return _SHORT.sub("non", plain)


def _words(text: str) -> str:
    return " ".join(_MARKS.sub(" ", text).split())


def _says_no(clause: str) -> bool:
    return bool(_DECLINES.search(clause) or _ELSEWHERE.search(clause))


def _invites(text: str) -> bool:
    """Whether something is asked for; what is named to be left alone is not."""
    return any(not _NEVER.search(text, max(0, m.start() - 40), m.start()) for m in _INVITES.finditer(text))


def _is_bare(text: str) -> bool:
    """Whether it begins with a no, or the first line that says anything is one; short ones after it are a
    name."""
    first = _words(_COURTESY.sub(" ", _CLAUSES.split(text.lstrip(), maxsplit=1)[0]))
    if first in _NOES:
        return True
    spoken = [line for line in (_words(_COURTESY.sub(" ", line)) for line in text.splitlines()) if line]
    if len(spoken) > 1 and len(spoken[0].split()) <= 2 and not _BARE.fullmatch(spoken[0]):
        spoken = spoken[1:]
    return bool(spoken and _BARE.fullmatch(spoken[0])) and all(len(line.split()) <= 4 for line in spoken[1:])
