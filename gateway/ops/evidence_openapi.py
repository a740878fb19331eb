"""The part of the ops API's OpenAPI document that is about evidence and people's rights. Pure."""

from typing import Any

from pydantic import BaseModel

from gateway.ops.evidence_models import Draft, Erasure, Letter, Person, Restriction
from gateway.web.openapi import LANGUAGE, answer, body, problems, ref

MODELS: tuple[type[BaseModel], ...] = (Person, Erasure, Restriction, Draft, Letter)

_OBJECT = {"type": "object"}
_TEXTS = {"type": "object", "additionalProperties": {"type": "string"}}
_ASKED = ("malformed", "unauthorized", "forbidden", "too-many-requests", "internal", "unavailable")
_TAKING = ("timeout", "too-large", "unsupported-media-type")
_ID = {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}
_SINCE = {
    "name": "since",
    "in": "query",
    "schema": {"type": "string", "pattern": "^[0-9]{1,4}[hdw]$", "default": "30d"},
}
_COUNTS = {"type": "object", "additionalProperties": {"type": "integer"}}

SCHEMAS: dict[str, Any] = {
    "Stored": {
        "type": "object",
        "required": ["dry_run", "subjects"],
        "properties": {
            "dry_run": {"type": "boolean"},
            "subjects": {
                "type": "array",
                "items": {
                    "type": "object",
                    "required": ["controller", "rows", "restricted"],
                    "properties": {
                        "controller": {"type": "string"},
                        "rows": {**_COUNTS, "description": "What there is, or was, by kind"},
                        "restricted": {"type": "boolean"},
                    },
                },
            },
            "changed": {"type": "integer"},
            "lift": {"type": "boolean"},
        },
    },
    "Changes": {
        "type": "object",
        "required": ["decided", "unchanged", "without_facts", "newly", "unknown", "total", "complete"],
        "properties": {
            "decided": {"type": "integer"},
            "unchanged": {"type": "integer"},
            "without_facts": {"type": "integer", "description": "Let go by the retention: nothing to say"},
            "newly": {**_COUNTS, "description": "accepted, held, rejected"},
            "unknown": {**_COUNTS, "description": "By rule, where it asks for what is not kept"},
            "total": {"type": "integer"},
            "complete": {"type": "boolean", "description": "False where only the newest were tried"},
            **{name: {"type": "array"} for name in ("by_rule", "by_campaign", "by_source", "samples")},
        },
    },
    "Explanations": {
        "type": "object",
        "required": ["explanations"],
        "properties": {
            "explanations": {
                "type": "array",
                "items": {
                    "type": "object",
                    "required": ["outcome", "policy_version", "exact", "reading", "facts", "rules"],
                    "properties": {
                        "decision": {"type": "string"},
                        "outcome": {"type": "string", "enum": ["accepted", "held", "rejected"]},
                        "policy_version": {"type": "string"},
                        "exact": {
                            "type": "boolean",
                            "description": "False where texts or facts are not kept any more",
                        },
                        "reading": _OBJECT,
                        "facts": _OBJECT,
                        "rules": {"type": "array", "items": _OBJECT},
                    },
                },
            }
        },
    },
}


def _post(
    operation: str,
    summary: str,
    model: str,
    answers: dict[str, Any],
    *more: str,
    example: dict[str, Any] | None = None,
) -> dict[str, Any]:
    examples = {"example": example} if example else None
    return {
        "post": {
            "operationId": operation,
            "summary": summary,
            "parameters": [LANGUAGE],
            "requestBody": body(ref(model), examples),
            "responses": {"200": answers, **problems(*_ASKED, *_TAKING, *more)},
        }
    }


def _get(operation: str, summary: str, answers: dict[str, Any], *parameters: Any) -> dict[str, Any]:
    missing = ("not-found",) if _ID in parameters else ()
    return {
        "get": {
            "operationId": operation,
            "summary": summary,
            "parameters": [LANGUAGE, *parameters],
            "responses": {"200": answers, **problems(*_ASKED, *missing)},
        }
    }


def _or(told: dict[str, Any], kind: str) -> dict[str, Any]:
    """The same answer, in another form where `Accept` asks for it."""
    return {**told, "content": {**told["content"], kind: {"schema": {"type": "string"}}}}


_WHO = {"channel": "email", "address": "anna@example.org"}
_ZIP = {
    "description": "The pack: `galateo audit verify-pack` checks it on any machine",
    "content": {"application/zip": {"schema": {"type": "string", "contentEncoding": "binary"}}},
}

PATHS: dict[str, Any] = {
    "/api/v1/replay": _post(
        "tryPolicies",
        "What a draft of policies would have changed",
        "Draft",
        _or(answer("What would change", ref("Changes")), "text/csv"),
        example={"since": "7d", "policies": {"first-contact.yaml": None}},
    ),
    "/api/v1/observed": _get(
        "listObserved",
        "What policies in observe would have done",
        answer("By day", _OBJECT),
        _SINCE,
    ),
    "/api/v1/policies": _get(
        "getPolicies",
        "The policies in force",
        answer(
            "Texts by file name",
            {
                "type": "object",
                "required": ["version", "observing", "files"],
                "properties": {
                    "version": {"type": "string"},
                    "observing": {"type": "boolean"},
                    "files": _TEXTS,
                },
            },
        ),
    ),
    "/api/v1/explain": _post(
        "explainDraft",
        "What would happen to a message now; nothing of it is kept",
        "Letter",
        answer("What would happen", ref("Explanations")),
    ),
    "/api/v1/messages/{id}/explanation": _get(
        "explainMessage",
        "Why a message was decided so, with the texts of the version that decided",
        answer("Each decision", ref("Explanations")),
        _ID,
        {"name": "recipient", "in": "query", "schema": {"type": "string", "pattern": "^([0-9]{1,4})?$"}},
    ),
    "/api/v1/messages/{id}/evidence": _get("getEvidencePack", "Everything that proves a decision", _ZIP, _ID),
    "/api/v1/audit/checkpoint": _get(
        "takeCheckpoint", "Where the audit log stands, signed; append it to a file", answer("A line", _OBJECT)
    ),
    "/api/v1/audit/key": _get(
        "getSigningKey", "The public keys (Ed25519) of checkpoints and packs", answer("In hex", _OBJECT)
    ),
    "/api/v1/subjects/export": _post(
        "exportSubject",
        "A person's data (GDPR 15 and 20)",
        "Person",
        _or(answer("Everything stored", _OBJECT), "text/html"),
        example=_WHO,
    ),
    "/api/v1/subjects/erase": _post(
        "eraseSubject",
        "Erase a person (GDPR 17), or say what would go",
        "Erasure",
        answer("What went, or would go", ref("Stored")),
        example={**_WHO, "dry_run": True},
    ),
    "/api/v1/subjects/restrict": _post(
        "restrictSubject",
        "Keep a person's data and use it no more (GDPR 18), or end that",
        "Restriction",
        answer("What it is about", ref("Stored")),
        example=_WHO,
    ),
}
"""Every path of `evidence_routes`."""
