"""A score of newsletters as organizations really send them, with slots for what differs.

Slots of the reader: {name} {full} {company} {city}, and in OWN and PERSONAL {card} and all others too.
Slots of the issue, the same in every copy of a letter: {day} {month} {time} {place} {title} {person} {n} {m}.
"""

# ruff: noqa: E501 - letters read best whole

from typing import NamedTuple


class Letter(NamedTuple):
    """One newsletter: who sends it, its language, subject, opening and paragraphs."""

    language: str
    sender: str
    mailbox: str
    subject: str
    opening: str
    paragraphs: tuple[str, ...]


LETTERS = (
    Letter(
        "it",
        "Biblioteca Civica di Vallescura",
        "notizie@biblioteca.example.com",
        "Le letture di {month} e un incontro per {name}",
        "Gentile {full},",
        (
            "a {month} la sala grande riapre dopo i lavori alle finestre: ora ci sono {n} posti a sedere e le prese accanto a ogni tavolo.",
            "Il gruppo di lettura ha scelto «{title}». Ne parliamo {day} alle {time} in {place}, con {person} che lo ha tradotto.",
            "Abbiamo contato i prestiti dell'anno: {n} libri per ragazzi, {m} romanzi, e una grammatica greca che nessuno restituiva dal 1998.",
            "Chi abita a {city} può ritirare i libri anche alla casetta del mercato, aperta il martedì e il venerdì.",
        ),
    ),
    Letter(
        "it",
        "Associazione Sentieri Aperti",
        "passi@sentieri.example.com",
        "Tre cammini per {month}, {name}",
        "Ciao {name},",
        (
            "la neve si è ritirata sopra i {n} metri e il sentiero del versante nord è di nuovo percorribile, con un guado in più.",
            "{day} alle {time} partiamo da {place} per una camminata di {m} chilometri: passo lento, pranzo al sacco, cani al guinzaglio.",
            "{person} ha ridisegnato la mappa del bosco di {city}: le fontane sono segnate tutte, anche quelle che d'estate non danno acqua.",
            "Servono ancora due persone per la pulizia dei segnavia; la vernice la portiamo noi.",
        ),
    ),
    Letter(
        "it",
        "Officina dei Dati",
        "bollettino@officinadati.example.com",
        "Bollettino di {month}: archivi, errori e una buona notizia",
        "Gentile {full},",
        (
            "questo mese raccontiamo come un archivio comunale ha rimesso in ordine {n} fascicoli senza comprare nulla di nuovo.",
            "L'intervista è a {person}, che lavora a {city} e spiega perché una data scritta male costa {m} telefonate.",
            "Il prossimo seminario si tiene {day} alle {time} in {place}; le diapositive saranno pubblicate il giorno dopo.",
            "Tra le letture consigliate c'è «{title}», che parla di moduli e di pazienza.",
        ),
    ),
    Letter(
        "it",
        "Teatro del Canale",
        "cartellone@teatrocanale.example.com",
        "{name}, il cartellone di {month}",
        "Cara lettrice, caro lettore, buongiorno {name},",
        (
            "la stagione continua con «{title}», regia di {person}: una storia di famiglia in due atti e {n} cambi di scena.",
            "Lo spettacolo di {day} comincia alle {time}; il foyer di {place} apre un'ora prima, con una piccola mostra di bozzetti.",
            "La scuola di teatro ha {m} iscritti, il più giovane ha sette anni e il più anziano settantaquattro.",
            "Per chi arriva da {city} l'ultimo treno parte venti minuti dopo la fine: abbiamo provato a piedi, si fa.",
        ),
    ),
    Letter(
        "it",
        "Consorzio Acque Chiare",
        "informa@acquechiare.example.com",
        "Qualità dell'acqua a {city}: i dati di {month}",
        "Gentile {full},",
        (
            "a {month} abbiamo fatto {n} prelievi nella zona di {city}; la durezza media è di {m} gradi francesi, come l'anno scorso.",
            "{day} dalle {time} si lavora alla condotta di {place}: la pressione sarà più bassa per circa due ore.",
            "Il laboratorio, diretto da {person}, pubblica da quest'anno anche i valori dei singoli pozzi.",
            "Nel rapporto intitolato «{title}» trova i grafici e il glossario.",
        ),
    ),
    Letter(
        "it",
        "Circolo degli Apicoltori",
        "favo@apicoltori.example.com",
        "Cosa fare in apiario a {month}",
        "Ciao {name},",
        (
            "le famiglie escono dall'inverno più forti del previsto: su {n} arnie visitate a {city} solo {m} erano orfane.",
            "{person} consiglia di allargare il nido un telaino alla volta e di non avere fretta con i melari.",
            "Ci vediamo {day} alle {time} in {place}: portate il velo, l'affumicatore lo accendiamo insieme.",
            "In fondo trovi la scheda del libro «{title}», che è arrivato nella nostra piccola biblioteca.",
        ),
    ),
    Letter(
        "it",
        "Museo della Carta",
        "museo@carta.example.com",
        "Una domenica al museo, {name}?",
        "Gentile {full},",
        (
            "la pila a martelli è tornata a battere: ci sono voluti {n} giorni di restauro e {m} cunei di castagno.",
            "Il laboratorio per famiglie è {day} alle {time} in {place}; chi partecipa porta a casa il proprio foglio.",
            "{person} ha donato al museo un quaderno di conti del 1811, trovato in una soffitta di {city}.",
            "La nuova vetrina si chiama «{title}» e racconta le filigrane come fossero firme.",
        ),
    ),
    Letter(
        "it",
        "Cooperativa Il Solco",
        "campi@ilsolco.example.com",
        "Dal campo: {month} e le prime semine",
        "Ciao {name},",
        (
            "abbiamo seminato {n} file di piselli e {m} di spinaci, poi è venuta la pioggia giusta.",
            "Nel podere vicino a {city} le lepri hanno scoperto l'insalata prima di noi; la rete arriva {day}.",
            "{person} ha tenuto il diario della stagione: lo leggiamo insieme alle {time} in {place}.",
            "La ricetta del mese viene dal quaderno «{title}» e chiede solo pane raffermo, cipolle e mezz'ora.",
        ),
    ),
    Letter(
        "it",
        "Rete delle Scuole di Musica",
        "note@scuolemusica.example.com",
        "Saggi, prove aperte e un pianoforte per {city}",
        "Gentile {full},",
        (
            "i saggi di {month} coinvolgono {n} allievi; il programma completo è appeso in {place}.",
            "La prova aperta dell'orchestra è {day} alle {time}: si può entrare e uscire tra un movimento e l'altro.",
            "{person} ha accordato il pianoforte della sala civica di {city} e lo ha trovato in forma migliore del tetto.",
            "Dalla discoteca: «{title}», inciso in un solo pomeriggio con {m} microfoni.",
        ),
    ),
    Letter(
        "it",
        "Osservatorio Lavoro e Imprese",
        "studi@osservatorio.example.com",
        "I numeri di {month} per chi lavora in {company}",
        "Gentile {full},",
        (
            "nel trimestre le imprese della provincia di {city} hanno avviato {n} tirocini, {m} in più dell'anno prima.",
            "La ricerca «{title}», curata da {person}, chiede alle aziende come {company} quanto tempo passa tra un colloquio e la risposta.",
            "La presentazione è {day} alle {time} in {place}; seguirà una discussione con i ricercatori.",
            "I dati grezzi si possono scaricare e riusare citando la fonte.",
        ),
    ),
    Letter(
        "it",
        "Ciclofficina Mezzogiorno",
        "raggi@ciclofficina.example.com",
        "Freni, camere d'aria e {month}",
        "Ciao {name},",
        (
            "in officina sono passate {n} biciclette e una sola aveva davvero bisogno di un cambio nuovo.",
            "{day} alle {time} in {place} insegniamo a centrare una ruota: servono una chiave, un'ora e un po' di orecchio.",
            "La pista ciclabile di {city} è lunga {m} chilometri da quando {person} ha convinto il comune a unire i due pezzi.",
            "Nella cassetta dei libri c'è «{title}», da leggere quando piove.",
        ),
    ),
    Letter(
        "it",
        "Forum Agenda Digitale",
        "lettera@agendaforum.example.com",
        "Lettera di {month}: regole, servizi, persone",
        "Gentile {full},",
        (
            "abbiamo letto per voi le {n} pagine della nuova circolare e ne abbiamo fatto una tabella di una sola.",
            "{person} racconta come l'ufficio di {city} risponde in {m} giorni a chi chiede copia dei propri atti.",
            "L'incontro di {day} si tiene alle {time} in {place} e sarà trascritto per chi non può venire.",
            "Il quaderno «{title}» raccoglie le domande arrivate dai lettori, anche da chi lavora in {company}.",
        ),
    ),
    Letter(
        "en",
        "Harbor Row Library",
        "shelf@harborrow.example.com",
        "What we are reading in {month}, {name}",
        "Dear {full},",
        (
            "The reading room has new lamps, and {n} of the old chairs came back from the upholsterer looking rather proud.",
            'Our book for {month} is "{title}". We meet on {day} at {time} in {place}; {person} will lead the conversation.',
            "Members in {city} borrowed {m} cookbooks last quarter and returned them with notes in the margins, which we kept.",
            "The seed library opens again once the last frost is behind us.",
        ),
    ),
    Letter(
        "en",
        "Greenway Trail Society",
        "trail@greenway.example.com",
        "{month} on the trail",
        "Hello {name},",
        (
            "Volunteers cleared {n} yards of bramble near {city} and found a milestone nobody had on a map.",
            "The {day} walk starts at {time} from {place}: {m} miles, mostly flat, two stiles and one opinionated goose.",
            '{person} wrote a short history of the old towpath called "{title}", and the print shop is setting it now.',
            "Please keep to the marked path while the lapwings are nesting.",
        ),
    ),
    Letter(
        "en",
        "Applied Statistics Circle",
        "circle@statscircle.example.com",
        "Notes from the {month} meeting",
        "Dear {full},",
        (
            "At the last meeting {person} showed how {n} readings from a faulty sensor can be told from {m} good ones.",
            'The next talk is on {day} at {time} in {place}, and its title is "{title}".',
            "A reader at {company} asked whether medians can be averaged. The short answer takes a page, and it is in the appendix.",
            "Slides from the {city} workshop are online, with the data and the mistakes left in.",
        ),
    ),
    Letter(
        "en",
        "Millpond Community Theatre",
        "stage@millpond.example.com",
        "Curtain up in {month}",
        "Hello {name},",
        (
            'Rehearsals for "{title}" moved to {place} after the boiler gave its final performance.',
            "Opening night is {day} at {time}. {person} directs, and the set uses {n} doors, of which {m} open.",
            "The costume room has been sorted by decade, so if you lent us a coat in {city} we can now tell you where it is.",
            "Captioned performances are on both Sundays.",
        ),
    ),
    Letter(
        "en",
        "Open Archive Foundation",
        "letter@openarchive.example.com",
        "The archive letter: {month}",
        "Dear {full},",
        (
            "This month {n} glass negatives from {city} were scanned, described and put where anybody can see them.",
            '{person} writes about "{title}", a ledger whose water damage turned out to be tea.',
            "The handling workshop is on {day} at {time} in {place}; gloves are provided and mostly not needed.",
            "Colleagues at {company} helped us check {m} catalog entries, and found eleven we had misdated.",
        ),
    ),
    Letter(
        "en",
        "Northfield Growers",
        "plots@northfield.example.com",
        "From the plots in {month}",
        "Hello {name},",
        (
            "The beds by the railway are planted: {n} rows of onions, {m} of beans, and one of something {person} refuses to name.",
            "We turn the compost together on {day} at {time}; meet at {place} and bring gloves.",
            "The soil report for {city} came back better than feared, with a little less lime than last spring.",
            'On the bench by the gate there is a copy of "{title}" for whoever needs a rest.',
        ),
    ),
    Letter(
        "en",
        "Civic Data Forum",
        "brief@civicdata.example.com",
        "Civic data brief for {month}",
        "Dear {full},",
        (
            "The city council of {city} published {n} new tables, and {m} of them can be read by a machine without apology.",
            '{person} explains in "{title}" what changes when a bus timetable is treated as public memory.',
            "The forum meets on {day} at {time} in {place}; minutes go out the following week.",
            "Several readers, among them people at {company}, asked for a glossary, so there is one now.",
        ),
    ),
    Letter(
        "en",
        "Lantern Street Choir",
        "voices@lanternchoir.example.com",
        "Singing in {month}",
        "Hello {name},",
        (
            "We are {n} voices this term, with {m} tenors, which {person} calls a miracle of arithmetic.",
            "Rehearsal on {day} begins at {time} in {place}, and the side door is the one that opens.",
            'The program for {city} includes "{title}", two rounds, and a lullaby that keeps the basses awake.',
            "Sheet music is in the shared folder; please bring a pencil.",
        ),
    ),
)

FOOTERS = {
    "it": (
        "Ricevi questa lettera perché ti sei iscritto alla newsletter di {sender} e hai confermato l'iscrizione.",
        "{sender}, via dei Mestieri {m}, 00100 Roma, P. IVA 00000000000. Scrivici a {mailbox}.",
        "Per non ricevere più la newsletter: {unsubscribe}",
    ),
    "en": (
        "You receive this letter because you signed up for the newsletter of {sender} and confirmed it.",
        "{sender}, {m} Mill Lane, Northfield. Write to us at {mailbox}.",
        "To stop receiving the newsletter: {unsubscribe}",
    ),
}

# Facts about the reader, as a mail merge adds them.
PERSONAL = {
    "it": (
        "La tua tessera numero {card} vale fino al {day} {month}; ci risulta una visita a {city}.",
        "Nel tuo scaffale ci sono {m} titoli, l'ultimo aggiunto {day} a {city} con la scheda {card}.",
        "Per {company} è prenotato il posto {card}, {day} alle {time}.",
    ),
    "en": (
        "Your card number {card} is valid until {day} of {month}; we last saw you in {city}.",
        "Your shelf holds {m} titles, the latest added on {day} in {city} under number {card}.",
        "Seat {card} is reserved for {company} on {day} at {time}.",
    ),
}

# One sentence from each list makes a remark that no other message has.
OWN = {
    "it": (
        (
            "Quando ci siamo visti a {city} mi ha colpito come {full} spiegava {thing}",
            "Dopo la tua domanda su {thing} ho chiesto a {person}",
            "Ho ripensato a quello che {company} sta facendo con {thing}",
            "Nella tua ultima lettera, {name}, citavi {thing}",
        ),
        (
            ": la risposta breve è che servono {n} passaggi e {m} prove",
            ": mi dicono che a {place} ne hanno viste {n} versioni in {m} mesi",
            ", e ho ritrovato una nota del {n} con {m} esempi",
            ", così ti allego il riassunto di {n} righe che avevo promesso",
        ),
        (
            ". Se passi da {place} {day}, {person} te lo mostra di persona.",
            ". Ne scriviamo anche a pagina {m}, accanto a «{title}».",
            ". Fammi sapere se a {city} funziona allo stesso modo.",
            ". Il capitolo {m} di «{title}» dice il contrario, e forse ha ragione.",
        ),
    ),
    "en": (
        (
            "When we met in {city}, {name}, you described {thing}",
            "After your question about {thing} I asked {person}",
            "I kept thinking about what {company} does with {thing}",
            "In your last note, {name}, you mentioned {thing}",
        ),
        (
            ": the short answer is that it takes {n} steps and {m} tries",
            ": they tell me that {place} saw {n} versions of it in {m} months",
            ", and I found a remark from {n} with {m} examples",
            ", so here is the summary of {n} lines that I promised",
        ),
        (
            ". If you pass by {place} on {day}, {person} will gladly show you.",
            '. There is more on page {m}, next to "{title}".',
            ". Tell us whether it works the same way in {city}.",
            '. Chapter {m} of "{title}" says the opposite, and may be right.',
        ),
    ),
}

FIRST = (
    "Anna",
    "Marco",
    "Giulia",
    "Luca",
    "Chiara",
    "Paolo",
    "Elena",
    "Davide",
    "Sara",
    "Matteo",
    "Laura",
    "Andrea",
    "Irene",
    "Stefano",
    "Marta",
    "Pietro",
    "Emma",
    "James",
    "Olivia",
    "Henry",
    "Grace",
    "Oscar",
    "Nora",
    "Felix",
    "Clara",
    "Hugo",
    "Alice",
    "Simon",
    "Ruth",
    "Leo",
)
LAST = (
    "Rossi",
    "Bianchi",
    "Ferrari",
    "Russo",
    "Colombo",
    "Ricci",
    "Marino",
    "Greco",
    "Bruno",
    "Gallo",
    "Conti",
    "Costa",
    "Mancini",
    "Rizzo",
    "Lombardi",
    "Moretti",
    "Barbieri",
    "Fontana",
    "Santoro",
    "Mariani",
    "Hale",
    "Brooks",
    "Whitaker",
    "Ellis",
    "Marsh",
    "Lowell",
    "Pryce",
    "Stone",
    "Archer",
    "Dunn",
    "Fielding",
    "Garland",
    "Holt",
    "Ingram",
    "Keating",
    "Langley",
    "Mercer",
)
CITIES = (
    "Trento",
    "Lucca",
    "Cremona",
    "Matera",
    "Udine",
    "Ferrara",
    "Siena",
    "Bari",
    "Ivrea",
    "Ragusa",
    "Pavia",
    "Asti",
    "Rovigo",
    "Chester",
    "Durham",
    "Lincoln",
    "Ely",
    "Bath",
    "Ripon",
    "Wells",
    "Kendal",
    "Ludlow",
    "Whitby",
)
COMPANIES = (
    "Meridiana Studi",
    "Tecnica Alpina",
    "Orlandi & Figli",
    "Ponte Vecchio Editore",
    "Vetreria Lagunare",
    "Studio Ginepro",
    "Cartotecnica Adige",
    "Bluefinch Labs",
    "Carter & Vale",
    "Oakum Press",
    "Tidewater Instruments",
    "Foxglove Research",
    "Redbrick Mutual",
)
PLACES = (
    "sala dei Mulini",
    "villa Serena",
    "palazzo Lanfranchi",
    "cortile San Biagio",
    "aula magna",
    "casa del Custode",
    "Old Granary",
    "Weavers Hall",
    "the Boathouse",
    "St Anne's Rooms",
    "the Corn Exchange",
    "Long Gallery",
)
TITLES = {
    "it": (
        "Il peso della farina",
        "La casa sul greto",
        "Appunti di un geometra",
        "Sette modi di tacere",
        "L'inverno dei tigli",
        "Mappe minori",
    ),
    "en": (
        "The Patient Ledger",
        "A Field Guide to Waiting",
        "Small Hours, Large Rooms",
        "The Second Drawer",
        "Tides and Other Clerks",
        "Salt on the Stairs",
    ),
}
THINGS = {
    "it": (
        "il catalogo delle schede perdute",
        "la pompa del vecchio mulino",
        "gli orari del sabato",
        "la traduzione del terzo capitolo",
        "il registro delle presenze",
        "la rete di raccolta dell'acqua",
        "le fotografie della piazza",
        "il nuovo modulo di prestito",
    ),
    "en": (
        "the catalog of lost cards",
        "the pump at the old mill",
        "the Saturday timetable",
        "the translation of chapter three",
        "the attendance book",
        "the rainwater channels",
        "the photographs of the square",
        "the new lending form",
    ),
}
DAYS = {
    "it": ("lunedì", "martedì", "mercoledì", "giovedì", "venerdì", "sabato", "domenica"),
    "en": ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
}
MONTHS = {
    "it": (
        "gennaio",
        "febbraio",
        "marzo",
        "aprile",
        "maggio",
        "giugno",
        "luglio",
        "settembre",
        "ottobre",
        "novembre",
    ),
    "en": (
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "September",
        "October",
        "November",
    ),
}
