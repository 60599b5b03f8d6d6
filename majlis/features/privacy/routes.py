"""One's own privacy settings over HTTP."""

from majlis.app import App
from majlis.features.privacy import service
from majlis.features.privacy.model import PrivacySettings, PrivacyUpdate
from majlis.kit import http
from majlis.kit.http import access
from majlis.kit.me import Me

api = http.Api("privacy")
SETTINGS = "/api/v1/settings/privacy"


@api.get(SETTINGS, policy=access.user)
async def get_privacy(app: App, me: Me) -> PrivacySettings:
    """What the caller lets others see, and who may find and reach them."""
    async with app.db.read() as tx:
        return await service.get(tx, me)


@api.put(SETTINGS, policy=access.user)
async def update_privacy(app: App, me: Me, body: PrivacyUpdate) -> PrivacySettings:
    """Change what others see. Absent fields stay."""
    async with app.db.tx() as tx:
        return await service.update(tx, me, body)
