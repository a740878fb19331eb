"""Addresses: one person, one key."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gateway.message.address import PROVIDERS, is_valid, normalize, without_addresses
from gateway.message.envelope import CHANNELS

SAME = {
    "email": [
        [
            "mario.rossi@azienda.example",
            "Mario.Rossi@AZIENDA.example",
            " mario.rossi@azienda.example. ",
            "<mario.rossi@azienda.example>",
            "mailto:mario.rossi@azienda.example",
            '"mario.rossi"@azienda.example',
            '"mario\\.rossi"@azienda.example',
            "ｍario.rossi@azienda.example",
            "mario.rossi＠azienda.example",
            "ma\u200brio.rossi@azienda.example",
            "mario\u00ad.rossi@azienda.example",
            "mario.rossi@azienda。example",
            "mario.rossi@azie\u2060nda.example",
            "\u202emario.rossi@azienda.example",
            "mario.rossi@azienda.example\0",
            "mario.rossi@azienda.example\ufeff",
        ],
        [
            "mariorossi@gmail.com",
            "Mario.Rossi+news@GoogleMail.com",
            "m.a.r.i.o.rossi@gmail.com",
            "mariorossi+@gmail.com",
        ],
        ["mario@outlook.com", "Mario+x+y@Outlook.com"],
        ["mario@proton.me", "ma-r_i.o+x@protonmail.com", "mario@pm.me"],
        [
            "jos\u00e9@xn--caff-8oa.example",
            "jos\u00e9@caff\u00e8.example",
            "jose\u0301@caffe\u0300.example",
            "JOS\u00c9@CAFF\u00c8.example",
        ],
        ["x@xn--n3h.example", "x@\u2603.example"],
    ],
    "linkedin": [
        [
            "linkedin.com/in/mario-rossi",
            "https://www.linkedin.com/in/Mario-Rossi",
            "it.linkedin.com/in/mario-rossi/",
            "http://de.linkedin.com/in/mario-rossi/en?trk=x#top",
            "mario-rossi",
            "LINKEDIN.COM/in/mario-rossi//",
            "https://www.linkedin.com/in/mario%2Drossi",
            "https://linkedin.com/in/mario-rossi/detail/contact-info/",
            "//m.linkedin.com/in/mario-rossi",
            "https://www.linkedin.com/comm/in/mario-rossi?midToken=x",
            "https://www.linkedin.com/in/mario-rossi&trk=public_profile",
            "https://www.linkedin.com/in/mario-rossi;jsessionid=1",
            "https://www.linkedin.com/in/ma\u200brio-rossi",
        ],
        [
            "linkedin.com/in/jos\u00e9",
            "https://linkedin.com/in/jos%C3%A9",
            "https://linkedin.com/in/jose%CC%81",
            "jos\u00e9",
        ],
        [
            "urn:li:fsd_profile:ACoAABcdEFG123",
            "ACoAABcdEFG123",
            "https://www.linkedin.com/in/ACoAABcdEFG123/",
            "urn:li:fs_miniProfile:ACoAABcdEFG123",
            "linkedin.com/in/ACoAABcdEFG123?x=1",
        ],
        [
            "urn:li:fsd_profile:ACwAABcdEFG123",
            "https://www.linkedin.com/sales/lead/ACwAABcdEFG123,NAME_SEARCH,x1",
            "urn:li:fs_salesProfile:(ACwAABcdEFG123,NAME_SEARCH,x1)",
        ],
        [
            "linkedin.com/in/mario",
            "linkedin.com/in/mario?next=/ACoAABcdEFG123",
            "linkedin.com/in/mario/ACoAABcdEFG123",
            "linkedin.com/in/mario#/in/ACoAABcdEFG123",
            "linkedin.com/in/mario%3Fx",
        ],
        ["urn:li:member:123", "URN:LI:MEMBER:123"],
    ],
    "whatsapp": [
        [
            "393331234567",
            "+39 333 123 4567",
            "0039 333-1234567",
            "whatsapp:+393331234567",
            "tel:+39(333)1234567",
            "393331234567@s.whatsapp.net",
            "393331234567:12@s.whatsapp.net",
            "＋39 333 1234567",
            "+39\u00a0333\u20111234567",
            "\u0663\u0669333\u0661\u0662\u0663\u0664567",
        ],
        ["442079460000", "+44 (0)20 7946 0000"],
    ],
    "telegram": [["mario", "@Mario", "https://t.me/mario/", " MARIO ", "https://t.me/Mario?start=a#b"]],
    "instagram": [
        [
            "mario",
            "@mario",
            "https://www.instagram.com/Mario/",
            "https://www.instagram.com/mario/?igsh=MzRlODBiNWFlZA==",
            "https://m.instagram.com/mario?hl=it",
        ]
    ],
    "other": [["strasse", "stra\u00dfe", "STRASSE", " strasse "]],
}

DIFFERENT = [
    ("email", "mario+a@azienda.example", "mario@azienda.example"),
    ("email", "m.rossi@outlook.com", "mrossi@outlook.com"),
    ("email", "a@fass.example", "a@fa\u00df.example"),
    ("email", "a@b.example", "a@c.example"),
    ("email", '"a b"@c.example', "ab@c.example"),
    ("linkedin", "ACoAABcdEFG123", "ACoAABcdEFg123"),
    ("linkedin", "linkedin.com/in/mario", "linkedin.com/in/maria"),
    ("linkedin", "linkedin.com/company/mario", "linkedin.com/in/mario"),
    ("sms", "+393331234567", "+393331234568"),
    ("telegram", "https://web.telegram.org/k/#@mario", "https://web.telegram.org/k/#@maria"),
    ("telegram", "tg://resolve?domain=mario", "tg://resolve?domain=maria"),
    ("instagram", "https://www.instagram.com/?u=mario", "https://www.instagram.com/?u=maria"),
    (
        "instagram",
        "https://www.instagram.com/accounts/login/?next=/mario/",
        "https://www.instagram.com/accounts/login/?next=/maria/",
    ),
    ("other", "a", "b"),
]


@pytest.mark.parametrize(
    ("channel", "spellings"), [(channel, group) for channel, groups in SAME.items() for group in groups]
)
def test_spellings_of_one_person_share_a_key(channel: str, spellings: list[str]) -> None:
    keys = {spelling: normalize(channel, spelling) for spelling in spellings}
    assert set(keys.values()) == {spellings[0]}, keys


@pytest.mark.parametrize(("channel", "one", "other"), DIFFERENT)
def test_different_people_keep_different_keys(channel: str, one: str, other: str) -> None:
    assert normalize(channel, one) != normalize(channel, other)


ADDRESSES = st.one_of(
    st.text(max_size=80),
    st.text(alphabet='ab.+@<>"\\ %2541/:?#()-0９٣\u200b\u0301\u00df\u0130\ufdfa\ud800\0', max_size=40),
    st.builds("{}@{}".format, st.text(max_size=20), st.sampled_from([*PROVIDERS, "x.example", "ß.example"])),
    st.builds("https://linkedin.com/in/{}".format, st.text(max_size=20)),
)


@given(st.sampled_from([*CHANNELS, "carrier-pigeon"]), ADDRESSES)
@example("linkedin", "%25252525252525252541")
@example("other", "\ufdfa" * 1024)
@example("email", "a" * 5000 + "@gmail.com")
@example("email", "\u0345\u0399@\u1e9e.example")
def test_a_key_is_its_own_key_and_can_be_stored(channel: str, address: str) -> None:
    key = normalize(channel, address)
    assert normalize(channel, key) == key
    key.encode("utf-8")
    assert "\0" not in key
    assert len(key) <= 1024
    is_valid(channel, address)


@given(
    st.text(alphabet="abcXYZ.+-_", min_size=1, max_size=12),
    st.sampled_from("\u200b\u200d\u2060\u00ad\ufe0f\u034f\U000e0041"),
)
def test_what_cannot_be_seen_makes_no_second_identity(local: str, unseen: str) -> None:
    plain = f"{local}@azienda.example"
    for place in range(len(plain)):
        assert normalize("email", plain[:place] + unseen + plain[place:]) == normalize("email", plain)


@given(
    st.sampled_from(["email", "linkedin", "telegram", "other"]),
    st.from_regex(r"[a-z0-9-]{3,20}", fullmatch=True),
)
def test_capitals_make_no_second_identity(channel: str, name: str) -> None:
    address = f"{name}@azienda.example" if channel == "email" else name
    assert normalize(channel, address) == normalize(channel, address.upper())


@pytest.mark.parametrize(
    ("channel", "address", "valid"),
    [
        ("email", "a@b.example", True),
        ("email", "a@b@c.example", False),
        ("email", "", False),
        ("email", "a@b.example\n", False),
        ("email", "a\0@b.example", False),
        ("email", "é@é.example", True),
        ("email", "x" * 65 + "@b.example", False),
        ("email", "Mario <a@b.example>", False),
        ("linkedin", "https://linkedin.com/in/x", True),
        ("linkedin", "https://example.com/in/x", False),
        ("linkedin", "ACoAABcdEFG123", True),
        ("linkedin", "", False),
        ("sms", "+393331234567", True),
        ("sms", "12", False),
        ("sms", "+39333123456789012", False),
        ("sms", "mario", False),
        ("telegram", "@mario", True),
        ("telegram", "ma rio", False),
        ("other", "x", True),
        ("other", "x" * 2000, False),
    ],
)
def test_validity(channel: str, address: str, valid: bool) -> None:
    assert is_valid(channel, address) is valid


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("we met at the fair", "we met at the fair"),
        ("for anna@example.org,\nas agreed", "for …\nas agreed"),
        ("<anna＠example.org> wrote", "… wrote"),
        ("told by @anna_conti", "told by …"),
        ("see https://it.LinkedIn.com/in/anna-conti", "see …"),
        ("see linkedin.com/company/acme", "see linkedin.com/company/acme"),
        ("anna@example.org luca@example.org", ""),
        (" ", ""),
    ],
)
def test_a_text_without_addresses(said: str, kept: str) -> None:
    assert without_addresses(said) == kept
