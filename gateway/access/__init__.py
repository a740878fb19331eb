"""Who is calling: sources, controllers, reviewers, from `access.yaml`."""

from gateway.access.access import (
    DEVELOPMENT_CONTROLLER,
    DEVELOPMENT_REVIEWER,
    Access,
    Fault,
    development_access,
    hash_secret,
    new_secret,
)
from gateway.access.doubts import doubts, unmet
from gateway.access.entries import ROLES, Controller, Reviewer, Source, Subscription
from gateway.access.load import AccessError, load_access

__all__ = [
    "DEVELOPMENT_CONTROLLER",
    "DEVELOPMENT_REVIEWER",
    "ROLES",
    "Access",
    "AccessError",
    "Controller",
    "Fault",
    "Reviewer",
    "Source",
    "Subscription",
    "development_access",
    "doubts",
    "hash_secret",
    "load_access",
    "new_secret",
    "unmet",
]
