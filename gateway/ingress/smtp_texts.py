"""Every fixed reply of an SMTP session, with its enhanced status code (RFC 3463), on one page."""

OK = b"250 2.0.0 Ok\r\n"
SENDER_OK = b"250 2.1.0 Ok\r\n"
RECIPIENT_OK = b"250 2.1.5 Ok\r\n"
GO_AHEAD = b"354 End data with <CR><LF>.<CR><LF>\r\n"
UNVERIFIED = (
    b"252 2.5.0 Addresses are not verified here; send the message, and its recipients are looked at\r\n"
)
BYE = b"221 2.0.0 Bye\r\n"

UNKNOWN = b"500 5.5.2 Command not recognized\r\n"
LONG_LINE = b"500 5.5.2 Line too long\r\n"
NO_BDAT = b"502 5.5.1 BDAT is not offered here\r\n"

HELLO_SYNTAX = b"501 5.5.4 Syntax: EHLO or HELO, and a name\r\n"
VERIFY_SYNTAX = b"501 5.5.4 Syntax: VRFY, and an address\r\n"
NO_ARGUMENT = b"501 5.5.4 This command takes no argument\r\n"
HELLO_FIRST = b"503 5.5.1 Say EHLO first\r\n"
AUTH_FIRST = b"530 5.7.0 Authentication required\r\n"
TLS_FIRST = b"530 5.7.0 Say STARTTLS first, then authenticate\r\n"
TLS_ALREADY = b"503 5.5.1 TLS is on already\r\n"
NESTED = b"503 5.5.1 A message is under way; RSET drops it\r\n"
NO_MAIL = b"503 5.5.1 Say MAIL first\r\n"
NO_RCPT = b"503 5.5.1 Say RCPT first\r\n"
ALL_REFUSED = b"554 5.5.1 No valid recipients\r\n"
TOO_MANY_RECIPIENTS = b"452 4.5.3 Too many recipients; send the message again to the others\r\n"
TOO_QUICK = b"451 4.7.1 This source sends more messages than it may; slow down\r\n"
OWN_FAILURE = b"451 4.3.0 The gateway failed at this; try again later\r\n"
UNAVAILABLE = b"451 4.3.0 The gateway cannot take messages just now; nothing was stored, try again later\r\n"
DISK_FULL = b"452 4.3.1 The gateway's disk is full just now; nothing was stored, try again later\r\n"

TOO_MANY_ERRORS = b"421 4.7.0 Too many errors; goodbye\r\n"
TOO_MANY_CONNECTIONS = b"421 4.7.0 Too many connections; close some first\r\n"
ACCESS_CHANGED = b"421 4.7.0 What this source may do has changed; connect again and authenticate anew\r\n"
STOPPING = b"421 4.3.2 The gateway is stopping; come back later\r\n"
TIME_OVER = b"421 4.4.2 The time is over; goodbye\r\n"
OWN_MACHINE = b"554 5.7.1 In development the gateway serves its own machine alone\r\n"


def too_big(limit: int) -> bytes:
    """The reply to a message over the limit, in octets."""
    return b"552 5.3.4 The message is larger than %d octets\r\n" % limit
