"""What the OpenAPI document says of the routes at which tools speak in their own words. Pure."""

from collections.abc import Sequence
from typing import Any

from gateway.web.openapi import LANGUAGE, answer, problems

_ANY: dict[str, Any] = {
    kind: {"schema": {}}
    for kind in ("application/json", "application/x-www-form-urlencoded", "multipart/form-data")
}
_SOURCE = {
    "name": "source",
    "in": "path",
    "required": True,
    "description": "The name of a source in access.yaml",
    "schema": {"type": "string"},
}
_TAKEN = {
    "type": "object",
    "properties": {
        "applied": {"type": "integer", "description": "Events that changed something"},
        "recorded": {"type": "integer", "description": "Events that did not: known already, or not believed"},
        "left_out": {"type": "integer", "description": "Events that named nobody or are not understood"},
        "took": {
            "type": "string",
            "description": "What mail was: human, stop, automatic, bounce, unmatched, ...",
        },
    },
}


def feed_path(providers: Sequence[str]) -> dict[str, Any]:
    """`/v1/feeds/{provider}/{source}`."""
    return {
        "post": {
            "operationId": "postFeed",
            "summary": "A provider tells what happened, in its own words",
            "description": "A signature of the provider's, where it has one and the source lists its key;"
            " else the source's secret, in a header or as `?key=`. Unsigned events only restrict.",
            "parameters": [
                LANGUAGE,
                {
                    "name": "provider",
                    "in": "path",
                    "required": True,
                    "schema": {"type": "string", "enum": sorted(providers)},
                },
                _SOURCE,
            ],
            "requestBody": {"required": True, "content": _ANY},
            "responses": {
                "200": answer("What came of it", _TAKEN),
                **problems(
                    "malformed",
                    "unauthorized",
                    "not-found",
                    "not-acceptable",
                    "timeout",
                    "too-large",
                    "too-many-requests",
                    "internal",
                    "unavailable",
                ),
            },
        }
    }


HOOK_PATH: dict[str, Any] = {
    "post": {
        "operationId": "postHook",
        "summary": "Hand over a message in any shape",
        "description": "The source's map of fields says where the body holds what a message needs. 200 also"
        " for a hold and a refusal, with `status`; errors are a small object with `message` and `field`.",
        "parameters": [LANGUAGE, _SOURCE],
        "requestBody": {"required": True, "content": _ANY},
        "responses": {
            "200": answer(
                "What became of the message",
                {"type": "object", "properties": {"id": {"type": "string"}, "status": {"type": "string"}}},
            ),
            "default": answer(
                "Why it was not taken",
                {
                    "type": "object",
                    "properties": {
                        "status": {"const": "error"},
                        "message": {"type": "string"},
                        "field": {"type": ["string", "null"]},
                    },
                },
            ),
        },
    }
}
"""`/v1/hooks/{source}`."""
