"""Stores a planned town through the services of the features, each thing at its own time."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, TypeVar
from uuid import UUID

from msgspec import UNSET

from majlis.app import App
from majlis.demo.darkroom import Darkroom
from majlis.demo.model import Comment, Follow, Post, Resident, Share, Town
from majlis.demo.talk import KABUL
from majlis.features.comments import service as comments
from majlis.features.comments.model import CommentCreate
from majlis.features.graph import service as graph
from majlis.features.identity import service as identity
from majlis.features.media import service as media
from majlis.features.media.model import Photo
from majlis.features.posts import service as posts
from majlis.features.posts.model import PostCreate, SellCategory
from majlis.features.profiles import service as profiles
from majlis.features.profiles.model import ProfileUpdate
from majlis.features.reactions import service as reactions
from majlis.features.reactions.model import ShareBody
from majlis.features.voting import service as voting
from majlis.kit import clock
from majlis.kit.db import Tx, retrying
from majlis.kit.me import Me
from majlis.vendors.images import Kind

T = TypeVar("T")
COUNTRY = "Afghanistan"
BATCH = 20  # things stored in one transaction
AT_ONCE = 6  # things stored beside each other, where their times do not matter

Report = Callable[[str, int], Callable[[], None]]  # (stage, how many) to what counts one more


class Filler:
    """A town on its way into the database."""

    def __init__(
        self, app: App, darkroom: Darkroom, town: Town, seed: int, now: datetime, report: Report
    ) -> None:
        self._app = app
        self._darkroom = darkroom
        self._town = town
        self._seed = seed
        self._now = now
        self._report = report
        self._people: dict[int, Me] = {}
        self._photos: dict[Post, list[Photo]] = {}
        self._posts: dict[Post, UUID] = {}
        self._polls: dict[Post, tuple[UUID, list[UUID]]] = {}
        self._comments: dict[Comment, UUID] = {}
        self._categories: dict[str, SellCategory] = {}

    async def run(self, password: str) -> None:
        """Store everything; people first, and nobody when one of them is here already."""
        town = self._town
        await self._settle(town.residents, await identity.hash_password(password))
        await self._in_order("follows", town.follows, self._follow)
        await self._beside("portraits", town.residents, self._dress)
        await self._beside("photos", [post for post in town.posts if post.pictures], self._upload)
        async with self._app.db.read() as reader:
            self._categories = {one.name: one for one in (await posts.categories(reader)).values()}
        await self._in_order("posts", town.posts, self._publish)
        await self._in_order("shares", town.shares, self._share)
        await self._in_order("comments", town.comments, self._say)
        await self._beside("likes", town.likes, self._like)
        await self._beside("likes of comments", town.comment_likes, self._like_comment)
        await self._beside("bookmarks", town.bookmarks, self._keep)
        await self._beside("votes", town.votes, self._vote)

    async def _in_order(
        self, stage: str, things: Sequence[T], store: Callable[[Tx, T], Awaitable[None]]
    ) -> None:
        """Store things one after the other, because their time is the clock's; some in each transaction."""
        done = self._report(stage, len(things))
        for start in range(0, len(things), BATCH):
            batch = things[start : start + BATCH]

            async def work(batch: Sequence[T] = batch) -> None:
                async with self._app.db.tx() as tx:
                    for thing in batch:
                        await store(tx, thing)

            await retrying(work)
            for _ in batch:
                done()

    async def _beside(self, stage: str, things: Sequence[T], store: Callable[[T], Awaitable[None]]) -> None:
        """Store things several at a time."""
        done = self._report(stage, len(things))
        waiting = iter(things)

        async def worker() -> None:
            for thing in waiting:
                await store(thing)
                done()

        tasks = [asyncio.create_task(worker()) for _ in range(AT_ONCE)]
        try:
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()

    # ---- people

    async def _settle(self, residents: Sequence[Resident], hashed: str) -> None:
        done = self._report("people", len(residents))
        async with self._app.db.tx() as tx:
            for person in residents:
                with clock.frozen(self._now - person.joined):
                    # Confirmed already, so that no mail is written to them.
                    account = await identity.create(tx, Me.system, person.email, hashed, verified=True)
                    me = Me(id=account.id, verified=True)
                    await profiles.create(tx, Me.system, account.id, person.first_name, person.last_name)
                    await profiles.update(tx, me, self._profile(person), None)
                self._people[person.number] = me
                done()

    def _profile(self, person: Resident) -> ProfileUpdate:
        born = date(self._now.year - 1 - person.age, *person.birthday)
        return ProfileUpdate(
            about=person.about or None,
            gender=person.gender,  # type: ignore[arg-type]
            dob=born,
            location=person.home,
            country=COUNTRY,
            province=person.city.province,
            district=person.place("english"),
            neighborhood=person.corner,
        )

    def _me(self, person: Resident) -> Me:
        return self._people[person.number]

    async def _dress(self, person: Resident) -> None:
        me = self._me(person)
        if person.face != "none":
            face = await self._darkroom.face(person, self._seed)
            await profiles.set_picture(self._app, me, face, Kind.AVATAR)
        if person.cover is not None:
            cover = await self._darkroom.photo(person.cover, 0, cover=True)
            await profiles.set_picture(self._app, me, cover, Kind.COVER)

    async def _follow(self, tx: Tx, follow: Follow) -> None:
        with clock.frozen(follow.at):
            await graph.follow(tx, self._me(follow.follower), self._people[follow.following.number].user())

    # ---- posts

    async def _upload(self, post: Post) -> None:
        """An upload belongs to who made it, so each author uploads their own."""
        me = self._me(post.author)
        files = [await self._darkroom.photo(one.subject, one.variant) for one in post.pictures]
        stored = await media.store_all(self._app, me, files, Kind.POST)
        self._photos[post] = [one.photo for one in stored]

    async def _publish(self, tx: Tx, post: Post) -> None:
        with clock.frozen(post.at):
            created = await posts.create(tx, self._me(post.author), self._body(post), None)
        self._posts[post] = created.id
        if created.poll is not None:
            self._polls[post] = created.poll.id, [option.id for option in created.poll.options]

    def _body(self, post: Post) -> PostCreate:
        author = post.author
        return PostCreate(
            type=post.type,  # type: ignore[arg-type]
            title=post.title,
            description=post.text,
            visibility=post.visibility,  # type: ignore[arg-type]
            attachments=self._photos.get(post, UNSET),
            poll_options=list(post.options) or UNSET,
            address_location=post.spot if post.shown else UNSET,
            is_location=post.shown,
            user_location=post.spot,
            country=COUNTRY,
            province=author.city.province,
            district=author.place("english"),
            neighborhood=author.corner,
            **self._terms(post),
            **self._hours(post),
        )

    def _terms(self, post: Post) -> dict[str, Any]:
        """The fields of a sale."""
        if post.sale is None:
            return {}
        category = self._categories.get(post.sale.category) or next(iter(self._categories.values()))
        terms: dict[str, Any] = {"category_id": category.id, "free": post.sale.price is None}
        if post.sale.price is not None:
            terms |= {"price": Decimal(post.sale.price), "currency": post.sale.currency}
        if post.sale.discount is not None:
            terms["discount"] = Decimal(post.sale.discount)
        if post.sale.contact is not None:
            terms |= {"country_code": "+93", "contact_no": post.sale.contact}
        return terms

    def _hours(self, post: Post) -> dict[str, Any]:
        """The fields of an event."""
        if post.occasion is None:
            return {}
        day = self._now.astimezone(KABUL).date() + timedelta(days=post.occasion.days)
        start, end = post.occasion.hour, post.occasion.hour + post.occasion.length
        return {
            "start_date": day,
            "end_date": day,
            "start_time": f"{start:02}:00:00",
            "end_time": f"{end:02}:00:00",
        }

    async def _share(self, tx: Tx, share: Share) -> None:
        with clock.frozen(share.at):
            body = ShareBody(share_text=share.text)
            await reactions.share(tx, self._me(share.author), self._posts[share.post], body)

    # ---- what others do

    async def _say(self, tx: Tx, comment: Comment) -> None:
        parent = self._comments[comment.parent] if comment.parent is not None else None
        body = CommentCreate(text=comment.text, parent_comment_id=parent)
        with clock.frozen(comment.at):
            stored = await comments.create(tx, self._me(comment.author), self._posts[comment.post], body)
        self._comments[comment] = stored.id

    async def _like(self, pair: tuple[Resident, Post]) -> None:
        async with self._app.db.tx() as tx:
            await reactions.like(tx, self._me(pair[0]), self._posts[pair[1]])

    async def _like_comment(self, pair: tuple[Resident, Comment]) -> None:
        async with self._app.db.tx() as tx:
            await comments.like(tx, self._me(pair[0]), self._comments[pair[1]])

    async def _keep(self, pair: tuple[Resident, Post]) -> None:
        async with self._app.db.tx() as tx:
            await reactions.bookmark(tx, self._me(pair[0]), self._posts[pair[1]])

    async def _vote(self, vote: tuple[Resident, Post, int]) -> None:
        voter, post, choice = vote
        poll, options = self._polls[post]
        async with self._app.db.tx() as tx:
            await voting.vote(tx, self._me(voter), poll, options[choice])
