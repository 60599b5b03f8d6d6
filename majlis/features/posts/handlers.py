"""What becomes of pictures when an account becomes private or public."""

from majlis.app import App
from majlis.features.posts import service
from majlis.features.privacy.facts import PrivacyChanged
from majlis.kit import facts
from majlis.kit.me import Me


@facts.on(PrivacyChanged)
async def settle_pictures(app: App, fact: PrivacyChanged) -> None:
    """Pictures of posts open and close with the account."""
    await service.settle_of(app, Me.system, fact.user_id)
