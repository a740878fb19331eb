"""An SMTP session: what each command means, and how a message is handed in (RFC 5321, 2920, 3461).

The commands of every message are answered at once; a coroutine runs only for what waits: AUTH and STARTTLS
(aiosmtpd's own), a look-up at RCPT, and the message itself.
"""

import asyncio
from collections.abc import Callable
from typing import Any, ClassVar

from gateway.access import Source
from gateway.ingress import smtp_texts as texts
from gateway.ingress.smtp_commands import RcptTo, parse_mail, parse_rcpt
from gateway.ingress.smtp_connection import BODY, BUDGET, BUSY, COMMAND
from gateway.ingress.smtp_data import Body, unwrap
from gateway.ingress.smtp_dialog import log
from gateway.ingress.smtp_reception import Reception
from gateway.ingress.smtp_stream import Stream
from gateway.ingress.smtp_transaction import Transaction, hand_in, name_recipient, reply_to
from gateway.store.protocol import Unavailable

# HTTP or TLS by mistake, or a browser made to speak to this port: nothing that follows is meant for SMTP.
_FOREIGN = (
    b"GET ",
    b"POST",
    b"PUT ",
    b"HEAD",
    b"OPTI",
    b"DELE",
    b"CONN",
    b"PATC",
    b"TRAC",
    b"HOST",
    b"USER",
    b"\x16\x03",
)
_DIALOGS = frozenset({"AUTH", "STARTTLS", "HELP", "EXPN"})


class SmtpSession(Stream):
    """One session of an SMTP client."""

    def __init__(self, reception: Reception, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(reception, loop)
        self._transaction: Transaction | None = None
        self._body: Body | None = None
        self._body_began = 0.0
        self._errors = 0

    def forget(self) -> None:
        """Drop the message under way, if it is not handed in yet."""
        self._transaction = self._body = None

    def check(self, now: float) -> None:
        """Hang up where a time is over; `now` is the loop's."""
        if self.phase == BODY and self._body is not None:
            limits = self.reception.limits
            lasted = now - self._body_began
            slow = lasted > limits.slow_after and self._body.size < lasted * limits.slowest
            if lasted > limits.data_timeout or (slow and not self.suspended_for_budget):
                self.turn_away(texts.TIME_OVER)
        elif self.phase != BUSY:
            self.check_idle(now)

    # Lines

    def take_line(self, line: bytes) -> None:
        """Answer one line, its line end included."""
        command = self._COMMANDS.get(line[:4].upper())
        if command is not None:
            command(self, line)
        elif line not in (b"\r\n", b"\n"):
            # An empty line gets no reply at all: some clients send one more after a refused message.
            self._take_odd_line(line)

    def _take_odd_line(self, line: bytes) -> None:
        word, _, rest = line.partition(b" ")
        name = word.strip(b"\r\n").upper().decode("ascii", "replace")
        if line[:4].upper().startswith(_FOREIGN):
            log.warning("smtp.foreign_protocol")
            self.hang_up()
        elif name == "BDAT":
            # Whoever sends it, though it is not offered, sends octets of a message next, not commands.
            self.turn_away(texts.NO_BDAT)
        elif name == "VRFY":
            self._decline_to_verify(rest)
        elif name in _DIALOGS:
            argument = rest.strip(b" \t\r\n").decode("ascii", "replace")
            self.begin(lambda: self._converse(name, argument))
        else:
            self.refuse(texts.UNKNOWN)

    def _decline_to_verify(self, argument: bytes) -> None:
        """Nobody hears here who exists (RFC 5321 3.5.3)."""
        if argument.strip():
            self.out.append(texts.UNVERIFIED)
        else:
            self.refuse(texts.VERIFY_SYNTAX)

    async def _converse(self, name: str, argument: str) -> None:
        if name == "AUTH" and self._transaction is not None:
            self.refuse(texts.NESTED)
            return
        if name == "STARTTLS" and self.secure:
            self.refuse(texts.TLS_ALREADY)
            return
        assert self.session is not None
        self.session.host_name = "client" if self.hello else None
        self.session.extended_smtp = self.extended
        await getattr(self, f"smtp_{name}")(argument)

    def refuse(self, reply: bytes) -> None:
        """Answer with a refusal that counts as an error."""
        self.out.append(reply)
        self.count_fault("5")

    def count_fault(self, code: str) -> None:
        """Note a reply of that code; after too many refusals since the last message, hang up."""
        if code[0] == "5":
            self._errors += 1
            if self._errors >= self.reception.limits.errors:
                self.turn_away(texts.TOO_MANY_ERRORS)

    # Commands

    def _say_hello(self, line: bytes) -> None:
        if not line[5:].strip() or line[4:5] not in (b" ", b"\t"):
            self.refuse(texts.HELLO_SYNTAX)
            return
        self._transaction = None
        self.hello = True
        self.extended = line[:1] in b"Ee"
        if self.extended:
            self.out.append(self.reception.describe(secure=self.secure, auth=not self._auth_require_tls))
        else:
            self.out.append(f"250 {self.hostname}\r\n".encode("ascii"))

    def _begin_message(self, line: bytes) -> None:
        if not self.hello:
            self.refuse(texts.HELLO_FIRST)
        elif self.source is None:
            self.refuse(texts.TLS_FIRST if self._auth_require_tls and self.tls_context else texts.AUTH_FIRST)
        elif self._transaction is not None:
            self.refuse(texts.NESTED)
        else:
            mail = parse_mail(line, extended=self.extended)
            if isinstance(mail, bytes):
                self.refuse(mail)
                return
            limit = self.reception.limits.message_bytes
            if mail.options.size > limit:
                self.out.append(texts.too_big(limit))
                return
            source = self.reception.access.current(self.source)
            if source is None:
                self._turn_away(self.source)
                return
            self.source = source
            wait = self.reception.reserve(source, self.loop.time())
            if wait < 0:
                self.out.append(texts.TOO_QUICK)
                return
            self._transaction = Transaction(source, mail)
            if wait:
                self.phase = BUSY
                self.loop.call_later(wait, self._say, texts.SENDER_OK)
            else:
                self.out.append(texts.SENDER_OK)

    def _turn_away(self, source: Source) -> None:
        """The access file has another secret for this source by now, or none: who knows it connects again."""
        log.warning("smtp.access_changed", extra={"source": source.name})
        self.turn_away(texts.ACCESS_CHANGED)

    def _add_recipient(self, line: bytes) -> None:
        transaction = self._transaction
        if transaction is None:
            self.refuse(texts.NO_MAIL if self.hello else texts.HELLO_FIRST)
            return
        rcpt = parse_rcpt(line, extended=self.extended, utf8=transaction.mail.options.utf8)
        if isinstance(rcpt, bytes):
            transaction.refused += 1
            self.refuse(rcpt)
        elif rcpt.address.lower() in transaction.recipients:
            self.out.append(texts.RECIPIENT_OK)
        elif len(transaction.recipients) >= self.reception.limits.recipients:
            self.out.append(texts.TOO_MANY_RECIPIENTS)
        elif self.reception.refuse_at_rcpt is None:
            transaction.recipients[rcpt.address.lower()] = rcpt
            self.out.append(texts.RECIPIENT_OK)
        else:
            self._ask_about(transaction, rcpt)

    def _ask_about(self, transaction: Transaction, rcpt: RcptTo) -> None:
        assert self.reception.refuse_at_rcpt is not None
        verdict = self.reception.refuse_at_rcpt(transaction.source, name_recipient(rcpt))
        if verdict is None or isinstance(verdict, str):
            self.out.append(transaction.settle(rcpt, verdict))
            return
        self.phase = BUSY
        asked = asyncio.ensure_future(verdict)
        self.reception.underway.add(asked)
        asked.add_done_callback(lambda asked: self._hear(transaction, rcpt, asked))

    def _hear(self, transaction: Transaction, rcpt: RcptTo, asked: "asyncio.Future[str | None]") -> None:
        self.reception.leave(asked)
        error = asked.exception() if not asked.cancelled() else None
        if asked.cancelled() or error is not None:
            away = isinstance(error, Unavailable)  # the store tells of its own outages
            if not away:
                log.error("smtp.rcpt_failed", exc_info=error)
            self._say(texts.UNAVAILABLE if away else texts.OWN_FAILURE)
        else:
            self._say(transaction.settle(rcpt, asked.result()))

    def _begin_data(self, line: bytes) -> None:
        transaction = self._transaction
        if len(line.rstrip(b" \t\r\n")) != 4:
            self.refuse(texts.NO_ARGUMENT if line[4:5] == b" " else texts.UNKNOWN)
        elif transaction is None:
            self.refuse(texts.NO_MAIL if self.hello else texts.HELLO_FIRST)
        elif transaction.recipients:
            self.out.append(texts.GO_AHEAD)
            self.phase = BODY
            self._body = Body(self.reception.limits.message_bytes)
            self._body_began = self.loop.time()
        elif transaction.refused:
            self.out.append(texts.ALL_REFUSED)
        else:
            self.refuse(texts.NO_RCPT)

    def _reset(self, line: bytes) -> None:
        if line[4:].strip():
            self.refuse(texts.NO_ARGUMENT)
            return
        self._transaction = None
        self.out.append(texts.OK)

    def _do_nothing(self, line: bytes) -> None:
        if line[4:5].strip():
            self.refuse(texts.UNKNOWN)
        else:
            self.out.append(texts.OK)

    def _quit(self, line: bytes) -> None:
        if line[4:].strip():
            self.refuse(texts.NO_ARGUMENT)
        else:
            self.turn_away(texts.BYE)

    _COMMANDS: ClassVar[dict[bytes, Callable[["SmtpSession", bytes], None]]] = {
        b"EHLO": _say_hello,
        b"HELO": _say_hello,
        b"MAIL": _begin_message,
        b"RCPT": _add_recipient,
        b"DATA": _begin_data,
        b"RSET": _reset,
        b"NOOP": _do_nothing,
        b"QUIT": _quit,
    }

    # The message

    def take_body(self, data: bytes) -> bytes:
        """Take octets of the message; return those that come after its end."""
        body = self._body
        assert body is not None
        used = body.feed(data)
        if body.oversize:
            self._release()
        elif not self.reception.budget.take(self.share, len(data) if used < 0 else used):
            self.suspend(BUDGET)
        if used < 0:
            return b""
        self._end_message(body)
        return data[used:]

    def _end_message(self, body: Body) -> None:
        transaction = self._transaction
        assert transaction is not None
        self.forget()
        self.phase = COMMAND
        self._errors = 0
        limits = self.reception.limits
        if body.oversize:
            self.out.append(texts.too_big(limits.message_bytes))
            return
        raw, fault = unwrap(body.finish(), limits.header_bytes, limits.hops)
        if fault:
            self._release()
            self.out.append(fault)
            return
        source = self.reception.access.current(transaction.source)
        if source is None:
            self._release()
            self._turn_away(transaction.source)
            return
        transaction.source = source
        self.phase = BUSY
        self.handed_in = True
        began = self.loop.time()
        handed_in = hand_in(self.reception, transaction, raw)
        self.reception.underway.add(handed_in)
        handed_in.add_done_callback(lambda done: self._report(done, began))

    def _report(self, handed_in: "asyncio.Future[Any]", began: float) -> None:
        self.reception.leave(handed_in)
        reply = reply_to(handed_in)
        self.handed_in = False
        self._release()
        if self.reception.on_reply is not None:
            self.reception.on_reply(self.loop.time() - began)
        self._say(reply)

    def _release(self) -> None:
        if self.share.size:
            self.reception.budget.give_back(self.share)
            self.resume_for_budget()

    def _say(self, reply: bytes) -> None:
        self.out.append(reply)
        self.go_on()
