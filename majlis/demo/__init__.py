"""A believable town to look at: `fill` plans it from a seed and stores it. Nothing of it comes from elsewhere."""

import asyncio
import dataclasses
import time
from collections import Counter

import msgspec
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.text import Text

from majlis import main
from majlis.app import App
from majlis.demo import store, town
from majlis.demo.darkroom import Darkroom
from majlis.demo.filling import Filler
from majlis.demo.model import Resident, Town
from majlis.features.identity.model import EmailTaken
from majlis.kit import clock
from majlis.kit.errors import Conflict
from majlis.settings import Settings

PASSWORD = "Salaam-2026!"  # of everybody in the town


class DemoRefused(Conflict):
    """The place is no place for a demo town."""

    code, detail = "demo_refused", "A demo town has no place here."


class Summary(msgspec.Struct, frozen=True):
    """What was made, and who to sign in as; seconds that it took."""

    email: str
    password: str
    name: str
    people: int
    follows: int
    posts: int
    posts_by_type: dict[str, int]
    photos: int
    comments: int
    likes: int
    bookmarks: int
    shares: int
    votes: int
    seconds: float


def fill(settings: Settings, url: str, *, users: int = 300, seed: int = 7, force: bool = False) -> Summary:
    """Fill a migrated database with a town, beside a running server or without one.

    Raises DemoRefused in production and for a database that has people already, unless forced; and for a
    town that is there already.
    """
    return asyncio.run(_fill(settings, url, users, seed, force))


async def _fill(settings: Settings, url: str, users: int, seed: int, force: bool) -> Summary:
    began = time.monotonic()
    async with main.opened(settings, url) as app:
        if not force:
            await _check(app)
        now = clock.now()
        planned = town.plan(users, seed, now)
        darkroom = Darkroom()
        try:
            with _progress() as progress:

                def report(stage: str, total: int) -> "_Stage":
                    return _Stage(progress, stage, total)

                inner = dataclasses.replace(app, images=darkroom)
                await Filler(inner, darkroom, planned, seed, now, report).run(PASSWORD)
        except EmailTaken:
            raise DemoRefused(f"The town of seed {seed} is here already; take another seed.") from None
        finally:
            await darkroom.aclose()
    guide = town.guide(planned)
    summary = _summary(planned, guide, time.monotonic() - began)
    _show(settings, summary, guide)
    return summary


async def _check(app: App) -> None:
    """Everybody in a demo town has a known password: it is kept away from where people live."""
    if app.settings.mode == "production":
        raise DemoRefused("This is a production server; a demo town has no place here.")
    async with app.db.tx() as tx:
        if await tx.one(store.ANYBODY):
            raise DemoRefused(
                "There are people here already. A demo town wants an empty database: "
                "take another data folder (MAJLIS_DATA_DIR) or database."
            )


def _progress() -> Progress:
    return Progress(
        TextColumn("{task.description:<18}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=Console(stderr=True),
    )


class _Stage:
    """Counts one more of a stage at each call."""

    def __init__(self, progress: Progress, stage: str, total: int) -> None:
        self._progress = progress
        self._task = progress.add_task(stage, total=total)

    def __call__(self) -> None:
        self._progress.advance(self._task)


def _summary(planned: Town, guide: Resident, seconds: float) -> Summary:
    return Summary(
        email=guide.email,
        password=PASSWORD,
        name=f"{guide.first_name} {guide.last_name}",
        people=len(planned.residents),
        follows=len(planned.follows),
        posts=len(planned.posts) + len(planned.shares),
        posts_by_type=dict(Counter(post.type for post in planned.posts)),
        photos=sum(len(post.pictures) for post in planned.posts),
        comments=len(planned.comments),
        likes=len(planned.likes) + len(planned.comment_likes),
        bookmarks=len(planned.bookmarks),
        shares=len(planned.shares),
        votes=len(planned.votes),
        seconds=round(seconds, 1),
    )


def _show(settings: Settings, made: Summary, guide: Resident) -> None:
    base = settings.base_url()
    api = f"{base}/api/v1"
    kinds = ", ".join(f"{count:,} {kind}" for kind, count in sorted(made.posts_by_type.items()))
    credentials = msgspec.json.encode({"email": made.email, "password": made.password}).decode()
    counts = (
        f"{made.people:,} people live here now: {made.posts:,} posts ({kinds}) with {made.photos:,} photos, "
        f"{made.comments:,} comments, {made.likes:,} likes, {made.follows:,} follows, {made.shares:,} shares, "
        f"{made.votes:,} votes. It took {made.seconds:.0f} s."
    )
    lines = [
        "",
        counts,
        "",
        f"Sign in as {made.name}, {guide.place('english')}, {guide.city.province}:",
        f"    e-mail    {made.email}",
        f"    password  {made.password}   (everybody's)",
        "",
        "Look around while the server runs (majlis serve):",
        f"    {base}/docs",
        f"    curl '{api}/posts?limit=5'",
        f"    curl '{api}/posts/trending'",
        f"    curl '{api}/posts/nearby?lat={guide.home.lat}&lng={guide.home.lng}&radius_km=3'",
        f"    curl -G '{api}/posts/search' --data-urlencode 'q=نان'",
        f"    curl '{api}/posts?type=SELL&province=Herat'",
        f"    curl -H 'Content-Type: application/json' -d '{credentials}' {api}/auth/login",
    ]
    console = Console(highlight=False)
    for line in lines:
        console.print(Text(line), soft_wrap=True)
