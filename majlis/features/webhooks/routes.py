"""Incoming webhooks over HTTP."""

from typing import Any
from uuid import UUID

from majlis.app import App
from majlis.features.webhooks import service
from majlis.features.webhooks.model import MAX_BYTES, NewWebhook, Unheard, Webhook, WebhookCreate
from majlis.kit import http
from majlis.kit.errors import TooLarge
from majlis.kit.http import Answer, Request, access
from majlis.kit.me import Me

api = http.Api("workspaces")
HOOKS = "/api/v1/workspaces/{workspace_id}/incoming_webhooks"
TEXT = "text/plain; charset=utf-8"
LONGEST_KEY = 60


# No Idempotency-Key: the stored answer would be a second copy of the secret.
@api.post(HOOKS, policy=access.user, status=201, idempotent=False, errors=(403, 404, 409))
async def create(app: App, me: Me, workspace_id: UUID, body: WebhookCreate) -> NewWebhook:
    """Make a webhook for a channel that one is in. Its `url` is told here only."""
    async with app.db.tx() as tx:
        return await service.create(app, tx, me, workspace_id, body)


@api.get(HOOKS, policy=access.user, errors=(404,))
async def webhooks(app: App, me: Me, workspace_id: UUID, query: http.PageQuery) -> http.Listing[Webhook]:
    """The webhooks of the workspace for admins, one's own for others."""
    async with app.db.read() as tx:
        return http.listing(await service.listing(tx, me, workspace_id, query.paging()))


@api.delete("/api/v1/incoming_webhooks/{webhook_id}", policy=access.user, status=204, errors=(403, 404))
async def delete(app: App, me: Me, webhook_id: UUID) -> None:
    """Remove a webhook, for who made it and admins. Its address is worth nothing from then on."""
    async with app.db.tx() as tx:
        await service.delete(tx, me, webhook_id)


@api.post(
    service.PATH + "/{webhook_id}/{secret}",
    policy=access.none,
    limit="signed",
    max_body=MAX_BYTES,
    content_type="text/plain",
    errors=(400, 403, 404, 410, 413, 429),
)
async def post(app: App, me: Me, request: Request, webhook_id: str, secret: str) -> Any:
    """Say something by a webhook, in the payload of Slack's: JSON, or a form with `payload`. Answers `ok`.

    Refusals are Slack's words in plain text. A post that comes again under its Idempotency-Key is said once.
    """
    try:
        body = await request.body(MAX_BYTES)
        key = request.header(b"idempotency-key")[:LONGEST_KEY] or None
        kind = request.header(b"content-type")
        await service.post(app, me, (webhook_id, secret), request.ip, body, kind, key)
    except TooLarge as refused:
        return Answer(b"payload_too_large", 413, {"Content-Type": TEXT, **refused.headers})
    except Unheard as refused:
        return Answer(refused.code.encode(), refused.status, {"Content-Type": TEXT, **refused.headers})
    return Answer(b"ok", 200, {"Content-Type": TEXT})
