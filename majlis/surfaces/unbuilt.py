"""Operations of the native contract that are not built yet: they answer 501, so that clients can tell."""

import inspect
import re
from collections.abc import Iterable
from typing import Any

from majlis.kit import http
from majlis.kit.errors import NotBuilt
from majlis.kit.http import Api, access

# Whoever builds one removes its line; tests/test_contracts.py holds this table against what is served.
TABLE = """
POST /api/v1/auth/oauth/google
POST /api/v1/auth/oauth/apple
POST /api/v1/auth/oauth/facebook
POST /api/v1/auth/mfa/enroll
POST /api/v1/auth/mfa/verify
POST /api/v1/auth/mfa/disable
POST /api/v1/auth/mfa/challenge
POST /api/v1/auth/mfa/verify-challenge
GET /api/v1/auth/mfa/backup-codes
POST /api/v1/auth/mfa/backup-codes
POST /api/v1/auth/mfa/backup-codes/verify
GET /api/v1/businesses
POST /api/v1/businesses
GET /api/v1/businesses/{business_id}
PUT /api/v1/businesses/{business_id}
DELETE /api/v1/businesses/{business_id}
POST /api/v1/businesses/{business_id}/avatar
POST /api/v1/businesses/{business_id}/cover
POST /api/v1/businesses/{business_id}/attachments
DELETE /api/v1/businesses/{business_id}/attachments/{attachment_id}
GET /api/v1/businesses/{business_id}/attachments
GET /api/v1/businesses/categories
GET /api/v1/businesses/{business_id}/categories
PUT /api/v1/businesses/{business_id}/categories
GET /api/v1/businesses/{business_id}/hours
PUT /api/v1/businesses/{business_id}/hours
PUT /api/v1/businesses/{business_id}/location
POST /api/v1/businesses/{business_id}/follow
DELETE /api/v1/businesses/{business_id}/follow
GET /api/v1/businesses/{business_id}/followers
POST /api/v1/businesses/{business_id}/report
GET /api/v1/businesses/{business_id}/posts
GET /api/v1/sales
GET /api/v1/sales/{post_id}
GET /api/v1/sales/categories
GET /api/v1/sales/my-listings
PUT /api/v1/sales/{post_id}/sold
PUT /api/v1/sales/{post_id}/available
GET /api/v1/events
GET /api/v1/events/{post_id}
POST /api/v1/events/{post_id}/interest
GET /api/v1/events/{post_id}/interested
GET /api/v1/events/{post_id}/going
GET /api/v1/discover
GET /api/v1/discover/markers
GET /api/v1/search
GET /api/v1/search/businesses
GET /api/v1/chat/conversations
POST /api/v1/chat/conversations
GET /api/v1/chat/conversations/{conversation_id}
GET /api/v1/chat/conversations/{conversation_id}/messages
POST /api/v1/chat/messages
DELETE /api/v1/chat/messages/{message_id}
PUT /api/v1/chat/messages/{message_id}/read
GET /api/v1/settings/notifications
PUT /api/v1/settings/notifications
GET /api/v1/settings/privacy
PUT /api/v1/settings/privacy
GET /ws
"""


def operations() -> list[tuple[str, str]]:
    """(method, path) of everything that is not built."""
    return [(method, path) for method, path in (line.split() for line in TABLE.split("\n") if line)]


def api(built: Iterable[Api]) -> Api:
    """What remains of the table beside these routes."""
    served = {(route.method, _form(route.path)) for part in built for route in part.routes}
    remaining = http.Api("unbuilt")
    for method, path in operations():
        if (method, _form(path)) not in served:
            register = remaining.route(
                method, path, policy=access.none, documented=False, idempotent=False, errors=(501,)
            )
            register(_handler(re.findall(r"{(\w+)}", path)))
    return remaining


def _form(path: str) -> str:
    """A path without the names of its parameters."""
    return re.sub(r"{[^}]*}", "{}", path)


def _handler(names: list[str]) -> Any:
    """A handler with these path parameters."""

    async def not_built(**values: str) -> None:
        raise NotBuilt()

    parameters = [inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY) for name in names]
    not_built.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    not_built.__annotations__ = dict.fromkeys(names, str)
    return not_built
