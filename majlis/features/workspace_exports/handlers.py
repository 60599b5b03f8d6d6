"""Exports of workspaces are made, told of and cleared away in the background."""

from uuid import UUID

from majlis.app import App
from majlis.features.workspace_exports import service
from majlis.features.workspace_exports.facts import WorkspaceExportAsked
from majlis.features.workspace_exports.model import Notice
from majlis.kit import facts
from majlis.kit.db import Tx
from majlis.kit.me import Me


@facts.on(WorkspaceExportAsked)
async def make(app: App, fact: WorkspaceExportAsked) -> None:
    """Make a zip that somebody asked for."""
    await service.make(app, Me.system, fact.export_id)


@facts.on(WorkspaceExportAsked)
async def notice(tx: Tx, fact: WorkspaceExportAsked) -> None:
    """Tell everybody whose private words are exported."""
    await facts.enqueue(tx, tell, Notice(fact.export_id, UUID(int=0)))


@facts.job
async def tell(tx: Tx, told: Notice) -> None:
    """Tell some of them, and leave the others to the next job."""
    following = await service.tell(tx, Me.system, told)
    if following is not None:
        await facts.enqueue(tx, tell, following)


@facts.every("37 * * * *")
async def tidy(app: App) -> None:
    """Delete zips whose time is over, and give up those that were never made."""
    await service.tidy(app, Me.system)
