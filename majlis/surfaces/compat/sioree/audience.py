"""Tokens of the Sioree door."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from majlis.features.identity import service as identity
from majlis.features.nightlife import service as nightlife
from majlis.features.sessions.model import Audience
from majlis.kit.db import Reader
from majlis.kit.me import Me


async def _claims(tx: Reader, user_id: UUID) -> dict[str, Any]:
    """Whose token it is, as the app reads it."""
    me = Me(id=user_id)
    account = await identity.get(tx, me, user_id)
    role = (await nightlife.personal(tx, me, user_id)).role
    return {"userId": str(user_id), "email": account.email, "role": role}


AUDIENCE = Audience("sioree", timedelta(minutes=15), timedelta(days=7), signed_refresh=True, claims=_claims)
