"""The OpenAPI document of the native API. Pure."""

from collections.abc import Sequence
from typing import Any

from gateway.ingress.http_consents import ConsentAsked
from gateway.ingress.http_limits import HttpLimits
from gateway.ingress.http_models import NewEvent, NewMessage
from gateway.ingress.openapi_feeds import HOOK_PATH, feed_path
from gateway.web.openapi import LANGUAGE, answer, body, document, problems, ref

_DESCRIPTION = """Hand over messages to send, ask what became of them, and tell what happened out there.

Every message is decided for every recipient against the policies in force: accepted (it will be delivered),
held (a person or a condition decides; do not send it again), or rejected (with the reasons, and what would
make it pass). Credentials are those of a source in `access.yaml`."""

_TIME = {"type": ["string", "null"], "format": "date-time"}
_TEXT = {"type": ["string", "null"]}

VIOLATION: dict[str, Any] = {
    "type": "object",
    "required": ["policy", "rule", "code", "outcome", "mode", "reason", "evidence", "remedy", "earliest"],
    "properties": {
        "policy": {"type": "string"},
        "rule": {"type": "string"},
        "code": {"type": "string", "description": "Stable: rule.finding"},
        "outcome": {"type": "string", "enum": ["accepted", "held", "rejected"]},
        "mode": {
            "type": "string",
            "description": "observe changes nothing",
            "enum": ["enforce", "observe", "floor"],
        },
        "reason": {"type": "string"},
        "evidence": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["text", "part", "why"],
                "properties": {name: {"type": "string"} for name in ("text", "part", "why")},
            },
        },
        "remedy": {"type": "string", "description": "What would make it pass"},
        "earliest": {**_TIME, "description": "When time alone cures it"},
    },
}

_DECIDED: dict[str, Any] = {
    "decision_id": _TEXT,
    "hold_id": _TEXT,
    "class": {"type": "string"},
    "violations": {"type": "array", "items": ref("Violation")},
    "earliest": {**_TIME, "description": "When time alone cures all of it"},
}
_OUTCOMES = ["accepted", "held", "rejected"]

RESULT: dict[str, Any] = {
    "type": "object",
    "required": ["address", "status", *_DECIDED],
    "properties": {
        "address": {"type": "string"},
        "status": {"type": "string", "enum": _OUTCOMES},
        **_DECIDED,
    },
}

RECEIPT: dict[str, Any] = {
    "type": "object",
    "required": ["id", "status", *_DECIDED],
    "properties": {
        "id": {"type": "string"},
        "status": {"type": "string", "enum": ["accepted", "held", "mixed"]},
        **_DECIDED,
        "recipients": {"type": "array", "items": ref("Result"), "description": "With several recipients"},
    },
}

REFUSAL: dict[str, Any] = {
    "description": "The answer to the submission, with `outcome` for its status",
    "allOf": [
        ref("Problem"),
        {
            "type": "object",
            "properties": {
                "id": {"type": "string"},
                "outcome": {"const": "rejected"},
                **_DECIDED,
                "recipients": {"type": "array", "items": ref("Result")},
            },
        },
    ],
}

_HOLD = {
    "type": ["object", "null"],
    "properties": {
        "status": {"type": "string", "enum": ["open", "released", "rejected", "expired", "cancelled"]},
        "condition": {"type": "string"},
        **dict.fromkeys(("created_at", "recheck_at", "expires_at", "decided_at"), _TIME),
    },
}
_DELIVERY = {
    "type": "object",
    "required": ["state", "attempts", "next_attempt", "last"],
    "properties": {
        "state": {"type": "string", "enum": ["waiting", "delivered", "failed", "cancelled", "not_sent"]},
        "attempts": {"type": "integer"},
        "next_attempt": _TIME,
        "last": {
            "type": ["object", "null"],
            "properties": {
                "at": _TIME,
                "outcome": {"type": "string"},
                "relay": {"type": "string"},
                "code": {"type": "integer"},
                "text": {"type": "string"},
            },
        },
    },
}
STATUS: dict[str, Any] = {
    "type": "object",
    "required": ["id", "status", "channel", "class", "received_at", "recipients"],
    "properties": {
        "id": {"type": "string"},
        "external_id": _TEXT,
        "status": {"type": "string", "enum": [*_OUTCOMES, "mixed"]},
        "channel": {"type": "string"},
        "class": {"type": "string"},
        "campaign": _TEXT,
        "received_at": _TIME,
        "recipients": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["address", "status", "decision_id", "delivery"],
                "properties": {
                    "address": {"type": "string"},
                    "status": {"type": "string", "enum": _OUTCOMES},
                    "decision_id": {"type": "string"},
                    "hold_id": _TEXT,
                    "hold": _HOLD,
                    "violations": {"type": "array", "items": ref("Violation")},
                    "earliest": _TIME,
                    "delivery": _DELIVERY,
                },
            },
        },
    },
}
EVENT_RESULTS: dict[str, Any] = {
    "type": "object",
    "required": ["results"],
    "properties": {
        "results": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["source_event_id", "id", "status", "duplicate", "backdated", "note"],
                "properties": {
                    "source_event_id": {"type": "string"},
                    "id": _TEXT,
                    "status": {"type": "string", "enum": ["applied", "recorded"]},
                    "duplicate": {"type": "boolean", "description": "It came before and counts once"},
                    "backdated": {"type": "boolean"},
                    "note": {"type": ["string", "null"], "description": "A stable code: why it changed less"},
                    "reason": {"type": "string"},
                },
            },
        }
    },
}

_TAKING = ("malformed", "unauthorized", "forbidden", "timeout", "too-large", "unsupported-media-type")
_BUSY = ("too-many-requests", "internal", "unavailable")

_MESSAGE_EXAMPLE = {
    "channel": "linkedin",
    "kind": "connection_request",
    "sender": {
        "name": "Rui Alves",
        "addresses": [{"type": "linkedin", "value": "linkedin.com/in/rui-alves-example"}],
    },
    "recipient": {
        "name": "Ana Ruiz",
        "addresses": [{"type": "linkedin", "value": "linkedin.com/in/ana-ruiz-example"}],
    },
    "text": "Hi Ana, I enjoyed your talk on grid storage. I work on batteries at Acme; may we connect?",
}
_EVENT_EXAMPLE = {
    "type": "connection.accepted",
    "source_event_id": "evt-1",
    "occurred_at": "2026-02-01T10:00:00Z",
    "sender": _MESSAGE_EXAMPLE["sender"],
    "recipient": _MESSAGE_EXAMPLE["recipient"],
}


def describe_api(limits: HttpLimits, *, optin: bool = False, feeds: Sequence[str] = ()) -> dict[str, Any]:
    """The document, with the limits in force; `optin` where consents may be requested, `feeds` the names of
    the providers that tell of events, where there are any."""
    return document(
        title="Galateo, ingest",
        description=_DESCRIPTION,
        who="a source",
        models=(NewMessage, NewEvent, *((ConsentAsked,) if optin else ())),
        schemas={
            "Violation": VIOLATION,
            "Result": RESULT,
            "Receipt": RECEIPT,
            "Refusal": REFUSAL,
            "Status": STATUS,
            "EventResults": EVENT_RESULTS,
        },
        paths={
            "/v1/messages": {"post": _post_message(limits)},
            "/v1/messages/{id}": {"get": _GET_MESSAGE},
            "/v1/events": {"post": _post_events(limits)},
            **({"/v1/consents/request": {"post": _POST_CONSENT}} if optin else {}),
            **({"/v1/feeds/{provider}/{source}": feed_path(feeds)} if feeds else {}),
            **({"/v1/hooks/{source}": HOOK_PATH} if feeds else {}),
            "/openapi.json": {"get": _GET_DOCUMENT},
        },
    )


def _post_message(limits: HttpLimits) -> dict[str, Any]:
    return {
        "operationId": "postMessage",
        "summary": "Hand over a message",
        "description": f"At most {limits.message_bytes} octets and {limits.recipients} recipients.",
        "parameters": [
            LANGUAGE,
            {
                "name": "Idempotency-Key",
                "in": "header",
                "description": "The same key and body within 24 hours give the same answer, and one message",
                "schema": {"type": "string", "maxLength": 255, "examples": ['"lea_1/seq_1/1"']},
            },
        ],
        "requestBody": body(ref("NewMessage"), {"connection_request": _MESSAGE_EXAMPLE}),
        "responses": {
            "202": answer(
                "Accepted or held; mixed where recipients differ",
                ref("Receipt"),
                {
                    "Location": "Where to ask what became of it",
                    "Idempotency-Replayed": "true for an earlier answer",
                },
            ),
            **problems(*_TAKING, "in-progress", "rejected", "key-reused", *_BUSY, rejected=_REFUSED),
        },
    }


_REFUSED = {"anyOf": [ref("Refusal"), ref("Problem")]}

_GET_MESSAGE: dict[str, Any] = {
    "operationId": "getMessage",
    "summary": "What became of a message",
    "parameters": [
        LANGUAGE,
        {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}},
    ],
    "responses": {
        "200": answer("The message and each of its recipients", ref("Status")),
        **problems("malformed", "unauthorized", "forbidden", "not-found", *_BUSY),
    },
}

_GET_DOCUMENT: dict[str, Any] = {
    "operationId": "getDocument",
    "summary": "This document",
    "security": [],
    "responses": {"200": answer("OpenAPI 3.1", {"type": "object"})},
}


_CONSENT_EXAMPLE = {
    "address": "ana.ruiz@example.com",
    "channel": "email",
    "purpose": "newsletter",
    "wording": "Yes, I want to receive the monthly newsletter of Acme by email.",
    "wording_version": "2026-03",
    "language": "en",
    "form_url": "https://acme.example/newsletter",
    "ip": "192.0.2.7",
    "user_agent": "Mozilla/5.0",
}
_POST_CONSENT: dict[str, Any] = {
    "operationId": "requestConsent",
    "summary": "Ask somebody to confirm a consent (double opt-in)",
    "description": "A letter without advertising goes to the address; a button on the page that it links to"
    " confirms. The answer never says whether the address is known.",
    "parameters": [LANGUAGE],
    "requestBody": body(ref("ConsentAsked"), {"newsletter": _CONSENT_EXAMPLE}),
    "responses": {
        "202": answer(
            "The request waits for its confirmation, until `expires_at`",
            {
                "type": "object",
                "required": ["id", "status", "expires_at"],
                "properties": {
                    "id": {"type": "string"},
                    "status": {"const": "requested"},
                    "expires_at": {"type": "string", "format": "date-time"},
                },
            },
        ),
        **problems(*_TAKING, *_BUSY),
    },
}


def _post_events(limits: HttpLimits) -> dict[str, Any]:
    return {
        "operationId": "postEvents",
        "summary": "Tell what happened",
        "description": f"One event or an array of up to {limits.events}; all are recorded, or none.",
        "parameters": [LANGUAGE],
        "requestBody": body(
            {
                "anyOf": [
                    ref("NewEvent"),
                    {"type": "array", "items": ref("NewEvent"), "minItems": 1, "maxItems": limits.events},
                ]
            },
            {"accepted": _EVENT_EXAMPLE},
        ),
        "responses": {
            "202": answer("One result for each event, in order", ref("EventResults")),
            **problems(*_TAKING, *_BUSY),
        },
    }
