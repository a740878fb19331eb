"""What servers really say when they refuse, and what may be believed of an address for it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.message.refusal import find_code, says_full, says_nobody

WHO = "<bo.user-unknown@spam.example>"


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("5.1.1", f"5.1.1 {WHO}: Recipient address rejected: User unknown in local recipient table"),
        ("5.1.1", "5.1.1 The email account that you tried to reach does not exist."),
        ("5.1.10", "5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found by SMTP address lookup"),
        ("5.2.1", "5.2.1 The email account that you tried to reach is disabled."),
        ("5.1.2", f"5.1.2 {WHO}... Host unknown (Name server: spam.example: host not found)"),
        ("", "sorry, no mailbox here by that name (#5.1.1)"),
        ("", f"{WHO}: Recipient address rejected: User unknown in relay recipient table"),
        ("", "No Such User Here"),
        ("", "unknown user"),
        ("", "Unrouteable address"),
        ("", f"{WHO}, Recipient unknown"),
        ("", "User account not found"),
        ("", "1 Requested mail action aborted, mailbox not found"),
        ("", "delivery error: dd This user doesn't have a yahoo.com account (bo@yahoo.com) [-5]"),
        ("5.0.0", "5.0.0 User unknown"),
        ("5.1.0", "5.1.0 no such recipient"),
    ],
)
def test_nobody_is_there(code: str, text: str) -> None:
    assert says_nobody(code, text)
    assert not says_full(code, text)


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("", ""),
        ("", "relay not permitted"),
        ("", "Administrative prohibition"),
        ("", f"{WHO}: Relay access denied"),
        ("", "Invalid recipient"),  # OpenSMTPD, where it does not relay
        ("", "Unknown user or relaying denied"),
        ("", "Sender verify failed: Unrouteable address"),
        ("", "Callout verification failed: 550 No Such User Here"),
        ("", f"{WHO}: Sender address rejected: User unknown in virtual mailbox table"),
        ("", "Requested action not taken: mailbox unavailable"),
        ("", "Requested action not taken: mailbox unavailable (e.g., mailbox not found, no access)"),
        ("", "Service unavailable; client host [192.0.2.1] blocked using zen.spamhaus.org"),
        ("", "185.1.1.20 is on our list"),
        ("", "sorry, that domain isn't in my list of allowed rcpthosts (#5.7.1)"),
        ("", "user unknown: retry timeout exceeded after 450"),
        ("", "too many invalid recipients"),
        ("5.1.8", "5.1.8 Domain of sender address does not exist"),
        ("5.1.7", "5.1.7 no such user"),
        ("5.1.0", "5.1.0 Address rejected."),
        ("5.7.1", "5.7.1 no such user here"),
        ("5.4.1", "5.4.1 Recipient address rejected: Access denied. AS(201806281)"),
        ("5.5.0", "5.5.0 Requested action not taken: mailbox unavailable"),
        ("5.2.1", "5.2.1 The user you are trying to contact is receiving mail at a rate that prevents it"),
        ("4.1.1", "4.1.1 user unknown"),
    ],
)
def test_a_refusal_that_may_mean_something_else(code: str, text: str) -> None:
    assert not says_nobody(code, text)
    assert not says_full(code, text)


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("5.2.2", "5.2.2 The recipient's inbox is out of storage space"),
        ("4.2.2", "4.2.2 mailbox full"),
        ("", "Requested mail action aborted: exceeded storage allocation"),
        ("", "Mailbox is full"),
        ("", "user bo is over quota"),
        ("", "sorry, that recipient's mailbox is too full (#5.2.2)"),
    ],
)
def test_a_full_mailbox(code: str, text: str) -> None:
    assert says_full(code, text)
    assert not says_nobody(code, text)


@pytest.mark.parametrize("text", ["Daily sending quota exceeded", "5.7.1 mailbox full", "message too big"])
def test_no_full_mailbox(text: str) -> None:
    assert not says_full("", text)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("550 5.1.1 nobody", "5.1.1"),
        ("(#5.7.1)", "5.7.1"),
        ("5.1.10 x", "5.1.10"),
        ("host 145.1.1.3 said no", ""),
        ("from 5.1.1.3", ""),
    ],
)
def test_codes(text: str, code: str) -> None:
    assert find_code(text) == code


@given(st.text(max_size=500), st.sampled_from(["", "5.0.0", "5.1.1", "5.7.1"]))
def test_any_text(text: str, code: str) -> None:
    assert not (says_nobody(code, text) and says_full(code, text))
