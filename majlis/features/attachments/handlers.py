"""Clearing away of files that no message carries."""

from majlis.app import App
from majlis.features.attachments import service
from majlis.kit import facts
from majlis.kit.me import Me


@facts.every("47 * * * *")
async def sweep(app: App) -> None:
    """Remove files that were never used, or whose messages are gone."""
    await service.sweep(app, Me.system)
