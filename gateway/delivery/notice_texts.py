"""What notices say to whoever runs a tool, in English and Italian. Pure."""

from gateway.policy.outcome import Words

MINE = {
    "one": Words("1 message was not delivered", "1 messaggio non è stato consegnato"),
    "many": Words("{count} messages were not delivered", "{count} messaggi non sono stati consegnati"),
    "know": Words(
        "The tool may have been told only that the request as a whole was taken, so it may not know.",
        "Allo strumento può essere stato detto solo che la richiesta nel suo insieme è stata accettata: "
        "può quindi non saperlo.",
    ),
    "do": Words(
        "What to do: where a reason says that the address does not exist, please take it off "
        "your list. Where a policy refused, its reason says what would make the message pass. "
        "There is no need to send again what was only delayed: nothing on this list is tried any more.",
        "Che cosa fare: dove il motivo dice che l'indirizzo non esiste, toglierlo per favore dalla "
        "lista. Dove una policy ha rifiutato, il motivo dice che cosa farebbe passare il messaggio. "
        "Di quanto è elencato qui non verrà ritentato nulla; ciò che è solo in ritardo non vi compare "
        "e non occorre inviarlo di nuovo.",
    ),
}
"""Of a letter about deliveries that failed and recipients refused."""

HELD = {
    "one": Words("1 held message was not sent", "1 messaggio trattenuto non è stato inviato"),
    "many": Words(
        "{count} held messages were not sent", "{count} messaggi trattenuti non sono stati inviati"
    ),
    "know": Words(
        "The tool was told that a message is held for review; how that ended, it may not know.",
        "Allo strumento è stato detto che un messaggio è trattenuto per una revisione; come è andata a "
        "finire, può non saperlo.",
    ),
    "do": Words(
        "What to do: please do not send the same again as it is. Each reason says why the message "
        "was held and what would make it pass: mend that first. Whether it is still worth sending, "
        "or where a rejection surprises you, please ask whoever reviews held messages.",
        "Che cosa fare: per favore non inviare di nuovo lo stesso messaggio così com'è. Ogni motivo "
        "dice perché il messaggio è stato trattenuto e che cosa lo farebbe passare: correggere prima "
        "quello. Per sapere se valga ancora la pena di inviarlo, o se un rifiuto sorprende, chiedere per "
        "favore a chi si occupa della revisione dei messaggi trattenuti.",
    ),
}
"""Of a letter about holds that ended without being sent."""

ANY = {
    "day": Words("Good day,", "Buongiorno,"),
    "what": Words(
        "Of what your tool {source} sent through this gateway, {what}.",
        "di quanto lo strumento {source} ha inviato tramite questo gateway, {what}.",
    ),
    "refused": Words("Refused by a policy, and not sent:", "Rifiutati da una policy, e non inviati:"),
    "failed": Words(
        "Sent on, but not taken by the other side:", "Inoltrati, ma non accettati dall'altra parte:"
    ),
    "expired": Words(
        "Held, and nobody decided in time, so not sent:",
        "Trattenuti, e nessuno ha deciso in tempo, quindi non inviati:",
    ),
    "rejected": Words(
        "Held, then rejected by a reviewer, and not sent:",
        "Trattenuti, poi rifiutati da un revisore, e non inviati:",
    ),
    "at": Words("{at}, message {id}", "{at}, messaggio {id}"),
    "gone": Words("(an address that is no longer known)", "(un indirizzo che non è più noto)"),
    "more": Words(
        "... and {more} more. The console shows them all.", "... e altri {more}. La console li mostra tutti."
    ),
    "regards": Words(
        "Kind regards,\nyour outbound message gateway",
        "Cordiali saluti,\nil vostro gateway dei messaggi in uscita",
    ),
}
"""Of every letter."""

REASONS = {
    "expired": Words("It could not be delivered in time", "Non è stato possibile consegnarlo in tempo"),
    "nobody": Words("The address does not exist any more", "L'indirizzo non esiste più"),
    "route": Words("It could not be handed on", "Non è stato possibile inoltrarlo"),
    "other": Words("The other side refused it", "L'altra parte lo ha rifiutato"),
}
"""Why a delivery was given up."""
