"""Backup codes over HTTP. What ends in tokens is in signin."""

from majlis.app import App
from majlis.features.mfa import service
from majlis.features.mfa.model import BackupCodes, NewCodes
from majlis.kit import http
from majlis.kit.http import access
from majlis.kit.me import Me

api = http.Api("authentication")
CODES = "/api/v1/auth/mfa/backup-codes"


@api.get(CODES, policy=access.strong, errors=(403, 409))
async def backup_codes(app: App, me: Me) -> BackupCodes:
    """How many backup codes are left. The codes themselves were shown when they were made."""
    async with app.db.tx() as tx:
        return await service.backup_codes(tx, me)


# No Idempotency-Key: the answer, which would be kept, holds the codes.
@api.post(CODES, policy=access.strong, status=201, idempotent=False, errors=(403, 409))
async def new_backup_codes(app: App, me: Me) -> NewCodes:
    """Make ten new backup codes, shown this once. Earlier ones are void."""
    async with app.db.tx() as tx:
        return NewCodes(await service.new_backup_codes(app, tx, me))
