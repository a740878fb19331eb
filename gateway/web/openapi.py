"""Assembling an OpenAPI 3.1 document from pydantic models, by hand and in order. Pure."""

from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from gateway import __version__
from gateway.web.problem import CONTENT_TYPE, KINDS

_REF = "#/components/schemas/{model}"

PROBLEM: dict[str, Any] = {
    "type": "object",
    "description": "RFC 9457",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string", "enum": [f"urn:galateo:problem:{kind}" for kind in KINDS]},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "instance": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["pointer", "detail"],
                "properties": {
                    "pointer": {"type": "string", "description": "JSON pointer in a fragment (RFC 6901)"},
                    "detail": {"type": "string"},
                },
            },
        },
    },
}

LANGUAGE: dict[str, Any] = {
    "name": "Accept-Language",
    "in": "header",
    "description": "en or it; the words of reasons and problems",
    "schema": {"type": "string", "examples": ["it"]},
}


def document(
    *,
    title: str,
    description: str,
    paths: Mapping[str, Any],
    models: Iterable[type[BaseModel]],
    schemas: Mapping[str, Any],
    who: str,
) -> dict[str, Any]:
    """A whole document. `schemas` are the answers, written by hand; `who` whose credentials."""
    _, defined = models_json_schema([(model, "validation") for model in models], ref_template=_REF)
    return {
        "openapi": "3.1.0",
        "jsonSchemaDialect": "https://json-schema.org/draft/2020-12/schema",
        "info": {
            "title": title,
            "version": __version__,
            "description": description,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "security": [{"bearer": []}, {"basic": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer", "description": f"`name:secret` of {who}"},
                "basic": {"type": "http", "scheme": "basic", "description": f"name and secret of {who}"},
            },
            "schemas": {**defined.get("$defs", {}), "Problem": PROBLEM, **schemas},
        },
    }


def ref(model: str) -> dict[str, str]:
    """A reference to a schema of the document."""
    return {"$ref": _REF.format(model=model)}


def body(schema: Mapping[str, Any], examples: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """A JSON request body."""
    media: dict[str, Any] = {"schema": schema}
    if examples:
        media["examples"] = {name: {"value": value} for name, value in examples.items()}
    return {"required": True, "content": {"application/json": media}}


def answer(
    description: str, schema: Mapping[str, Any], headers: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """A JSON answer; `headers` by name with what they say."""
    told: dict[str, Any] = {"description": description, "content": {"application/json": {"schema": schema}}}
    if headers:
        told["headers"] = {
            name: {"description": says, "schema": {"type": "string"}} for name, says in headers.items()
        }
    return told


def problems(*kinds: str, **schemas: Mapping[str, Any]) -> dict[str, Any]:
    """Answers for kinds of problem, by status; `schemas` replaces the plain one where a kind says more."""
    found: dict[str, Any] = {}
    for kind in kinds:
        status, title = KINDS[kind]
        schema = schemas.get(kind.replace("-", "_"), ref("Problem"))
        known = found.get(str(status))
        if known:
            known["description"] += f"; {title.en[0].lower()}{title.en[1:]}"
        else:
            found[str(status)] = {"description": title.en, "content": {CONTENT_TYPE: {"schema": schema}}}
    return found
