"""Devices end with what they belong to."""

from majlis.features.identity.facts import AccountDeleted
from majlis.features.push import service
from majlis.features.sessions.facts import SessionsRevoked
from majlis.kit import facts
from majlis.kit.db import Tx
from majlis.kit.me import Me


@facts.on(SessionsRevoked)
async def forget_ended(tx: Tx, fact: SessionsRevoked) -> None:
    """Forget the devices of sessions that ended."""
    await service.end_sessions(tx, Me.system, fact.user_id, fact.session_ids)


@facts.on(AccountDeleted)
async def forget_deleted(tx: Tx, fact: AccountDeleted) -> None:
    """Forget every device of an account that was deleted."""
    await service.end_all(tx, Me.system, fact.user_id)
