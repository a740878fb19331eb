"""Closed sets of words that settings, messages and policies share, as types; `get_args` lists them."""

from typing import Literal

Channel = Literal["email", "linkedin", "whatsapp", "sms", "telegram", "instagram", "other"]
Class = Literal[
    "transactional",
    "newsletter",
    "promotion",
    "outreach",
    "connection_request",
    "permission_request",
    "recommendation_request",
    "greeting",
    "conversation",
]
EventType = Literal[
    "message.sent",
    "message.delivered",
    "message.failed",
    "message.bounced",
    "message.replied",
    "message.answered",
    "connection.accepted",
    "connection.declined",
    "connection.withdrawn",
    "meeting.held",
    "purchase",
    "consent.granted",
    "consent.withdrawn",
    "preference.changed",
    "complaint",
    "unsubscribe",
]
