"""Scheduled messages go out."""

from datetime import timedelta

from majlis.features.composing import service
from majlis.features.composing.facts import MessageScheduled
from majlis.features.composing.model import Due
from majlis.kit import clock, facts
from majlis.kit.db import Tx
from majlis.kit.me import Me


@facts.on(MessageScheduled)
async def await_time(tx: Tx, fact: MessageScheduled) -> None:
    """A message is to go out at a time. Jobs that come too early do nothing."""
    await facts.enqueue(tx, send, Due(fact.scheduled_id), after=max(fact.send_at - clock.now(), timedelta()))


@facts.job
async def send(tx: Tx, due: Due) -> None:
    """Send a message, if its time has come."""
    await service.send_due(tx, Me.system, due.id)
