"""People, follows, requests, blocks and mutes over HTTP. `me` stands for the caller wherever a person's id is read."""

from uuid import UUID

from majlis.app import App
from majlis.features.graph import service
from majlis.features.graph.model import (
    BlockState,
    FollowEntry,
    FollowerState,
    FollowState,
    MuteState,
    PeopleQuery,
    UserMini,
    UserPublic,
)
from majlis.kit import http, ids
from majlis.kit.errors import NotFound
from majlis.kit.http import access
from majlis.kit.me import Me

api = http.Api("profile")
USER = "/api/v1/users/{user_id}"
REQUESTS = "/api/v1/users/me/follow-requests"


def _person(me: Me, user_id: str) -> UUID:
    """Whom a path names. Raises NotFound, or Unauthenticated for nobody's `me`."""
    found = me.user() if user_id == "me" else ids.parse(user_id)
    if found is None:
        raise NotFound()
    return found


@api.get("/api/v1/users/search", policy=access.user)
@api.get("/api/v1/search/users", policy=access.user)
async def search_users(app: App, me: Me, query: PeopleQuery) -> http.Listing[UserMini]:
    """People by words of their names, or by an exact e-mail address or phone number."""
    async with app.db.read() as tx:
        return http.listing(await service.search(tx, me, query))


@api.get(USER, policy=access.optional, errors=(404,))
async def get_user(app: App, me: Me, user_id: UUID) -> UserPublic:
    """One person. 404 when unknown, deleted or blocking the viewer."""
    async with app.db.read() as tx:
        return await service.get(tx, me, user_id)


@api.get(USER + "/followers", policy=access.optional, errors=(404,))
async def followers(app: App, me: Me, user_id: str, query: http.PageQuery) -> http.Listing[FollowEntry]:
    """Who follows a person, latest first."""
    async with app.db.read() as tx:
        return http.listing(await service.followers(tx, me, _person(me, user_id), query.paging()))


@api.get(USER + "/following", policy=access.optional, errors=(404,))
async def following(app: App, me: Me, user_id: str, query: http.PageQuery) -> http.Listing[FollowEntry]:
    """Whom a person follows, latest first."""
    async with app.db.read() as tx:
        return http.listing(await service.following(tx, me, _person(me, user_id), query.paging()))


@api.post(USER + "/follow", policy=access.user, errors=(404, 409))
async def follow(app: App, me: Me, user_id: str) -> FollowState:
    """Follow a person, or ask to follow a private account. 409 when one of the two blocks the other."""
    async with app.db.tx() as tx:
        return await service.follow(tx, me, _person(me, user_id))


@api.delete(USER + "/follow", policy=access.user, errors=(404, 422))
async def unfollow(app: App, me: Me, user_id: str) -> FollowState:
    """Follow a person no longer, or take the request to back."""
    async with app.db.tx() as tx:
        return await service.unfollow(tx, me, _person(me, user_id))


@api.get(REQUESTS, policy=access.user)
async def follow_requests(app: App, me: Me, query: http.PageQuery) -> http.Listing[FollowEntry]:
    """Who asks to follow the caller, latest first."""
    async with app.db.read() as tx:
        return http.listing(await service.requests(tx, me, query.paging()))


@api.get(REQUESTS + "/sent", policy=access.user)
async def sent_requests(app: App, me: Me, query: http.PageQuery) -> http.Listing[FollowEntry]:
    """Whom the caller asks to follow, latest first."""
    async with app.db.read() as tx:
        return http.listing(await service.requested(tx, me, query.paging()))


@api.post(REQUESTS + "/{user_id}/accept", policy=access.user, errors=(404,))
async def accept(app: App, me: Me, user_id: UUID) -> FollowerState:
    """Let somebody follow who asked to."""
    async with app.db.tx() as tx:
        return await service.accept(tx, me, user_id)


@api.post(REQUESTS + "/{user_id}/decline", policy=access.user, errors=(404,))
async def decline(app: App, me: Me, user_id: UUID) -> FollowerState:
    """Do not let somebody follow who asked to. They are not told."""
    async with app.db.tx() as tx:
        return await service.decline(tx, me, user_id)


@api.post(USER + "/mute", policy=access.user, errors=(404,))
async def mute(app: App, me: Me, user_id: str) -> MuteState:
    """Meet no posts of a person in feeds, and hear of nothing they do. They do not learn of it."""
    async with app.db.tx() as tx:
        return await service.mute(tx, me, _person(me, user_id))


@api.delete(USER + "/mute", policy=access.user, errors=(404, 422))
async def unmute(app: App, me: Me, user_id: str) -> MuteState:
    """Mute a person no longer."""
    async with app.db.tx() as tx:
        return await service.unmute(tx, me, _person(me, user_id))


@api.get("/api/v1/users/me/muted", policy=access.user)
async def muted(app: App, me: Me, query: http.PageQuery) -> http.Listing[UserMini]:
    """Whom the caller mutes, latest first."""
    async with app.db.read() as tx:
        return http.listing(await service.muted(tx, me, query.paging()))


@api.post(USER + "/block", policy=access.user, errors=(404,))
async def block(app: App, me: Me, user_id: str) -> BlockState:
    """Block a person: neither meets the other any more, and follows both ways end."""
    async with app.db.tx() as tx:
        return await service.block(tx, me, _person(me, user_id))


@api.delete(USER + "/block", policy=access.user, errors=(404, 422))
async def unblock(app: App, me: Me, user_id: str) -> BlockState:
    """Block a person no longer."""
    async with app.db.tx() as tx:
        return await service.unblock(tx, me, _person(me, user_id))


@api.get("/api/v1/users/me/blocked", policy=access.user)
async def blocked(app: App, me: Me, query: http.PageQuery) -> http.Listing[UserMini]:
    """Whom the caller blocks, latest first."""
    async with app.db.read() as tx:
        return http.listing(await service.blocked(tx, me, query.paging()))


@api.get(USER + "/blocked", policy=access.user, errors=(404,))
async def block_state(app: App, me: Me, user_id: UUID) -> BlockState:
    """Whether the caller blocks a person, not the reverse."""
    async with app.db.read() as tx:
        return await service.block_state(tx, me, user_id)
