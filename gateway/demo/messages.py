"""The messages of the demo: what people complain about, and what nobody minds. All invented."""

from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import SMTP
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One message. `by` is smtp or http; `copies` is how many people get the same words."""

    title: str
    by: str
    class_: str
    to: str
    name: str
    text: str
    subject: str = ""
    purpose: str = ""
    campaign: str = ""
    list_headers: bool = False
    kind: str = "direct_message"


SENDER = "Elena Riva"
MAILBOX = "elena.riva@acme.example"
PROFILE = "https://www.linkedin.com/in/elena-riva-example"

EVENTS: tuple[dict[str, Any], ...] = (
    {"type": "connection.accepted", "to": "https://www.linkedin.com/in/luca-moro-example", "seconds": 30},
    {
        "type": "connection.accepted",
        "to": "https://www.linkedin.com/in/sara-villa-example",
        "seconds": 30 * 86400,
    },
    {"type": "message.replied", "to": "https://www.linkedin.com/in/sara-villa-example", "seconds": 2 * 86400},
)

SAMPLES = (
    Sample(
        title="a newsletter to someone who asked for it",
        by="smtp",
        class_="newsletter",
        purpose="newsletter",
        to="giulia.ferri@libreria.example",
        name="Giulia Ferri",
        list_headers=True,
        campaign="marzo",
        subject="Le letture di marzo",
        text="Ciao Giulia,\n\necco le novità in libreria di questo mese: tre romanzi, un saggio sulle api e"
        " l'incontro di giovedì con i lettori del quartiere.\n\nRicevi questa lettera perché ti sei iscritta sul"
        " nostro sito; puoi disiscriverti quando vuoi con il link in fondo.\n\nElena Riva, Libreria Acme,"
        " via Roma 1, Milano\nhttps://www.acme.example/unsubscribe",
    ),
    Sample(
        title="the same newsletter to someone who never asked",
        by="smtp",
        class_="newsletter",
        purpose="newsletter",
        to="franco.sala@cantiere.example",
        name="Franco Sala",
        list_headers=True,
        campaign="marzo",
        subject="Le letture di marzo",
        text="Ciao Franco,\n\necco le novità in libreria di questo mese: tre romanzi, un saggio sulle api e"
        " l'incontro di giovedì con i lettori del quartiere.\n\nElena Riva, Libreria Acme, via Roma 1, Milano",
    ),
    Sample(
        title="an offer to someone who unsubscribed",
        by="smtp",
        class_="promotion",
        purpose="offers",
        to="paolo.neri@officina.example",
        name="Paolo Neri",
        campaign="sconti",
        subject="Solo oggi: -30% su tutto",
        text="Ciao Paolo, solo oggi sconto del 30% su tutti i corsi. Ultima occasione: acquista ora su"
        " https://www.acme.example/sconti",
    ),
    Sample(
        title="a pitch seconds after the connection",
        by="http",
        class_="outreach",
        campaign="linkedin-q1",
        purpose="offers",
        to="https://www.linkedin.com/in/luca-moro-example",
        name="Luca Moro",
        text="Grazie del collegamento, Luca! Ti propongo la nostra consulenza per aumentare le vendite del 40%:"
        " prenota una demo gratuita di 15 minuti qui https://www.acme.example/demo",
    ),
    Sample(
        title="an introduction that says who and why",
        by="http",
        class_="outreach",
        campaign="linkedin-q1",
        purpose="offers",
        to="https://www.linkedin.com/in/luca-moro-example",
        name="Luca Moro",
        text="Buongiorno Luca, sono Elena Riva e curo gli incontri con gli autori alla Libreria Acme di Milano. Le"
        " scrivo perché ho letto il suo articolo sulle biblioteche di condominio del 3 marzo: lo citerò nella"
        " serata che organizziamo ad aprile. Ho trovato il suo profilo qui su LinkedIn; se preferisce che non le"
        " scriva più, me lo dica e non lo farò.",
    ),
    Sample(
        title="a human answer to someone who replied",
        by="http",
        class_="conversation",
        to="https://www.linkedin.com/in/sara-villa-example",
        name="Sara Villa",
        text="Grazie della risposta, Sara. Giovedì alle 18 va benissimo anche per me: ci vediamo in libreria.",
    ),
    Sample(
        title="an invitation without a word",
        by="http",
        class_="connection_request",
        kind="connection_request",
        to="https://www.linkedin.com/in/nina-bassi-example",
        name="Nina Bassi",
        text="",
    ),
    Sample(
        title="a template that was never filled in",
        by="smtp",
        class_="outreach",
        campaign="cold-uk",
        purpose="offers",
        to="kate.moss-lane@mill.example",
        name="Kate Lane",
        subject="Quick question, {{first_name}}",
        text="Hi {{first_name}},\n\nI hope this finds you well. I wanted to reach out because {{company}} looks"
        " like a great fit.\n\nBest,\nElena",
    ),
    Sample(
        title="a receipt",
        by="smtp",
        class_="transactional",
        to="tom.baker@harbour.example",
        name="Tom Baker",
        subject="Your order 1042",
        text="Dear Tom,\n\nyour order 1042 was shipped today and should reach you on Friday. The invoice is"
        " 18.50 EUR and was paid by card.\n\nAcme Books",
    ),
    Sample(
        title="a receipt that sells",
        by="smtp",
        class_="transactional",
        to="kate.lane@mill.example",
        name="Kate Lane",
        subject="Your order 1043",
        text="Dear Kate,\n\nyour order 1043 was shipped. And now the best part: last chance to get 50% off our"
        " premium plan! Buy now at https://www.acme.example/premium and save 120 EUR. Only today!",
    ),
    Sample(
        title="an offer to someone who agreed to offers",
        by="smtp",
        class_="promotion",
        purpose="offers",
        to="anna.conti@studio.example",
        name="Anna Conti",
        campaign="corsi",
        list_headers=True,
        subject="Anna, il corso di restauro di aprile",
        text="Buongiorno Anna,\n\nin aprile riparte il corso di restauro del libro: otto lezioni, 240 euro, 20% di"
        " sconto per chi si iscrive entro venerdì. I posti si prenotano su https://www.acme.example/corsi.\n\n"
        "Riceve questa mail perché ha chiesto le nostre offerte; può disiscriversi con un clic.\n\n"
        "Elena Riva, Libreria Acme, via Roma 1, Milano",
    ),
    *(
        Sample(
            title=f"the same Christmas wish, person {n}",
            by="http",
            class_="greeting",
            campaign="natale",
            purpose="greetings",
            to=f"https://www.linkedin.com/in/collega-{n}-example",
            name=name,
            text=f"Ciao {name.split()[0]}, in questo momento speciale desidero augurare a te e ai tuoi cari un Natale"
            " sereno e un nuovo anno pieno di soddisfazioni e di successi professionali. A presto!",
        )
        for n, name in enumerate(("Aldo Bruni", "Carla Dossi", "Enzo Fumi", "Gina Levi", "Ivo Maran"), 1)
    ),
)


def mail(sample: Sample) -> bytes:
    """A sample as a tool would hand it over by SMTP."""
    message = EmailMessage()
    message["From"] = f"{SENDER} <{MAILBOX}>"
    message["To"] = f"{sample.name} <{sample.to}>"
    message["Subject"] = sample.subject
    message["Message-ID"] = f"<{sample.title.replace(' ', '-')}@acme.example>"
    message["X-Galateo-Class"] = sample.class_
    if sample.purpose:
        message["X-Galateo-Purpose"] = sample.purpose
    if sample.campaign:
        message["X-Galateo-Campaign"] = sample.campaign
    if sample.list_headers:
        message["List-Unsubscribe"] = "<https://www.acme.example/unsubscribe?u=42>"
        message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    message.set_content(sample.text)
    return message.as_bytes(policy=SMTP)


def request(sample: Sample) -> dict[str, Any]:
    """A sample as the body of `POST /v1/messages`."""
    body: dict[str, Any] = {
        "channel": "linkedin",
        "kind": sample.kind,
        "class": sample.class_,
        "sender": {"name": SENDER, "addresses": [{"type": "linkedin", "value": PROFILE}]},
        "recipient": {"name": sample.name, "addresses": [{"type": "linkedin", "value": sample.to}]},
        "text": sample.text,
    }
    if sample.campaign:
        body["campaign"] = {"id": sample.campaign}
    if sample.purpose:
        body["purpose"] = sample.purpose
    return body
