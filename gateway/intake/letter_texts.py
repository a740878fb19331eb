"""What the gateway's own letters say, in five languages. Pure."""

TEXTS: dict[str, dict[str, str]] = {
    "en": {
        "confirm.subject": "Please confirm: {purpose}",
        "confirm.text": (
            "Good day,\n"
            "\n"
            "Someone, we hope you, asked at {place} that {who} may write to this address for this "
            "purpose: {purpose}.\n"
            "\n"
            "These words were shown:\n"
            "\n"
            "{wording}\n"
            "\n"
            "To agree, please open this page and press the button:\n"
            "\n"
            "{link}\n"
            "\n"
            "If it was not you, there is nothing to do: without your confirmation nothing is sent, "
            "and the request is deleted on {until}.\n"
            "\n"
            "Kind regards,\n"
            "{who}\n"
        ),
        "confirm.nowhere": "a form",
        "show.subject": "What we hold about you",
        "show.text": (
            "Good day,\n"
            "\n"
            "Someone, we hope you, asked to see what {who} holds about this address. This link shows "
            "it, for one hour:\n"
            "\n"
            "{link}\n"
            "\n"
            "If it was not you, there is nothing to do. Please do not forward this message: whoever "
            "opens the link sees the page.\n"
            "\n"
            "Kind regards,\n"
            "{who}\n"
        ),
    },
    "it": {
        "confirm.subject": "Confermi, per favore: {purpose}",
        "confirm.text": (
            "Buongiorno,\n"
            "\n"
            "qualcuno, speriamo lei, ha chiesto su {place} che {who} possa scrivere a questo "
            "indirizzo per questo scopo: {purpose}.\n"
            "\n"
            "Sono state mostrate queste parole:\n"
            "\n"
            "{wording}\n"
            "\n"
            "Per acconsentire apra questa pagina e prema il pulsante:\n"
            "\n"
            "{link}\n"
            "\n"
            "Se non era lei, non occorre fare nulla: senza la sua conferma non viene inviato nulla, "
            "e la richiesta viene cancellata il {until}.\n"
            "\n"
            "Cordiali saluti,\n"
            "{who}\n"
        ),
        "confirm.nowhere": "un modulo",
        "show.subject": "Che cosa conserviamo su di lei",
        "show.text": (
            "Buongiorno,\n"
            "\n"
            "qualcuno, speriamo lei, ha chiesto di vedere che cosa {who} conserva su questo "
            "indirizzo. Questo collegamento lo mostra, per un'ora:\n"
            "\n"
            "{link}\n"
            "\n"
            "Se non era lei, non occorre fare nulla. Non inoltri questo messaggio: chi apre il "
            "collegamento vede la pagina.\n"
            "\n"
            "Cordiali saluti,\n"
            "{who}\n"
        ),
    },
    "de": {
        "confirm.subject": "Bitte bestätigen Sie: {purpose}",
        "confirm.text": (
            "Guten Tag,\n"
            "\n"
            "jemand, hoffentlich Sie, hat auf {place} darum gebeten, dass {who} zu diesem Zweck an "
            "diese Adresse schreiben darf: {purpose}.\n"
            "\n"
            "Diese Worte wurden gezeigt:\n"
            "\n"
            "{wording}\n"
            "\n"
            "Wenn Sie einwilligen, öffnen Sie bitte diese Seite und drücken Sie die Schaltfläche:\n"
            "\n"
            "{link}\n"
            "\n"
            "Wenn Sie es nicht waren, ist nichts zu tun: Ohne Ihre Bestätigung wird nichts "
            "verschickt, und die Anfrage wird am {until} gelöscht.\n"
            "\n"
            "Freundliche Grüße\n"
            "{who}\n"
        ),
        "confirm.nowhere": "einem Formular",
        "show.subject": "Was wir über Sie gespeichert haben",
        "show.text": (
            "Guten Tag,\n"
            "\n"
            "jemand, hoffentlich Sie, wollte sehen, was {who} zu dieser Adresse gespeichert hat. "
            "Dieser Link zeigt es, eine Stunde lang:\n"
            "\n"
            "{link}\n"
            "\n"
            "Wenn Sie es nicht waren, ist nichts zu tun. Bitte leiten Sie diese Nachricht nicht "
            "weiter: Wer den Link öffnet, sieht die Seite.\n"
            "\n"
            "Freundliche Grüße\n"
            "{who}\n"
        ),
    },
    "fr": {
        "confirm.subject": "Veuillez confirmer : {purpose}",
        "confirm.text": (
            "Bonjour,\n"
            "\n"
            "quelqu'un, nous espérons vous, a demandé sur {place} que {who} puisse écrire à cette "
            "adresse dans ce but : {purpose}.\n"
            "\n"
            "Ces mots ont été montrés :\n"
            "\n"
            "{wording}\n"
            "\n"
            "Pour donner votre accord, ouvrez cette page et appuyez sur le bouton :\n"
            "\n"
            "{link}\n"
            "\n"
            "Si ce n'était pas vous, il n'y a rien à faire : sans votre confirmation rien n'est "
            "envoyé, et la demande est effacée le {until}.\n"
            "\n"
            "Cordialement,\n"
            "{who}\n"
        ),
        "confirm.nowhere": "un formulaire",
        "show.subject": "Ce que nous conservons à votre sujet",
        "show.text": (
            "Bonjour,\n"
            "\n"
            "quelqu'un, nous espérons vous, a demandé à voir ce que {who} conserve au sujet de cette "
            "adresse. Ce lien le montre, pendant une heure :\n"
            "\n"
            "{link}\n"
            "\n"
            "Si ce n'était pas vous, il n'y a rien à faire. Ne transférez pas ce message : quiconque "
            "ouvre le lien voit la page.\n"
            "\n"
            "Cordialement,\n"
            "{who}\n"
        ),
    },
    "es": {
        "confirm.subject": "Confirme, por favor: {purpose}",
        "confirm.text": (
            "Buenos días:\n"
            "\n"
            "alguien, esperamos que usted, pidió en {place} que {who} pueda escribir a esta "
            "dirección con este fin: {purpose}.\n"
            "\n"
            "Se mostraron estas palabras:\n"
            "\n"
            "{wording}\n"
            "\n"
            "Para aceptar, abra esta página y pulse el botón:\n"
            "\n"
            "{link}\n"
            "\n"
            "Si no fue usted, no hay nada que hacer: sin su confirmación no se envía nada, y la "
            "petición se borra el {until}.\n"
            "\n"
            "Un cordial saludo,\n"
            "{who}\n"
        ),
        "confirm.nowhere": "un formulario",
        "show.subject": "Lo que guardamos sobre usted",
        "show.text": (
            "Buenos días:\n"
            "\n"
            "alguien, esperamos que usted, pidió ver lo que {who} guarda sobre esta dirección. Este "
            "enlace lo muestra, durante una hora:\n"
            "\n"
            "{link}\n"
            "\n"
            "Si no fue usted, no hay nada que hacer. No reenvíe este mensaje: quien abra el enlace "
            "verá la página.\n"
            "\n"
            "Un cordial saludo,\n"
            "{who}\n"
        ),
    },
}
