"""Fills a Majlis database with the data of the benchmark, and writes what the load needs.

    python bench/seed.py --data-dir DIR --out DIR [--database-url URL] [--mixed] [--scale 0.05]

DIR/tokens.txt: access tokens of 1,000 users; cursors.txt: places in the feed with 1,000 posts or more
behind each; posts.txt: ids of 20,000 posts that everybody may see; users.txt: ids of 1,000 people. With
--mixed posts are of all types, one in four lies on the map, and there are notifications. A database that
is seeded already keeps its rows and gets new tokens.
"""

import argparse
import asyncio
import contextlib
import hashlib
import json
import random
import secrets
import sys
import time
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
from uuid_utils.compat import uuid7

from majlis import main, serving
from majlis import settings as configuration
from majlis.kit import crypto, db, embedded, page
from majlis.kit.geo import Point
from majlis.kit.tokens import Signer
from majlis.settings import Settings

USERS, POSTS, ATTACHMENTS = 20_000, 200_000, 100_000
LIKES, BOOKMARKS, FOLLOWS, COMMENTS = 1_000_000, 100_000, 500_000, 100_000
NOTIFICATIONS = 200_000
TOKENS, CURSORS, IDS, BEHIND = 1_000, 1_000, 20_000, 1_000
COUNTS = (
    "USERS", "POSTS", "ATTACHMENTS", "LIKES", "BOOKMARKS", "FOLLOWS", "COMMENTS", "NOTIFICATIONS", "TOKENS", "CURSORS",
    "IDS", "BEHIND",
)  # fmt: skip
TOKEN_LIFE = timedelta(days=30)
DEVICE = "bench"  # marks the sessions that a later run replaces
PROVINCES = ("Herat", "Kabul", "Balkh", "Kandahar", "Nangarhar", "Bamyan", "Ghazni", "Badakhshan")
SYLLABLES = (
    "a",
    "an",
    "ar",
    "e",
    "en",
    "er",
    "i",
    "in",
    "is",
    "o",
    "on",
    "or",
    "u",
    "um",
    "un",
    "us",
    "ya",
    "yo",
    "yu",
    "ye",
)
# Longitude and latitude of the provinces' capitals, about which posts are spread.
CENTERS = (
    (62.2, 34.35), (69.18, 34.53), (67.11, 36.71), (65.71, 31.61), (70.45, 34.43), (67.82, 34.82), (68.42, 33.55), (70.58, 37.12),
)  # fmt: skip
SPREAD = 0.12  # degrees, about 12 km
# Titles are made of these: 2,000 words, the n-th about n times rarer than the first.
WORDS = [a + b + c for a in ("ka", "mo", "ri", "su", "ta", "ne", "bo", "la", "du", "zi")
         for b in ("ran", "lim", "sol", "vet", "nur", "gal", "dis", "hom", "per", "zan") for c in SYLLABLES]  # fmt: skip
PLACES = [(province, f"District {n % 9}", f"Quarter {n % 23}") for n, province in enumerate(PROVINCES * 3)]
SENTENCE = "A few words about the day, as neighbours tell them. "

# The same as the reference's, so that the two databases differ in what is asked of them only.
POSTGRES = {
    "shared_buffers": "1GB",
    "max_connections": "200",
    "synchronous_commit": "on",
    "autovacuum": "off",
    "max_wal_size": "4GB",
    "checkpoint_timeout": "30min",
}


class Town:
    """The numbered people and posts from which everything else is drawn; always the same but for the ids."""

    def __init__(self, now: datetime, mixed: bool) -> None:
        self.random = random.Random(1404)
        self.now, self.mixed = now, mixed
        self.begin = now - timedelta(days=365)
        self.users = [uuid7(nanoseconds=_nanos(self.begin)) for _ in range(USERS)]
        step = timedelta(days=365) / POSTS
        self.times = [self.begin + (n + self.random.random()) * step for n in range(POSTS)]
        self.posts = [uuid7(nanoseconds=_nanos(at)) for at in self.times]
        self.authors = self.random.choices(range(USERS), k=POSTS)
        self.likes = self._pairs(LIKES)
        self.bookmarks = self._pairs(BOOKMARKS)
        self.follows = [
            (n // (USERS - 1), (n // (USERS - 1) + 1 + n % (USERS - 1)) % USERS)
            for n in self.random.sample(range(USERS * (USERS - 1)), FOLLOWS)
        ]
        self.comments = [
            (self.random.randrange(USERS), self.random.randrange(POSTS)) for _ in range(COMMENTS)
        ]

    def _pairs(self, count: int) -> list[tuple[int, int]]:
        """Different pairs of a person and a post."""
        return [divmod(n, POSTS) for n in self.random.sample(range(USERS * POSTS), count)]

    def kind(self, n: int) -> str:
        """The type of the n-th post."""
        return ("FEED", "FEED", "SELL", "FEED", "EVENT", "PULL")[n % 6] if self.mixed else "FEED"

    def word(self) -> str:
        """A word for a title; the first of the list come most often."""
        return WORDS[min(len(WORDS) - 1, int(self.random.paretovariate(0.35)) - 1)]

    def location(self, n: int) -> tuple[Point, Point | None, bool]:
        """Where the author of the n-th post was, and where the post lies if it lies on the map."""
        lng, lat = CENTERS[n % len(CENTERS)]
        place = Point(
            round(lat + self.random.gauss(0, SPREAD), 6), round(lng + self.random.gauss(0, SPREAD), 6)
        )
        shown = self.mixed and n % 4 == 0
        return place, place if shown else None, shown

    def visibility(self, n: int) -> str:
        """Nine in ten are for everybody."""
        return "PUBLIC" if n % 10 else ("PRIVATE" if n % 30 == 0 else "FRIENDS")


def _nanos(at: datetime) -> int:
    return int(at.timestamp() * 1_000_000) * 1000


def _count(numbers: Iterable[int], size: int) -> list[int]:
    """How often each number below `size` occurs."""
    counts = [0] * size
    for n in numbers:
        counts[n] += 1
    return counts


def _photo(folder: str, name: UUID, width: int, height: int) -> dict[str, Any]:
    address = f"https://cdn.example.org/{folder}/{name}"
    return {
        "url": f"{address}.webp",
        "name": "photo.webp",
        "mime_type": "image/webp",
        "size": 123_456,
        "width": width,
        "height": height,
        "thumbnail_url": f"{address}.thumb.webp",
    }


# ---- rows, in the order of the columns beside them

USER = ["id", "email", "email_verified", "created_at", "updated_at"]
PROFILE = [
    "id", "username", "first_name", "last_name", "avatar", "country", "province", "district", "neighborhood", "is_complete",
    "followers_count", "following_count", "posts_count", "created_at", "updated_at",
]  # fmt: skip
POST = [
    "id", "user_id", "title", "description", "type", "visibility", "category_id", "currency", "price", "start_date",
    "country", "province", "district", "neighborhood", "user_location", "address_location", "is_location",
    "attachments", "total_comments", "total_likes", "created_at", "updated_at",
]  # fmt: skip
NOTIFICATION = [
    "id",
    "user_id",
    "type",
    "title",
    "message",
    "data",
    "read",
    "actor_id",
    "target_id",
    "created_at",
]


def _users(town: Town) -> Iterator[tuple[Any, ...]]:
    for n, user in enumerate(town.users):
        yield user, f"person{n}@bench.example.org", True, town.begin, town.begin


def _profiles(town: Town) -> Iterator[tuple[Any, ...]]:
    followers = _count((b for _, b in town.follows), USERS)
    following = _count((a for a, _ in town.follows), USERS)
    posts = _count(town.authors, USERS)
    for n, user in enumerate(town.users):
        names = f"person{n}", f"First{n % 977}", f"Last{n % 1499}"
        counts = followers[n], following[n], posts[n]
        avatar = _photo("avatars", user, 256, 256)
        place = "AF", *PLACES[n % len(PLACES)]
        yield user, *names, avatar, *place, True, *counts, town.begin, town.begin


def _attachments(town: Town) -> list[str]:
    """What the column holds of each post: the pictures as on the wire."""
    counts = _count((town.random.randrange(POSTS) for _ in range(ATTACHMENTS)), POSTS)
    return ["[]" if not count else _pictures(town, n, count) for n, count in enumerate(counts)]


def _pictures(town: Town, n: int, count: int) -> str:
    at = town.times[n].isoformat().replace("+00:00", "Z")
    found = []
    for _ in range(count):
        attachment = uuid7(nanoseconds=_nanos(town.times[n]))
        photo = _photo("posts", attachment, 1600, 1200)
        same = {"post_id": str(town.posts[n]), "photo": photo, "created_at": at, "updated_at": at}
        found.append({"id": str(attachment), **same})
    return json.dumps(found, separators=(",", ":"))


def _posts(town: Town, categories: list[UUID], commented: bool) -> Iterator[tuple[Any, ...]]:
    likes = _count((post for _, post in town.likes), POSTS)
    comments = _count((post for _, post in town.comments), POSTS) if commented else [0] * POSTS
    pictures = _attachments(town)
    for n, post in enumerate(town.posts):
        kind, at = town.kind(n), town.times[n]
        text = f"{town.word()} {town.word()} number {n}", SENTENCE * (1 + n % 5)
        sale = (categories[n % len(categories)], "AFN", Decimal(n % 9000)) if kind == "SELL" else (None,) * 3
        start = (at + timedelta(days=n % 30)).date() if kind == "EVENT" else None
        place = "AF", *PLACES[n % len(PLACES)]
        said = kind, town.visibility(n), *sale, start
        yield (
            post,
            town.users[town.authors[n]],
            *text,
            *said,
            *place,
            *town.location(n),
            pictures[n],
            comments[n],
            likes[n],
            at,
            at,
        )


def _marks(town: Town, pairs: list[tuple[int, int]]) -> Iterator[tuple[Any, ...]]:
    """Likes or bookmarks, each some minutes after the post, or now."""
    for n, (user, post) in enumerate(pairs):
        yield (
            town.users[user],
            town.posts[post],
            min(town.now, town.times[post] + timedelta(minutes=n % 10_000)),
        )


def _follows(town: Town) -> Iterator[tuple[Any, ...]]:
    for n, (follower, following) in enumerate(town.follows):
        yield town.users[follower], town.users[following], town.begin + timedelta(minutes=n)


def _comments(town: Town) -> Iterator[tuple[Any, ...]]:
    for user, post in town.comments:
        at = min(town.now, town.times[post] + timedelta(minutes=5))
        yield uuid7(nanoseconds=_nanos(at)), town.posts[post], town.users[user], SENTENCE.strip(), at, at


def _notifications(town: Town) -> Iterator[tuple[Any, ...]]:
    """Likes that were told: as many to each person."""
    for n, (user, post) in enumerate(town.likes[:NOTIFICATIONS]):
        at = town.now - timedelta(minutes=n)
        actor, target = town.users[user], town.posts[post]
        data = {"user_id": str(actor), "post_id": str(target)}
        told = "POST_LIKE", "New like", "liked your post", data, n % 3 == 0
        yield uuid7(nanoseconds=_nanos(at)), town.users[n % USERS], *told, actor, target, at


def _polls(town: Town) -> tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]]:
    """A poll of three options for each post of that type."""
    polls, options = [], []
    for n, post in enumerate(town.posts):
        if town.kind(n) == "PULL":
            poll = uuid7(nanoseconds=_nanos(town.times[n]))
            polls.append((poll, post))
            options += [(uuid7(), poll, f"Choice {position}", position) for position in range(3)]
    return polls, options


# ---- the database


async def _copy(connection: Any, table: str, columns: list[str], rows: Iterable[tuple[Any, ...]]) -> None:
    began = time.perf_counter()
    status = await connection.copy_records_to_table(table, records=rows, columns=columns, timeout=600)
    print(f"  {table}: {status.split()[-1]} rows in {time.perf_counter() - began:.1f} s", file=sys.stderr)


async def fill(connection: Any, town: Town) -> None:
    """Store everything. Triggers and foreign keys rest meanwhile: the rows bring right counters with them."""
    commented = await connection.fetchval("SELECT to_regclass('post_comments') IS NOT NULL")
    categories = [row["id"] for row in await connection.fetch("SELECT id FROM sell_categories ORDER BY name")]
    await connection.execute("SET session_replication_role = replica; SET statement_timeout = 0")
    await _copy(connection, "users", USER, _users(town))
    await _copy(connection, "profiles", PROFILE, _profiles(town))
    await _copy(connection, "posts", POST, _posts(town, categories, commented))
    await _copy(connection, "post_likes", ["user_id", "post_id", "created_at"], _marks(town, town.likes))
    await _copy(
        connection, "post_bookmarks", ["user_id", "post_id", "created_at"], _marks(town, town.bookmarks)
    )
    await _copy(connection, "user_follows", ["follower_id", "following_id", "created_at"], _follows(town))
    if commented:
        columns = ["id", "post_id", "user_id", "text", "created_at", "updated_at"]
        await _copy(connection, "post_comments", columns, _comments(town))
    if town.mixed:
        polls, options = _polls(town)
        await _copy(connection, "polls", ["id", "post_id"], polls)
        await _copy(connection, "poll_options", ["id", "poll_id", "option", "position"], options)
        await _copy(connection, "notifications", NOTIFICATION, _notifications(town))
    await connection.execute("SET session_replication_role = DEFAULT")
    await _draw_map(connection)
    await connection.execute("VACUUM (ANALYZE)", timeout=600)
    await connection.execute("CHECKPOINT", timeout=600)


async def _draw_map(connection: Any) -> None:
    """Count what lies on the map, as triggers and the worker do otherwise."""
    await connection.execute("SELECT map_mend()", timeout=600)
    while await connection.fetchval("SELECT map_fold(100000)", timeout=600):
        pass


async def write_files(connection: Any, settings: Settings, out: Path) -> None:
    """The files of the load; sessions of an earlier run are replaced."""
    choose = random.Random(7)
    page.configure(settings.secret_keys()[0])
    posts = await connection.fetch(
        "SELECT id, created_at FROM posts WHERE visibility = 'PUBLIC' AND status AND deleted_at IS NULL"
        " ORDER BY created_at, id"
    )
    places = choose.sample(posts[BEHIND:], CURSORS)
    users = await connection.fetch("SELECT id FROM users ORDER BY id")
    found = {
        "tokens.txt": await _tokens(connection, settings, choose),
        "cursors.txt": [
            page.encode("posts:recent", row["created_at"], UUID(str(row["id"]))) for row in places
        ],
        "posts.txt": [str(row["id"]) for row in choose.sample(posts, IDS)],
        "users.txt": [str(row["id"]) for row in choose.sample(users, TOKENS)],
    }
    _write(out, found)


def _write(out: Path, found: dict[str, list[str]]) -> None:
    out.mkdir(parents=True, exist_ok=True)
    for name, lines in found.items():
        (out / name).write_text("\n".join(lines) + "\n")


async def _tokens(connection: Any, settings: Settings, choose: random.Random) -> list[str]:
    """Access tokens that the server takes: signed with its key, each with a session."""
    signer = Signer(settings.secret_keys(), main.ISSUER)
    now = datetime.now(UTC)
    expires = now + TOKEN_LIFE
    users = choose.sample(await connection.fetch("SELECT id, email FROM users ORDER BY id"), TOKENS)
    tokens, sessions = [], []
    for user in users:
        session = uuid7()
        claims = {"user_id": str(user["id"]), "email": user["email"], "aal": 1, "sid": str(session)}
        tokens.append(signer.sign(claims, now, expires))
        refresh = hashlib.sha256(secrets.token_bytes(32)).digest()
        sessions.append((session, user["id"], refresh, crypto.digest(tokens[-1]), expires, expires, DEVICE))
    columns = [
        "id",
        "user_id",
        "refresh_token",
        "access_token_hash",
        "access_expires_at",
        "expires_at",
        "user_agent",
    ]
    await connection.execute("DELETE FROM user_sessions WHERE user_agent = $1", DEVICE)
    await connection.copy_records_to_table("user_sessions", records=sessions, columns=columns)
    await connection.execute("VACUUM (ANALYZE) user_sessions")
    return tokens


async def seed(url: str, settings: Settings, out: Path, mixed: bool) -> None:
    """Fill the database unless it is full, then write the files."""
    connection = await asyncpg.connect(url)
    await db.prepare_connection(connection)
    try:
        found = await connection.fetchval("SELECT count(*) FROM posts")
        if found == 0:
            began = time.perf_counter()
            await fill(connection, Town(datetime.now(UTC), mixed))
            print(f"seeded in {time.perf_counter() - began:.1f} s", file=sys.stderr)
        elif found < POSTS:
            sys.exit(
                f"the database holds {found} posts, which are not the benchmark's; give it a folder of its own"
            )
        await write_files(connection, settings, out)
    finally:
        await connection.close()


def resize(scale: float) -> None:
    """Make all counts smaller."""
    globals().update({name: max(20, round(globals()[name] * scale)) for name in COUNTS})


def cli() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--data-dir", required=True, help="the server's data folder, whose secret signs the tokens"
    )
    parser.add_argument("--out", required=True, type=Path, help="where the files go")
    parser.add_argument("--database-url", help="another database than the folder's embedded one")
    parser.add_argument("--mixed", action="store_true", help="all types of posts, not only feed posts")
    parser.add_argument("--scale", type=float, default=1.0, help="a part of the rows (default: all)")
    args = parser.parse_args()
    resize(args.scale)
    settings, _ = configuration.read(data_dir=args.data_dir, database_url=args.database_url)
    with contextlib.ExitStack() as stack:
        url = settings.database_url
        if not url:
            folder = settings.data_path() / "postgres"
            url = stack.enter_context(embedded.connect_or_start(folder, settings=POSTGRES))
        serving.migrate(url)
        asyncio.run(seed(url, settings, args.out, args.mixed))


if __name__ == "__main__":
    cli()
