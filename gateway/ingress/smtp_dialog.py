"""aiosmtpd's coroutines, for what is said once in a session: AUTH, STARTTLS, PROXY, HELP.

The base class spends half a millisecond in its constructor looking up its own methods, writes each reply
by itself, and answers without enhanced status codes. So its attributes are set here, and `push` mends
what it says. Pinned to aiosmtpd 1.4.6: a test compares the attributes with the stock class.
"""

import asyncio
import logging
from asyncio.streams import FlowControlMixin
from collections.abc import Callable
from typing import Any

from aiosmtpd import smtp as stock
from aiosmtpd.proxy_protocol import V2_CMD, ProxyData, get_proxy

from gateway.access import Source
from gateway.ingress.smtp_reception import Reception
from gateway.ingress.smtp_reply import fold

log = logging.getLogger("galateo.smtp")

LONGEST_AUTH_LINE = 12288
"""Octets of a line in an AUTH exchange (RFC 4954 4)."""

# What aiosmtpd says without an enhanced status code (RFC 3463) is given the one of its reply code.
_ENHANCED = {
    "214": "2.0.0",
    "221": "2.0.0",
    "250": "2.0.0",
    "252": "2.5.0",
    "421": "4.3.2",
    "451": "4.3.0",
    "454": "4.7.0",
    "500": "5.5.1",
    "501": "5.5.4",
    "502": "5.5.1",
    "503": "5.5.1",
    "504": "5.5.4",
    "538": "5.7.11",
    "554": "5.5.0",
}
_BARE = ("220", "334", "354")  # these carry none (RFC 2034 4)


class _Session(stock.Session):
    # The base class logs a warning at each use of its own property.
    login_data: Any = None


class Dialog(stock.SMTP):
    """One connection, as aiosmtpd's coroutines see it."""

    line_length_limit = LONGEST_AUTH_LINE
    AuthLoginUsernameChallenge = "Username:"
    AuthLoginPasswordChallenge = "Password:"

    def __init__(self, reception: Reception, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        FlowControlMixin.__init__(self, loop)
        self.dialogs = False
        self.reception = reception
        self.source: Source | None = None
        self.peer = ""
        self.secure = False
        self._auth_failures = 0
        self._set_stock_attributes(reception)

    def _set_stock_attributes(self, reception: Reception) -> None:
        self.__ident__ = ""
        self.event_handler = None
        self.data_size_limit = reception.limits.message_bytes
        self.enable_SMTPUTF8 = True
        self._decode_data = False
        self.hostname = reception.hostname
        self.tls_context = reception.tls
        self.require_starttls = False
        self._timeout_duration = 0.0
        self._timeout_handle = None
        self._tls_handshake_okay = True
        self._tls_protocol = None
        self._original_transport = None
        self.session = None
        self.envelope = None
        self.transport = None
        self._handler_coroutine = None
        self._auth_require_tls = True
        self._proxy_timeout = None
        self._authenticator = None
        self._auth_callback = None
        self._auth_required = False
        self._handle_hooks: dict[str, Callable[..., Any]] = {}
        self._ehlo_hook_ver = None
        self._enforce_call_limit = False
        self._auth_methods = {}
        self._smtp_methods = _COMMANDS

    def _create_session(self) -> stock.Session:
        return _Session(self.loop)

    def _reset_timeout(self, duration: float | None = None) -> None:
        """Times are watched by the listener, for all sessions at once."""

    def prepare(self) -> None:
        """Set up what coroutines read from; most sessions never need it."""
        if self.dialogs:
            return
        self.dialogs = True
        paused: bool = self._paused  # type: ignore[has-type]
        reader = asyncio.StreamReader(limit=LONGEST_AUTH_LINE, loop=self.loop)
        asyncio.StreamReaderProtocol.__init__(self, reader, self._cb_client_connected, self.loop)
        self._paused = paused
        assert self.transport is not None
        asyncio.StreamReaderProtocol.connection_made(self, self.transport)

    def connection_gone(self, error: Exception | None) -> None:
        """Tell the coroutines that wait for this connection."""
        if self.dialogs:
            asyncio.StreamReaderProtocol.connection_lost(self, error)
        else:
            FlowControlMixin.connection_lost(self, error)

    def take_back(self) -> bytes:
        """Return what a coroutine left unread, and make the reader ready for the next."""
        buffer = self._reader._buffer  # type: ignore[attr-defined]
        left = bytes(buffer)
        buffer.clear()
        if self._reader._eof:  # type: ignore[attr-defined]
            self._reader = asyncio.StreamReader(limit=LONGEST_AUTH_LINE, loop=self.loop)
        else:
            self._reader._maybe_resume_transport()  # type: ignore[attr-defined]
        return left

    def write(self, octets: bytes) -> None:
        """Send octets, unless the connection is gone."""
        transport = self.transport
        if transport is not None and not transport.is_closing():
            transport.write(octets)  # type: ignore[attr-defined]

    async def push(self, status: str | bytes) -> None:
        """Send one reply of a coroutine, with an enhanced status code, and wait until it is on its way."""
        text = status if isinstance(status, str) else status.decode("ascii", "replace")
        code, rest = text[:3], text[4:]
        if code not in _BARE:
            if rest[:1] != code[:1] or rest[1:2] != ".":
                rest = f"{_ENHANCED.get(code, code[0] + '.0.0')} {rest}"
            text = f"{code} {fold(rest)[:480]}"
        self.write(text.encode("ascii", "replace") + b"\r\n")
        self.count_fault(code)
        await self._drain_helper()  # type: ignore[attr-defined]

    def count_fault(self, code: str) -> None:
        """Note a reply of that code; the session hangs up after too many refusals."""
        raise AssertionError("a session counts")

    async def smtp_AUTH(self, arg: str) -> None:  # noqa: N802
        """AUTH PLAIN and LOGIN (RFC 4954, 4616), the mechanism in any case."""
        self._auth_methods = {
            "PLAIN": stock._AuthMechAttr(self.auth_PLAIN, True),
            "LOGIN": stock._AuthMechAttr(self.auth_LOGIN, True),
        }
        mechanism, space, rest = arg.partition(" ")
        await super().smtp_AUTH(f"{mechanism.upper()}{space}{rest}")

    async def auth_PLAIN(self, _: Any, args: list[str]) -> stock.AuthResult:  # noqa: N802
        """Collect name and secret, then verify them."""
        return await self._verify(await super().auth_PLAIN(_, args))

    async def auth_LOGIN(self, _: Any, args: list[str]) -> stock.AuthResult:  # noqa: N802
        """Collect name and secret, then verify them."""
        return await self._verify(await super().auth_LOGIN(_, args))

    def _authenticate(self, mechanism: str, auth_data: Any) -> stock.AuthResult:
        # The base class decides here and at once; argon2 takes its time, so `_verify` does.
        return stock.AuthResult(success=True, auth_data=auth_data)

    async def challenge_auth(
        self, challenge: str | bytes, encode_to_b64: bool = True, log_client_response: bool = False
    ) -> Any:
        """Ask, and return the answer decoded, or MISSING where the exchange is over."""
        try:
            return await super().challenge_auth(challenge, encode_to_b64)
        except ValueError:
            await self.push("500 5.5.6 The line is too long for an AUTH exchange")
            self.hang_up()
            return stock.MISSING

    async def _verify(self, collected: stock.AuthResult) -> stock.AuthResult:
        if not collected.success or collected.auth_data is None:
            return collected
        limits = self.reception.limits
        try:
            name, secret = (part.decode("utf-8") for part in collected.auth_data)
            self.source = await self.reception.recognize(self.peer, name, secret)
        except UnicodeDecodeError:
            self.source = None
        if self.source is not None:
            return stock.AuthResult(success=True)
        self._auth_failures += 1
        log.warning("smtp.auth_failed", extra={"attempt": self._auth_failures})
        await asyncio.sleep(limits.auth_delay * self._auth_failures)
        if self._auth_failures < limits.auth_attempts:
            return stock.AuthResult(success=False, handled=False)
        await self.push("421 4.7.0 Too many wrong names or passwords; goodbye")
        self.hang_up()
        return stock.AuthResult(success=False, handled=True)

    def hang_up(self) -> None:
        """Close once everything said is sent."""
        raise AssertionError("a session hangs up")

    async def read_proxy(self) -> str | None:
        """The peer that a PROXY header names, as `read_proxy` below tells."""
        return await read_proxy(self._reader, self.reception.limits.proxy_timeout)


async def read_proxy(reader: asyncio.StreamReader, patience: float) -> str | None:
    """The peer that a PROXY header names (v1 or v2), "" where the proxy speaks for itself, None where no
    header that can be read comes within `patience` seconds."""
    try:
        async with asyncio.timeout(patience):
            said: ProxyData = await get_proxy(reader)
    except TimeoutError:
        return None
    if said.error or said.version is None:
        return None
    if said.command == V2_CMD.LOCAL or not said.src_addr:
        return ""
    return str(said.src_addr)


_COMMANDS: dict[str, Any] = {
    name.removeprefix("smtp_"): getattr(stock.SMTP, name)
    for name in dir(stock.SMTP)
    if name.startswith("smtp_")
}
