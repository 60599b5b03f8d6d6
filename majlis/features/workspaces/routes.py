"""Workspaces over HTTP. Founding and listing them is in membership, as the channels belong to it."""

from uuid import UUID

from majlis.app import App
from majlis.features.workspaces import service
from majlis.features.workspaces.model import Transfer, Workspace, WorkspaceUpdate
from majlis.kit import http
from majlis.kit.http import access
from majlis.kit.me import Me

api = http.Api("workspaces")
ONE = "/api/v1/workspaces/{workspace_id}"


@api.get(ONE, policy=access.user, errors=(404,))
async def workspace(app: App, me: Me, workspace_id: UUID) -> Workspace:
    """A workspace of the caller's."""
    async with app.db.read() as tx:
        return await service.get(tx, me, workspace_id)


@api.route("PATCH", ONE, policy=access.user, errors=(403, 404, 409))
async def change(app: App, me: Me, workspace_id: UUID, body: WorkspaceUpdate) -> Workspace:
    """Change a workspace; for admins, its slug and retention for the owner."""
    async with app.db.tx() as tx:
        return await service.update(tx, me, workspace_id, body)


# No Idempotency-Key: with it a digest of the body is kept, and thus one of the password, quick to guess at.
@api.post(ONE + "/transfer_ownership", policy=access.strong, idempotent=False, errors=(401, 403, 404))
async def transfer(app: App, me: Me, workspace_id: UUID, body: Transfer) -> Workspace:
    """Make another member the owner. Needs the password, or a second factor shown at sign-in."""
    return await service.transfer(app, me, workspace_id, body)
