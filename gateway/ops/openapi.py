"""The OpenAPI document of the ops API. Pure."""

from typing import Any

from pydantic import BaseModel

from gateway.ops import evidence_openapi
from gateway.ops.models import (
    ConsentLine,
    ConsentLines,
    ConsentsAsked,
    HoldsAsked,
    PauseAsked,
    Release,
    Verdict,
    Who,
)
from gateway.web.openapi import LANGUAGE, answer, body, document, problems, ref

_DESCRIPTION = """Review what is held, record consents, look people up, read decisions; health and metrics.

Credentials are those of a reviewer in `access.yaml`. Roles: a reviewer reads and decides holds, pauses and
resumes; an auditor only reads, tries policies on the past and takes evidence out; compliance also records
consents, hands out and restricts a person's data; an admin may do all of it, and erase."""

_TIME = {"type": ["string", "null"], "format": "date-time"}
_TEXT = {"type": ["string", "null"]}
_STRINGS = {"type": "array", "items": {"type": "string"}}
_OBJECT = {"type": "object"}
_TIMES = ("created_at", "recheck_at", "expires_at", "decided_at")

HOLD: dict[str, Any] = {
    "type": "object",
    "required": ["id", "message_id", "status", "codes", "condition", "created_at", "expires_at"],
    "properties": {
        **{name: {"type": "string"} for name in ("id", "message_id", "controller", "source", "channel")},
        "class": {"type": "string"},
        "campaign": _TEXT,
        "status": {"type": "string", "enum": ["open", "released", "rejected", "expired", "cancelled"]},
        "condition": {"type": "string", "description": "What would release it"},
        "codes": {**_STRINGS, "description": "policy/rule.finding"},
        "cluster": {"type": "string", "description": "The same for messages that are alike"},
        **dict.fromkeys(_TIMES, _TIME),
        "decided_by": _TEXT,
        "reason": _TEXT,
    },
}
OUTCOME: dict[str, Any] = {
    "type": "object",
    "required": ["outcome", "class", "policy_version", "violations", "waived", "earliest"],
    "properties": {
        "outcome": {"type": "string", "enum": ["accepted", "held", "rejected"]},
        "class": {"type": "string"},
        "policy_version": {"type": "string"},
        "violations": {"type": "array", "items": _OBJECT},
        "waived": _STRINGS,
        "errors": _STRINGS,
        "earliest": _TIME,
    },
}
DECISION: dict[str, Any] = {
    "allOf": [
        ref("Outcome"),
        {
            "type": "object",
            "required": ["id", "round", "at", "message_id"],
            "properties": {
                "id": {"type": "string"},
                "round": {"type": "integer"},
                "at": _TIME,
                "message_id": {"type": "string"},
                "subject": {"type": "string", "description": "The person's key, no address"},
                "facts": _OBJECT,
                "rounds": {"type": "array", "items": _OBJECT},
            },
        },
    ]
}
REVIEWED: dict[str, Any] = {
    "type": "object",
    "required": ["hold_id", "status"],
    "properties": {
        "hold_id": {"type": "string"},
        "status": {"type": "string", "enum": ["released", "rejected", "proposed"]},
        "decision": {"anyOf": [ref("Outcome"), {"type": "null"}]},
    },
}
PAUSE: dict[str, Any] = {
    "type": "object",
    "required": ["id", "kind", "name", "controller", "since", "by", "reason"],
    "properties": {
        "id": {"type": "string", "description": "The same each time that this is paused"},
        "kind": {"type": "string", "enum": ["source", "campaign"]},
        **{name: {"type": "string"} for name in ("name", "controller", "by")},
        **dict.fromkeys(("since", "resumed_at"), _TIME),
        **dict.fromkeys(("reason", "resumed_by"), _TEXT),
        "held": {"type": "integer", "description": "How many messages it holds, alone or with other reasons"},
        "named_lately": {"type": "boolean", "description": "Whether recent messages name this campaign"},
    },
}
RECORDED: dict[str, Any] = {
    "type": "object",
    "required": ["recorded", "changed", "unchanged"],
    "properties": {name: {"type": "integer"} for name in ("recorded", "changed", "unchanged")},
}
HEALTH: dict[str, Any] = {
    "type": "object",
    "required": ["status"],
    "properties": {"status": {"type": "string"}, "checks": {"type": "object"}},
}

_ASKED = ("malformed", "unauthorized", "forbidden", "too-many-requests", "internal", "unavailable")
_TAKING = ("timeout", "too-large", "unsupported-media-type")
_ID = {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}


def describe_ops() -> dict[str, Any]:
    """The document."""
    holds = "/api/v1/holds"
    return document(
        title="Galateo, operations",
        description=_DESCRIPTION,
        who="a reviewer",
        models=(Verdict, Release, PauseAsked, ConsentLine, ConsentLines, Who, *evidence_openapi.MODELS),
        schemas={
            "Hold": HOLD,
            "Outcome": OUTCOME,
            "Decision": DECISION,
            "Reviewed": REVIEWED,
            "Pause": PAUSE,
            "Recorded": RECORDED,
            "Health": HEALTH,
            **evidence_openapi.SCHEMAS,
        },
        paths={
            holds: {"get": _LIST_HOLDS},
            f"{holds}/{{id}}": {"get": _get("getHold", "A hold, its message and decisions", ref("Hold"))},
            f"{holds}/{{id}}/release": {
                "post": _decide("releaseHold", "Decide again, and send it", "Release")
            },
            f"{holds}/{{id}}/reject": {"post": _decide("rejectHold", "Never send it", "Verdict")},
            "/api/v1/pauses": {"get": _LIST_PAUSES, "post": _PAUSE},
            "/api/v1/pauses/{id}/resume": {"post": _RESUME},
            "/api/v1/decisions/{id}": {
                "get": _get("getDecision", "What was decided for a recipient, and why", ref("Decision"))
            },
            "/api/v1/consents": {"get": _LIST_CONSENTS, "post": _RECORD_CONSENTS},
            "/api/v1/subjects/lookup": {"post": _LOOK_UP},
            **evidence_openapi.PATHS,
            "/healthz": {"get": _open("getHealth", "The process lives", ref("Health"))},
            "/readyz": {"get": _READY},
            "/metrics": {"get": _METRICS},
            "/openapi.json": {"get": _open("getDocument", "This document", _OBJECT)},
        },
    )


def _parameters(model: type[BaseModel]) -> list[dict[str, Any]]:
    """The fields of a flat model as query parameters."""
    schema = model.model_json_schema()
    required = schema.get("required", [])
    return [
        {"name": name, "in": "query", "required": name in required, "schema": says}
        for name, says in schema["properties"].items()
    ]


def _get(operation: str, summary: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {
        "operationId": operation,
        "summary": summary,
        "parameters": [LANGUAGE, _ID],
        "responses": {"200": answer(summary, schema), **problems(*_ASKED, "not-found")},
    }


def _decide(operation: str, summary: str, takes: str) -> dict[str, Any]:
    return {
        "operationId": operation,
        "summary": summary,
        "parameters": [LANGUAGE, _ID],
        "requestBody": body(ref(takes), {"why": {"reason": "We met at the fair; he asked for it."}}),
        "responses": {
            "200": answer("Decided", ref("Reviewed")),
            "202": answer("Proposed: a second reviewer has to agree", ref("Reviewed")),
            **problems(*_ASKED, *_TAKING, "not-found", "conflict"),
        },
    }


def _open(operation: str, summary: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {
        "operationId": operation,
        "summary": summary,
        "security": [],
        "responses": {"200": answer(summary, schema)},
    }


_LIST_HOLDS: dict[str, Any] = {
    "operationId": "listHolds",
    "summary": "Holds, oldest first",
    "parameters": [LANGUAGE, *_parameters(HoldsAsked)],
    "responses": {
        "200": answer(
            "One page; `next` goes into `after`",
            {
                "type": "object",
                "required": ["holds", "next"],
                "properties": {"holds": {"type": "array", "items": ref("Hold")}, "next": _TEXT},
            },
        ),
        **problems(*_ASKED),
    },
}
_LIST_CONSENTS: dict[str, Any] = {
    "operationId": "listConsents",
    "summary": "The consent log of a person",
    "parameters": [LANGUAGE, *_parameters(ConsentsAsked)],
    "responses": {
        "200": answer(
            "Oldest first",
            {
                "type": "object",
                "required": ["consents"],
                "properties": {"consents": {"type": "array", "items": _OBJECT}},
            },
        ),
        **problems(*_ASKED),
    },
}
_LIST_PAUSES: dict[str, Any] = {
    "operationId": "listPauses",
    "summary": "What is paused",
    "parameters": [LANGUAGE],
    "responses": {
        "200": answer(
            "The oldest first",
            {
                "type": "object",
                "required": ["pauses"],
                "properties": {"pauses": {"type": "array", "items": ref("Pause")}},
            },
        ),
        **problems(*_ASKED),
    },
}
_PAUSE: dict[str, Any] = {
    "operationId": "pause",
    "summary": "Hold everything of a source or a campaign",
    "parameters": [LANGUAGE],
    "requestBody": body(
        ref("PauseAsked"),
        {"source": {"kind": "source", "name": "crm", "reason": "The import of 3 May was wrong."}},
    ),
    "responses": {
        "201": answer("Paused", ref("Pause")),
        "200": answer("It was paused already; nothing changed", ref("Pause")),
        **problems(*_ASKED, *_TAKING),
    },
}
_RESUME: dict[str, Any] = {
    "operationId": "resume",
    "summary": "End a pause: what it held is decided again",
    "parameters": [LANGUAGE, _ID],
    "requestBody": body(ref("Verdict"), {"why": {"reason": "The list is right now."}}),
    "responses": {
        "200": answer("Resumed", ref("Pause")),
        **problems(*_ASKED, *_TAKING, "not-found"),
    },
}
_CONSENT = {
    "address": "anna@example.org",
    "channel": "email",
    "purpose": "newsletter",
    "controller": "example",
    "action": "granted",
    "at": "2026-03-01T10:00:00Z",
    "wording": "Yes, send me the newsletter.",
    "ip": "192.0.2.7",
    "confirmed_at": "2026-03-01T10:04:00Z",
    "confirmed_ip": "192.0.2.7",
}
_RECORD_CONSENTS: dict[str, Any] = {
    "operationId": "recordConsents",
    "summary": "Record lines of the consent log, all or none",
    "parameters": [LANGUAGE],
    "requestBody": body(
        {
            "anyOf": [
                ref("ConsentLines"),
                ref("ConsentLine"),
                {"type": "array", "items": ref("ConsentLine"), "minItems": 1, "maxItems": 1000},
            ]
        },
        {"double_opt_in": {"rows": [_CONSENT]}},
    ),
    "responses": {"201": answer("Recorded", ref("Recorded")), **problems(*_ASKED, *_TAKING)},
}
_LOOK_UP: dict[str, Any] = {
    "operationId": "lookUpSubject",
    "summary": "What is known of a person",
    "parameters": [LANGUAGE],
    "requestBody": body(ref("Who")),
    "responses": {"200": answer("What is known", _OBJECT), **problems(*_ASKED, *_TAKING)},
}
_READY: dict[str, Any] = {
    "operationId": "getReadiness",
    "summary": "The gateway can work",
    "security": [],
    "responses": {"200": answer("Ready", ref("Health")), "503": answer("Not ready", ref("Health"))},
}
_METRICS: dict[str, Any] = {
    "operationId": "getMetrics",
    "summary": "Prometheus metrics",
    "security": [],
    "responses": {
        "200": {"description": "Metrics", "content": {"text/plain": {"schema": {"type": "string"}}}}
    },
}
