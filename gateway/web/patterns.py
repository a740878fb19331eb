"""Forms that text in a body must have, and what to write where it has another."""

from collections.abc import Mapping

from gateway.policy.outcome import Words

ONE_LINE = r"^[^\u0000-\u001f\u007f-\u009f\u2028\u2029]*$"
"""No line end and no other control character: nothing that could begin a header of its own."""
TIMESTAMP = (
    r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}(:[0-9]{2}([.,][0-9]{1,9})?)?"
    r"([Zz]|[+-][0-9]{2}:?[0-9]{2})$"
)
MIME_TYPE = r"^[A-Za-z0-9.+-]{1,60}/[A-Za-z0-9.+-]{1,60}$"
ADDRESS_TYPE = r"^[a-z][a-z0-9_]*$"
JURISDICTION = r"^([A-Za-z]{2}(-[A-Za-z0-9]{1,3})?|unknown)$"
IP = r"^[0-9A-Fa-f:.]*$"
WEB_ADDRESS = r"^(https?://[^\s\u0000-\u001f]+)?$"
SOMETHING = r"\S"
SUBJECT = r"^[0-9a-f]{32}$"
SPAN = r"^[0-9]{1,4}[hdw]$"
BASE64 = r"^[A-Za-z0-9+/=]+$"

OTHER = Words(
    "This holds characters that it may not, such as line ends, or has another form.",
    "Contiene caratteri non ammessi, come fine riga, o ha un'altra forma.",
)
WANTED: Mapping[str, Words] = {
    ONE_LINE: Words(
        "This holds a line end or another control character. Write it in one line.",
        "Contiene un fine riga o un altro carattere di controllo. Scriverlo in una riga sola.",
    ),
    TIMESTAMP: Words(
        "Write a day and a time with its zone: 2026-02-01T10:00:00Z, or +01:00 for Z.",
        "Scrivere giorno e ora con il fuso orario: 2026-02-01T10:00:00Z, o +01:00 al posto di Z.",
    ),
    MIME_TYPE: Words("Write a media type: application/pdf.", "Scrivere un tipo di media: application/pdf."),
    ADDRESS_TYPE: Words(
        "Write a type of address in small letters: email, linkedin.",
        "Scrivere un tipo di indirizzo in minuscolo: email, linkedin.",
    ),
    JURISDICTION: Words(
        "Write the code of a country, with a region where it matters: IT, US-CA; or unknown.",
        "Scrivere la sigla di un paese, con una regione se serve: IT, US-CA; oppure unknown.",
    ),
    IP: Words(
        "Write an IP address: 192.0.2.1 or 2001:db8::1. Leave it out where it is not known.",
        "Scrivere un indirizzo IP: 192.0.2.1 o 2001:db8::1. Se non è noto, ometterlo.",
    ),
    WEB_ADDRESS: Words(
        "Write an address that begins with https:// or http://, without spaces.",
        "Scrivere un indirizzo che inizia con https:// o http://, senza spazi.",
    ),
    SOMETHING: Words("This must not be empty.", "Non può essere vuoto."),
    SUBJECT: Words(
        "Write the key of a person: 32 of 0-9 and a-f, as POST /api/v1/subjects/lookup answers it.",
        "Scrivere la chiave di una persona: 32 fra 0-9 e a-f, come risponde POST /api/v1/subjects/lookup.",
    ),
    SPAN: Words("Write how far back: 12h, 30d, 8w.", "Scrivere quanto indietro: 12h, 30d, 8w."),
    BASE64: Words(
        "Write it in Base64, without line ends.", "Scriverlo in Base64, senza caratteri di fine riga."
    ),
}
"""What to write, by the pattern that does not match; where none is named here, OTHER."""
