"""A connection to an SMTP relay: made, secured and authenticated by aiosmtplib, then taken over."""

import asyncio
import os
import socket
import ssl
from collections.abc import Iterator
from typing import cast

import aiosmtplib

from gateway.delivery.reach import reach
from gateway.delivery.reply import printable
from gateway.delivery.target import SmtpTarget
from gateway.delivery.transaction import Offers, read_offers
from gateway.delivery.verdict import Result
from gateway.store.attempt import Kind

_NO_EHLO = frozenset({500, 501, 502, 504, 550})  # RFC 5321 3.2, 4.1.4


class DialError(Exception):
    """No connection that could be used; `result` says why."""

    def __init__(self, result: Result) -> None:
        super().__init__(result.kind)
        self.result = result


class _Client(aiosmtplib.SMTP):
    AUTH_METHODS = ("plain", "login")


def trust(target: SmtpTarget) -> ssl.SSLContext:
    """How certificates are judged: against the system's or the target's own authorities and the host name;
    with opportunistic TLS not at all, as there is no TLS to insist on (RFC 7435)."""
    context = ssl.create_default_context(cafile=target.ca or None)
    if target.tls == "opportunistic":
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


async def dial(
    target: SmtpTarget, context: ssl.SSLContext, *, hostname: str, timeout: float, patience: float
) -> tuple[asyncio.Transport, Offers]:
    """Connect within `timeout` seconds, secure and authenticate within `patience` more, which many a relay
    takes to look up our name before it greets; `hostname` is what EHLO says. Raises DialError.

    The caller sets the transport's protocol before it next awaits. Opportunistic TLS that fails is
    tried once more without.
    """
    try:
        return await _connect(target, context, hostname, timeout, patience, secure=target.tls != "never")
    except DialError as error:
        if error.result.kind is not Kind.TLS or target.tls != "opportunistic":
            raise
    return await _connect(target, context, hostname, timeout, patience, secure=False)


async def _connect(
    target: SmtpTarget,
    context: ssl.SSLContext,
    hostname: str,
    timeout: float,
    patience: float,
    *,
    secure: bool,
) -> tuple[asyncio.Transport, Offers]:
    client = _Client(
        hostname=target.host,
        local_hostname=hostname,
        use_tls=target.tls == "implicit",
        start_tls=False,
        tls_context=context,
        timeout=timeout + patience,
    )
    step = "connect"
    try:
        async with asyncio.timeout(timeout + patience):
            await client.connect(sock=await _reach(target, timeout))
            await _greet(client)
            step = "tls"
            if secure and target.tls != "implicit":
                await _secure(client, target)
            step = "auth"
            if target.user:
                await client.login(target.user, target.password)
                if client.is_ehlo_or_helo_needed:
                    await _greet(client)
    except (OSError, ValueError, aiosmtplib.SMTPException) as error:
        client.close()
        raise DialError(_explain(error, step)) from error
    except BaseException:
        client.close()
        raise
    return _take_over(client)


async def _reach(target: SmtpTarget, timeout: float) -> socket.socket:
    try:
        return await reach(target.host, target.port, timeout)
    except TimeoutError:
        raise
    except OSError as error:
        raise aiosmtplib.SMTPConnectError("cannot connect") from error


async def _greet(client: _Client) -> None:
    """EHLO, or HELO where that is not known. Any other refusal passes or is about us: without what EHLO
    offers there is no TLS, and no 8-bit text."""
    try:
        await client.ehlo()
    except aiosmtplib.SMTPHeloError as error:
        if error.code not in _NO_EHLO:
            raise
        await client.helo()


async def _secure(client: _Client, target: SmtpTarget) -> None:
    if client.supports_extension("starttls"):
        await client.starttls()
        await _greet(client)
    elif target.tls == "required":
        raise DialError(Result(Kind.TLS, "tls", text="the relay offers no STARTTLS, and TLS is required"))


def _take_over(client: _Client) -> tuple[asyncio.Transport, Offers]:
    protocol = client.protocol
    transport = protocol.transport if protocol is not None else None
    if transport is None or transport.is_closing():
        client.close()
        raise DialError(Result(Kind.NETWORK, "connect", text="connection lost"))
    offers = read_offers(client.esmtp_extensions if client.supports_esmtp else {})
    client.protocol = client.transport = None  # from here on it is not theirs to close
    return cast(asyncio.Transport, transport), offers


def _explain(error: Exception, step: str) -> Result:
    code = error.code if isinstance(error, aiosmtplib.SMTPResponseException) else 0
    text = printable(error.message if isinstance(error, aiosmtplib.SMTPException) else str(error))
    tls = next((one for one in _behind(error) if isinstance(one, ssl.SSLError)), None)
    if tls is not None:
        return Result(Kind.TLS, "tls", code, "", getattr(tls, "verify_message", "") or text)
    if isinstance(error, TimeoutError):
        return Result(Kind.TIMEOUT, step, 0, "", "no answer in time")
    if isinstance(error, aiosmtplib.SMTPServerDisconnected):
        return Result(Kind.NETWORK, step, 0, "", "connection lost")
    if isinstance(error, aiosmtplib.SMTPConnectError) and not code:
        return Result(Kind.NETWORK, step, 0, "", _why(error))
    if step == "auth":
        kind = Kind.TEMPORARY if 400 <= code < 500 else Kind.AUTH
        return Result(kind, step, code, "", text)
    if step == "tls" and not isinstance(error, aiosmtplib.SMTPHeloError):
        return Result(Kind.TLS, step, code, "", text)
    return Result(Kind.TEMPORARY if code >= 400 else Kind.PROTOCOL, step, code, "", text)


def _why(error: Exception) -> str:
    """What the network says, without an address or a name."""
    for one in _behind(error):
        if isinstance(one, socket.gaierror):
            return "cannot connect: the relay's name is not known"
        if isinstance(one, OSError) and one.errno:
            return f"cannot connect: {os.strerror(one.errno).lower()}"
    return "cannot connect"


def _behind(error: BaseException | None) -> Iterator[BaseException]:
    """An error and those that led to it."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
