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
POST /api/v1/workspaces/{workspace_id}/dms
GET /api/v1/workspaces/{workspace_id}/dms
GET /api/v1/messages/{message_id}/receipts
POST /api/v1/channels/{channel_id}/files
POST /api/v1/channels/{channel_id}/uploads
POST /api/v1/uploads/{upload_id}/complete
GET /api/v1/channels/{channel_id}/files
GET /api/v1/files/{file_id}
GET /api/v1/files/{file_id}/content
DELETE /api/v1/files/{file_id}
GET /api/v1/workspaces/{workspace_id}/presence
PUT /api/v1/users/me/presence
PUT /api/v1/users/me/status
POST /api/v1/workspaces/{workspace_id}/incoming_webhooks
GET /api/v1/workspaces/{workspace_id}/incoming_webhooks
DELETE /api/v1/incoming_webhooks/{webhook_id}
POST /hooks/{webhook_id}/{secret}
POST /api/v1/channels/{channel_id}/scheduled_messages
GET /api/v1/workspaces/{workspace_id}/scheduled_messages
PATCH /api/v1/scheduled_messages/{id}
DELETE /api/v1/scheduled_messages/{id}
POST /api/v1/workspaces/{workspace_id}/exports
GET /api/v1/workspaces/{workspace_id}/exports
GET /api/v1/exports/{export_id}/download
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
