"""Clearing away of pictures that nothing refers to."""

from majlis.app import App
from majlis.features.media import service
from majlis.features.media.facts import PhotosReleased
from majlis.kit import facts
from majlis.kit.me import Me


@facts.on(PhotosReleased)
async def remove_released(app: App, fact: PhotosReleased) -> None:
    """Remove the files, unless something refers to them again."""
    await service.remove_loose(app, Me.system, fact.objects)


@facts.every("41 * * * *")
async def sweep(app: App) -> None:
    """Remove uploads that were never used."""
    await service.sweep(app, Me.system)
