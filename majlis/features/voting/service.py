"""Verbs of voting: give a post its poll, look, vote, take the vote back."""

from collections.abc import Sequence
from uuid import UUID

from majlis.features.filters import service as filters
from majlis.features.polls import service as polls
from majlis.features.polls.model import Poll
from majlis.features.posts import service as posts
from majlis.features.posts.model import NotAuthor, Post
from majlis.features.voting.facts import Voted
from majlis.features.voting.model import PollClosed, PollExists
from majlis.kit import clock, facts
from majlis.kit.db import Reader, Tx
from majlis.kit.errors import Invalid, NotFound
from majlis.kit.me import Me


async def create(tx: Tx, me: Me, post_id: UUID, options: Sequence[str]) -> Poll:
    """The poll of a post of one's own that has none yet. Raises NotFound, NotAuthor, PollExists, Invalid."""
    post = await posts.locked(tx, me, post_id)
    if post.user_id != me.user():
        raise NotAuthor()
    if post.type != "PULL":
        raise Invalid("Only posts of type PULL have a poll.", code="not_a_poll")
    wanted = polls.checked(options, "options")
    if await polls.has_poll(tx, me, post_id):
        raise PollExists()
    await filters.refuse(tx, me, {"options": "\n".join(wanted)})
    await polls.create(tx, me, post_id, wanted)
    return await polls.get(tx, me, post_id)


async def of_post(tx: Reader, me: Me, post_id: UUID) -> Poll:
    """The poll of a post that the viewer may see. Raises NotFound."""
    poll = (await posts.get(tx, me, post_id)).poll
    if poll is None:
        raise NotFound()
    return poll


async def get(tx: Reader, me: Me, poll_id: UUID) -> Poll:
    """A poll whose post the viewer may see. Raises NotFound."""
    return await of_post(tx, me, await polls.post_of(tx, me, poll_id))


async def vote(tx: Tx, me: Me, poll_id: UUID, option_id: UUID) -> Poll:
    """Vote, or vote otherwise. Raises NotFound, PollClosed, Invalid."""
    post = await _open(tx, me, poll_id)
    if await polls.vote(tx, me, poll_id, option_id):
        await facts.emit(tx, Voted(poll_id, post.id, me.user()))
    return await polls.get(tx, me, post.id)


async def unvote(tx: Tx, me: Me, poll_id: UUID) -> Poll:
    """Take one's vote back. Raises NotFound, PollClosed."""
    post = await _open(tx, me, poll_id)
    await polls.unvote(tx, me, poll_id)
    return await polls.get(tx, me, post.id)


async def _open(tx: Tx, me: Me, poll_id: UUID) -> Post:
    post = await posts.get(tx, me, await polls.post_of(tx, me, poll_id))
    if post.expired_at is not None and post.expired_at <= clock.now():
        raise PollClosed()
    return post
