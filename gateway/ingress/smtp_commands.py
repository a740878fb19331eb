"""What MAIL and RCPT lines say (RFC 5321, 1870, 3461, 4954, 6152, 6531). Pure.

A parser returns what was said, or the whole reply, as bytes, that refuses it.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import NamedTuple

from gateway.message.address import parse_path

# What nearly every RCPT line looks like: an address that `parse_path` takes as it stands, no parameters.
_COMMON_RCPT = re.compile(
    rb"RCPT TO:<([a-z0-9_+-]{1,30}(?:\.[a-z0-9_+-]{1,30})?@(?:[a-z0-9]{1,30}\.){1,4}[a-z]{2,20})>\r\n",
    re.IGNORECASE,
)
_XTEXT = re.compile(r"(?:[!-*,-<>-~]|\+[0-9A-F]{2})+")
_ORCPT = re.compile(r"[A-Za-z0-9.-]{1,64};(?:[!-*,-<>-~]|\+[0-9A-F]{2})+")
_UTF8_ORCPT = re.compile(r"utf-8;[^\x00-\x20\x7f=]+", re.IGNORECASE)
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*")

MAIL_SYNTAX = b"501 5.5.4 Syntax: MAIL FROM:<address> [parameters]\r\n"
RCPT_SYNTAX = b"501 5.5.4 Syntax: RCPT TO:<address> [parameters]\r\n"
BAD_SENDER = b"553 5.1.7 The sender address is not well formed\r\n"
BAD_RECIPIENT = b"553 5.1.3 The recipient address is not well formed; it needs the form name@domain\r\n"
NEEDS_UTF8 = b"553 5.6.7 An address that is not ASCII needs SMTPUTF8 on the MAIL command\r\n"


@dataclass(frozen=True, slots=True)
class MailOptions:
    """The parameters of MAIL. `size` is 0 when not declared; `envelope_id` is xtext, as given."""

    size: int = 0
    utf8: bool = False
    ret: str = ""
    envelope_id: str = ""


@dataclass(frozen=True, slots=True)
class RcptOptions:
    """The parameters of RCPT, as given: NOTIFY in capitals, ORCPT as `type;xtext`."""

    notify: str = ""
    orcpt: str = ""


class MailFrom(NamedTuple):
    """A reverse-path ("" for the null sender) and its options."""

    address: str
    options: MailOptions


class RcptTo(NamedTuple):
    """A forward-path and its options."""

    address: str
    options: RcptOptions


_NO_MAIL_OPTIONS = MailOptions()
_NO_RCPT_OPTIONS = RcptOptions()


# Tools send from few addresses: one campaign, one line.
@lru_cache(maxsize=1024)
def parse_mail(line: bytes, *, extended: bool) -> MailFrom | bytes:
    """Return what a MAIL line says, or the reply that refuses it."""
    argument = _after(b"MAIL FROM:", line)
    if not argument:
        return MAIL_SYNTAX
    parsed = parse_path(argument, utf8=True)
    if parsed is None:
        return BAD_SENDER
    mailbox, rest = parsed
    options = (_read_mail_options(rest) if extended else MAIL_SYNTAX) if rest else _NO_MAIL_OPTIONS
    if isinstance(options, bytes):
        return options
    if not mailbox.address.isascii() and not options.utf8:
        return NEEDS_UTF8
    return MailFrom(mailbox.address, options)


def parse_rcpt(line: bytes, *, extended: bool, utf8: bool) -> RcptTo | bytes:
    """Return what an RCPT line says, or the reply that refuses it."""
    common = _COMMON_RCPT.fullmatch(line)
    if common:
        return RcptTo(common[1].decode("ascii"), _NO_RCPT_OPTIONS)
    argument = _after(b"RCPT TO:", line)
    if not argument:
        return RCPT_SYNTAX
    parsed = parse_path(argument, utf8=True)
    if parsed is None or parsed[0].is_null:
        return BAD_RECIPIENT
    mailbox, rest = parsed
    if not utf8 and not mailbox.address.isascii():
        return NEEDS_UTF8
    options: RcptOptions | bytes = _NO_RCPT_OPTIONS
    if rest:
        options = _read_rcpt_options(rest) if extended else RCPT_SYNTAX
    return options if isinstance(options, bytes) else RcptTo(mailbox.address, options)


def _after(keyword: bytes, line: bytes) -> bytes:
    """Return what comes after the keyword, white space around it removed; empty where it is another line."""
    length = len(keyword)
    return line[length:].strip(b" \t\r\n") if line[:length].upper() == keyword else b""


def _read_options(rest: str) -> Mapping[str, str] | bytes:
    """Return the parameters by name in capitals, or the refusal of a malformed or repeated one."""
    found: dict[str, str] = {}
    for word in filter(None, rest.split(" ")):
        name, equals, value = word.partition("=")
        name = name.upper()
        if not _NAME.fullmatch(name) or (equals and not value) or not word.isprintable():
            return b"501 5.5.4 A parameter is not well formed\r\n"
        if name in found:
            return f"501 5.5.4 {name[:32]} is given twice\r\n".encode("ascii")
        found[name] = value
    return MappingProxyType(found)


@lru_cache(maxsize=1024)
def _read_mail_options(rest: str) -> MailOptions | bytes:
    found = _read_options(rest)
    if isinstance(found, bytes):
        return found
    for name in found:
        if name not in {"SIZE", "BODY", "SMTPUTF8", "RET", "ENVID", "AUTH"}:
            return b"555 5.5.4 That MAIL parameter is not known here\r\n"
    size, ret, envelope_id = found.get("SIZE", "0"), found.get("RET", "").upper(), found.get("ENVID", "")
    faults = (
        (not (size.isascii() and size.isdigit() and len(size) <= 20), "SIZE takes a number"),
        (found.get("BODY", "7BIT").upper() not in {"7BIT", "8BITMIME"}, "BODY is 7BIT or 8BITMIME"),
        (found.get("SMTPUTF8", "") != "", "SMTPUTF8 takes no value"),
        ("RET" in found and ret not in {"FULL", "HDRS"}, "RET is FULL or HDRS"),
        ("ENVID" in found and not _is_xtext(envelope_id, 100), "ENVID takes up to 100 octets of xtext"),
    )
    for wrong, saying in faults:
        if wrong:
            return f"501 5.5.4 {saying}\r\n".encode("ascii")
    return MailOptions(int(size), "SMTPUTF8" in found, ret, envelope_id)


@lru_cache(maxsize=1024)
def _read_rcpt_options(rest: str) -> RcptOptions | bytes:
    found = _read_options(rest)
    if isinstance(found, bytes):
        return found
    for name in found:
        if name not in {"NOTIFY", "ORCPT"}:
            return b"555 5.5.4 That RCPT parameter is not known here\r\n"
    notify, orcpt = found.get("NOTIFY", "").upper(), found.get("ORCPT", "")
    wishes = notify.split(",")
    known = set(wishes) <= {"SUCCESS", "FAILURE", "DELAY"} and len(set(wishes)) == len(wishes)
    if "NOTIFY" in found and notify != "NEVER" and not known:
        return b"501 5.5.4 NOTIFY is NEVER, or some of SUCCESS, FAILURE and DELAY\r\n"
    if "ORCPT" in found and not _is_orcpt(orcpt):
        return b"501 5.5.4 ORCPT takes type;address, the address in xtext\r\n"
    return RcptOptions(notify, orcpt)


def _is_xtext(value: str, longest: int) -> bool:
    return len(value) <= longest and _XTEXT.fullmatch(value) is not None


def _is_orcpt(value: str) -> bool:
    form = _ORCPT if value.isascii() else _UTF8_ORCPT
    return len(value) <= 500 and form.fullmatch(value) is not None
