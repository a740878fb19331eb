"""Signatures as the providers make them: by other libraries where there are any."""

import base64
import datetime as dt
import hmac
from hashlib import sha256
from urllib.parse import urlencode

import orjson
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks.webhooks import Webhook

from gateway.ingress.feeds import signatures as by
from tests.ingress.feeds.office import SAMPLED, SENDGRID_KEY, STANDARD, TOPIC, Office

PEM = "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-0123abcd.pem"
CONFIRM = "https://sns.us-east-1.amazonaws.com/?Action=ConfirmSubscription"


def certificate() -> tuple[rsa.RSAPrivateKey, bytes]:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sns.amazonaws.com")])
    now = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now)
        .not_valid_after(now + dt.timedelta(days=900))
        .sign(key, hashes.SHA256())
    )
    return key, made.public_bytes(serialization.Encoding.PEM)


def signed(key: rsa.RSAPrivateKey, note: dict[str, str], version: str = "2") -> bytes:
    """A note as SNS signs it: the documented fields, sorted, name and value on a line each."""
    fields = ("Message", "MessageId", "SubscribeURL", "Subject", "Timestamp", "Token", "TopicArn", "Type")
    text = "".join(f"{name}\n{note[name]}\n" for name in fields if name in note)
    scheme = hashes.SHA256() if version == "2" else hashes.SHA1()
    signature = base64.b64encode(key.sign(text.encode(), padding.PKCS1v15(), scheme)).decode()
    return orjson.dumps(note | {"Signature": signature, "SignatureVersion": version, "SigningCertURL": PEM})


def bounce() -> dict[str, str]:
    inner = {
        "notificationType": "Bounce",
        "bounce": {
            "bounceType": "Permanent",
            "feedbackId": "fb",
            "bouncedRecipients": [{"emailAddress": "bo@example.test"}, {"emailAddress": "cy@example.test"}],
        },
    }
    return {
        "Type": "Notification",
        "MessageId": "sns-9",
        "TopicArn": TOPIC,
        "Timestamp": "2026-03-12T10:00:00.000Z",
        "Message": orjson.dumps(inner).decode(),
    }


@pytest.mark.parametrize("version", ["1", "2"])
async def test_sns(office: Office, version: str) -> None:
    key, office.fetched[PEM] = certificate()
    raw = signed(key, bounce(), version)
    assert (await office.post("ses", "signed", raw)).json["applied"] == 2
    assert (await office.post("ses", "signed", raw)).json["applied"] == 0
    assert office.asked == [PEM], "a certificate is fetched once"
    assert (await office.post("ses", "signed", raw.replace(b"bo@", b"di@"))).status == 401
    other = signed(key, bounce() | {"TopicArn": TOPIC + "x"}, version)
    assert (await office.post("ses", "signed", other)).status == 401


async def test_sns_confirms_its_topic(office: Office) -> None:
    key, office.fetched[PEM] = certificate()
    office.fetched[CONFIRM] = b"<ok/>"
    note = bounce() | {"Type": "SubscriptionConfirmation", "Token": "t", "SubscribeURL": CONFIRM}
    assert (await office.post("ses", "signed", signed(key, note))).status == 200
    assert office.asked == [PEM, CONFIRM]
    elsewhere = note | {"SubscribeURL": "https://evil.test/?x=sns.us-east-1.amazonaws.com"}
    assert (await office.post("ses", "signed", signed(key, elsewhere))).status == 200
    assert office.asked == [PEM, CONFIRM]


async def test_aws_out_of_reach_is_tried_again(office: Office) -> None:
    key, _ = certificate()
    assert (await office.post("ses", "signed", signed(key, bounce()))).status == 503


@pytest.mark.parametrize(
    "url",
    [
        "http://sns.us-east-1.amazonaws.com/SimpleNotificationService-1.pem",
        "https://sns.us-east-1.amazonaws.com.evil.test/SimpleNotificationService-1.pem",
        "https://sns.us-east-1.amazonaws.com@evil.test/SimpleNotificationService-1.pem",
        "https://evil@sns.us-east-1.amazonaws.com/SimpleNotificationService-1.pem",
        "https://sns.us-east-1.amazonaws.com:8443/SimpleNotificationService-1.pem",
        "https://bucket.s3.amazonaws.com/SimpleNotificationService-1.pem",
        "https://sns.us-east-1.amazonaws.com/?x=/SimpleNotificationService-1.pem",
        "https://[::1/SimpleNotificationService-1.pem",
        "",
    ],
)
def test_hosts_that_are_not_aws(url: str) -> None:
    assert not by.is_certificate(url)


async def test_hubspot(office: Office) -> None:
    contact = {
        "vid": 1,
        "properties": {
            "email": {"value": "ana@example.test"},
            "hs_legal_basis": {"value": "Freely given consent from contact"},
        },
        "form-submissions": [{"form-id": "f-1", "timestamp": 1769940000000, "title": "News"}],
    }
    raw, stamp = orjson.dumps(contact), f"{int(SAMPLED)}000"
    said = b"POSThttps://gate.acme.test/feed" + raw + stamp.encode()
    signature = base64.b64encode(hmac.new(b"hs-secret", said, sha256).digest()).decode()
    headers = {"X-HubSpot-Signature-v3": signature, "X-HubSpot-Request-Timestamp": stamp}
    assert (await office.post("hubspot", "signed", raw, **headers)).json["applied"] == 1
    assert (await office.person("ana@example.test")).permissions[0].purpose == "newsletter"
    office.now += 301
    assert (await office.post("hubspot", "signed", raw, **headers)).status == 401


async def test_mandrill(office: Office) -> None:
    events = orjson.dumps(
        [{"event": "spam", "_id": "m1", "ts": SAMPLED, "msg": {"email": "cy@example.test"}}]
    )
    raw = urlencode({"mandrill_events": events.decode()}).encode()
    said = b"https://gate.acme.test/feedmandrill_events" + events
    signature = base64.b64encode(hmac.new(b"md-secret", said, "sha1").digest()).decode()
    kind = "application/x-www-form-urlencoded"
    answer = await office.post("mandrill", "signed", raw, X_Mandrill_Signature=signature, Content_Type=kind)
    assert answer.json["applied"] == 1
    answer = await office.post("mandrill", "signed", raw, X_Mandrill_Signature="no", Content_Type=kind)
    assert answer.status == 401


async def test_mandrill_finds_the_url_before_it_has_a_key(office: Office) -> None:
    """Else it would make no key to sign with. The answer tells nobody whether there is such a source."""
    place = f"http://{office.listener.address}/v1/feeds"
    for path, status in (("mandrill/plain", 200), ("mandrill/nobody", 200), ("pigeon/plain", 404)):
        async with office.client.head(f"{place}/{path}") as response:
            assert (response.status, await response.read()) == (status, b"")
    async with office.client.get(f"{place}/mandrill/plain") as response:
        assert response.status == 405
    raw = urlencode({"mandrill_events": "[]"}).encode()
    kind = "application/x-www-form-urlencoded"
    assert (await office.post("mandrill", "plain", raw, Content_Type=kind)).status == 401


@pytest.mark.parametrize("mark", ["svix", "webhook"])
async def test_resend_by_the_reference_library(office: Office, mark: str) -> None:
    raw = orjson.dumps({"type": "email.complained", "data": {"to": ["cy@example.test"], "email_id": "e1"}})
    at = dt.datetime.fromtimestamp(SAMPLED, tz=dt.UTC)
    signature = Webhook(STANDARD).sign("msg_1", at, raw.decode())
    headers = {f"{mark}-id": "msg_1", f"{mark}-timestamp": str(int(SAMPLED)), f"{mark}-signature": signature}
    assert (await office.post("resend", "signed", raw, **headers)).json["applied"] == 1
    office.now += 400
    assert (await office.post("resend", "signed", raw, **headers)).status == 401


async def test_a_signed_map_may_grant(office: Office) -> None:
    raw = orjson.dumps({"name": "agreed", "who": "ana@example.test", "what": "News"})
    at = dt.datetime.fromtimestamp(SAMPLED, tz=dt.UTC)
    headers = {"webhook-id": "m", "webhook-timestamp": str(int(SAMPLED))}
    headers["webhook-signature"] = Webhook(STANDARD).sign("m", at, raw.decode())
    assert (await office.post("generic", "signed", raw, **headers)).json["applied"] == 1
    assert (await office.person("ana@example.test")).permissions[0].purpose == "news"


@given(text=st.text(), octets=st.binary())
def test_nonsense_is_never_signed(text: str, octets: bytes) -> None:
    assert not by.by_sendgrid(SENDGRID_KEY, text, text, octets)
    assert not by.by_sendgrid(text, text, text, octets)
    assert not by.by_mailgun(["k"], text, text, text)
    assert not by.by_hmac(["k"], text, octets)
    assert not by.by_standard([STANDARD], text, text, text, octets)
    assert not by.by_sns(octets, {"Type": "Notification", "SignatureVersion": "1", "Signature": text})
    assert not by.is_aws(text)
    assert not by.is_fresh(text, -1e9, 1.0)
