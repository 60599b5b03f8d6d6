"""Polls over HTTP."""

from uuid import UUID

from majlis.app import App
from majlis.features.polls.model import Poll
from majlis.features.voting import service
from majlis.features.voting.model import PollBody, Results, VoteBody
from majlis.kit import http
from majlis.kit.http import access
from majlis.kit.me import Me

api = http.Api("polls")


@api.post("/api/v1/posts/{post_id}/polls", policy=access.owner, status=201, errors=(409,))
async def create_poll(app: App, me: Me, post_id: UUID, body: PollBody) -> Poll:
    """Give a poll post its options, if it has none yet."""
    async with app.db.tx() as tx:
        return await service.create(tx, me, post_id, body.options)


@api.get("/api/v1/posts/{post_id}/polls", policy=access.optional)
async def get_poll(app: App, me: Me, post_id: UUID) -> Poll:
    """The poll of a post."""
    async with app.db.read() as tx:
        return await service.of_post(tx, me, post_id)


@api.post("/api/v1/polls/{poll_id}/vote", policy=access.user, errors=(409,))
async def vote(app: App, me: Me, poll_id: UUID, body: VoteBody) -> Poll:
    """Vote, or change the vote."""
    async with app.db.tx() as tx:
        return await service.vote(tx, me, poll_id, body.poll_option_id)


@api.delete("/api/v1/polls/{poll_id}/vote", policy=access.user, errors=(409,))
async def unvote(app: App, me: Me, poll_id: UUID) -> Poll:
    """Take the vote back."""
    async with app.db.tx() as tx:
        return await service.unvote(tx, me, poll_id)


@api.get("/api/v1/polls/{poll_id}/results", policy=access.optional)
async def results(app: App, me: Me, poll_id: UUID) -> Results:
    """The state of a poll."""
    async with app.db.read() as tx:
        poll = await service.get(tx, me, poll_id)
    return Results(poll.id, poll.total_votes, poll.options, poll.my_vote)
