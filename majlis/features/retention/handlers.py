"""What workspaces do not keep goes every night."""

from majlis.app import App
from majlis.features.retention import service
from majlis.kit import facts
from majlis.kit.me import Me


@facts.every("17 1 * * *")
async def apply(app: App) -> None:
    """Delete what is older than its workspace keeps."""
    await service.apply(app, Me.system)
