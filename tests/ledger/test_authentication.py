"""Whom a mail server vouches for, and whose word is not taken."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.ledger.authentication import read_results, vouches

MX = "mx.acme.example"


@pytest.mark.parametrize(
    "value",
    [
        "mx.acme.example; dkim=pass header.d=example.test",
        "mx.acme.example 1; dkim=pass (2048-bit key) header.d=example.test header.s=s1",
        "MX.acme.example; dmarc=pass (p=reject) header.from=Example.Test",
        "mx.acme.example; spf=pass smtp.mailfrom=ana@example.test",
        "mx.acme.example; spf=fail smtp.mailfrom=x.example; dkim=pass header.i=@example.test",
        "mx.acme.example; dkim=fail header.d=other.example; dkim=pass header.d=example.test",
    ],
)
def test_genuine(value: str) -> None:
    assert vouches([value], MX, "example.test")


def test_a_domain_above_counts_for_dkim_and_spf() -> None:
    assert vouches(["mx.acme.example; dkim=pass header.d=example.test"], MX, "mail.example.test")
    assert not vouches(["mx.acme.example; dmarc=pass header.from=example.test"], MX, "mail.example.test")


@pytest.mark.parametrize(
    "value",
    [
        "mx.acme.example; dkim=pass header.d=evil.example",
        "mx.acme.example; dkim=pass header.d=ample.test",
        "mx.acme.example; dkim=pass header.d=test",
        "mx.acme.example; dkim=pass header.d=mail.example.test",
        "mx.acme.example; dkim=fail header.d=example.test",
        "mx.acme.example; dkim=none",
        "mx.acme.example; none",
        "mx.acme.example; auth=pass smtp.auth=ana@example.test",
        "mx.acme.example; spf=pass smtp.helo=example.test",
        "other.example; dkim=pass header.d=example.test",
        "evil.example (; mx.acme.example); dkim=pass header.d=example.test",
        "mx.acme.example; dkim=fail (ok; dkim=pass header.d=example.test) header.d=evil.example",
        'mx.acme.example; spf=fail smtp.mailfrom="a; dkim=pass header.d=example.test"@evil.example',
        'mx.acme.example; spf=fail smtp.mailfrom="a\\"; dkim=pass header.d=example.test"@evil.example',
        "mx.acme.example; dkim=pass (header.d=example.test",
        "mx.acme.example dkim=pass header.d=example.test",
        "dkim=pass header.d=example.test",
        "",
    ],
)
def test_not_vouched_for(value: str) -> None:
    assert not vouches([value], MX, "example.test")


def test_only_the_outermost_field_counts() -> None:
    genuine, forged = f"{MX}; dkim=fail header.d=example.test", f"{MX}; dkim=pass header.d=example.test"
    assert not vouches([genuine, forged], MX, "example.test")
    assert vouches(["other.example; none", forged], MX, "example.test")


@pytest.mark.parametrize(
    ("authserv_id", "domain"), [("", "example.test"), (MX, ""), (MX, "test"), ("  ", "x.example")]
)
def test_without_a_trusted_server_nobody_is_vouched_for(authserv_id: str, domain: str) -> None:
    assert not vouches(
        [f"{MX}; dkim=pass header.d=example.test", "; dkim=pass header.d=x.example"], authserv_id, domain
    )


def test_a_long_word_is_read_in_no_time() -> None:
    begun = time.process_time()
    read_results("mx.example; " + "a" * 8_000)
    assert time.process_time() - begun < 0.2


@given(st.text(max_size=300))
def test_any_value_is_read(value: str) -> None:
    name, verdicts = read_results(value)
    assert isinstance(name, str)
    assert all(verdict.method for verdict in verdicts)


@given(st.text(alphabet='();="\\ \t.@;dkim=passheader.d=examplet', max_size=120))
def test_what_an_attacker_writes_in_a_comment_or_quotes_vouches_for_nothing(words: str) -> None:
    harmless = words.replace("(", "").replace(")", "").replace("\\", "").replace('"', "")
    assert not vouches([f"{MX}; dkim=fail ({harmless}) header.d=evil.invalid"], MX, "example.test")
    assert not vouches([f'{MX}; spf=fail smtp.mailfrom="{harmless}"@evil.invalid'], MX, "example.test")
