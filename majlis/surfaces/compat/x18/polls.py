"""Answering polls; they are asked with posts."""

from uuid import UUID

import msgspec
from msgspec import UNSET

from majlis.app import App
from majlis.features.timelines import service as timelines
from majlis.features.voting import service as voting
from majlis.kit import http
from majlis.kit.db import Tx
from majlis.kit.errors import Invalid, NotFound
from majlis.kit.http import access
from majlis.kit.me import Me
from majlis.surfaces.compat.x18 import encoding
from majlis.surfaces.compat.x18.shapes import Poll

api = http.Api("polls")
VOTE = "/api/posts/{post_id}/vote"


class Vote(msgspec.Struct):
    """The answer that one chooses."""

    option_id: UUID


@api.post(VOTE, policy=access.user, errors=(409,))
async def vote(app: App, me: Me, post_id: UUID, body: Vote) -> Poll:
    """Choose an answer of a poll; another one takes its place. 409 once it is closed."""
    async with app.db.tx() as tx:
        poll = await voting.of_post(tx, me, post_id)
        if body.option_id not in {one.id for one in poll.options}:
            raise Invalid.field("option_id", "The poll has no such answer.")
        await voting.vote(tx, me, poll.id, body.option_id)
        return await _polled(tx, me, post_id)


@api.delete(VOTE, policy=access.user, errors=(409,))
async def unvote(app: App, me: Me, post_id: UUID) -> Poll:
    """Take the choice back; again changes nothing."""
    async with app.db.tx() as tx:
        await voting.unvote(tx, me, (await voting.of_post(tx, me, post_id)).id)
        return await _polled(tx, me, post_id)


async def _polled(tx: Tx, me: Me, post_id: UUID) -> Poll:
    (shown,) = await encoding.posts(tx, me, [await timelines.get(tx, me, post_id)])
    if shown.poll is UNSET:
        raise NotFound()
    return shown.poll
