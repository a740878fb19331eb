"""What is lawful where: which country counts, and the shipped files."""

import re

import pytest

from gateway.policy.jurisdiction import LINES, settle, strictest
from gateway.policy.load import compose

from .world import LAWS, texts_of


@pytest.mark.parametrize(
    ("consent", "declared", "trusted", "controller", "settled"),
    [
        ("", "", False, "it", "it"),
        ("de", "us", True, "it", "de"),
        ("", "us", True, "it", "us"),
        ("", "US ", True, "it", "us"),
        ("", "us", False, "it", "it+us"),
        ("de", "us", False, "it", "de+us"),
        ("", "it", False, "it", "it"),
        ("", "", False, "", "unknown"),
        ("", "", True, "IT", "it"),
        ("", "us+" * 500, False, "it", "it+unknown"),
        ("", "../../etc", True, "it", "unknown"),
    ],
)
def test_which_country_counts(consent, declared, trusted, controller, settled) -> None:
    assert settle(consent=consent, declared=declared, trusted=trusted, controller=controller) == settled


def test_an_untrusted_declaration_only_tightens() -> None:
    both = strictest([LAWS["it"], LAWS["us"]])
    assert both.consent_channels == LAWS["it"].consent_channels
    assert both.min_grade == "B"
    assert both.permission_request == "marketing"
    assert "postal_address" in both.identity
    assert not both.soft_opt_in_channels
    assert both.opt_out_days == 1
    assert strictest([LAWS["ca"], LAWS["fr"]]).consent_lasts_days == 1095
    assert strictest([LAWS["ca"], LAWS["it"]]).implied_purchase_days == 0


@pytest.mark.parametrize("code", ["it", "de", "fr", "es", "uk", "ca", "us", "unknown"])
def test_shipped_jurisdictions_state_everything_with_source_and_warning(code) -> None:
    law = LAWS[code]
    assert set(law.lines) == set(LINES)
    assert all(
        line.source and re.fullmatch(r"(2026-11-2[01])?", line.checked_on) for line in law.lines.values()
    )
    assert set(law.unsigned) == set(LINES)
    assert "counsel" in law.warning


def test_unknown_is_the_strictest_of_all() -> None:
    unknown, all_ = LAWS["unknown"], strictest([law for code, law in LAWS.items() if code != "unknown"])
    for name in LINES:
        if name not in ("time_zone", "holidays"):
            assert getattr(unknown, name) == getattr(all_, name), name


def test_purposes_of_soft_opt_in_are_one_in_any_capitals() -> None:
    text = texts_of()["jurisdictions/it.yaml"].replace("value: [offers", "value: [OFFERS")
    assert "OFFERS" in text
    law = compose({"jurisdictions/it.yaml": text}).jurisdictions["it"]
    assert law.soft_opt_in_purposes == LAWS["it"].soft_opt_in_purposes
