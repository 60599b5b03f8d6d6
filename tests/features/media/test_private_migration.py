"""Rows from before addresses were private: they are turned, and turned back."""

from pathlib import Path
from typing import Any

import asyncpg

from majlis import main
from majlis.features.media import service as media
from majlis.kit.me import Me
from tests.features.chat.chatting import opened
from tests.features.comments.talking import of, say
from tests.features.media.private import Json, addresses, check_private, fetch, is_open, pictured
from tests.features.posts.writing import POSTS, write
from tests.surfaces.compat.sioree.guests import picture, sign_up
from tests.world import World

COUNTS = "SELECT object, attached, public_refs, private_refs FROM uploads ORDER BY object"


def scripts(*, back: bool) -> list[Path]:
    """The migrations that made addresses private, in the order in which they are done, or undone."""
    names = ("20261122T020?_*media.sql", "20261122T0630_closed_media.sql")
    found = [path for folder in main.migration_folders() for name in names for path in folder.glob(name)]
    found.sort(key=lambda path: path.name, reverse=back)
    assert len(found) == 8
    return [path.with_suffix(".rollback.sql") for path in found] if back else found


def perform(world: World, paths: list[Path]) -> None:
    async def run() -> None:
        connection = await asyncpg.connect(world.url)
        try:
            for path in paths:
                async with connection.transaction():
                    await connection.execute(path.read_text() + ";SELECT 1")
        finally:
            await connection.close()

    world.go(run())


def texts(world: World) -> str:
    """All that rows say of pictures."""
    rows = world.sql(
        """SELECT attachments::text AS said FROM posts UNION ALL SELECT attachments::text FROM post_comments
        UNION ALL SELECT files::text FROM messages UNION ALL SELECT body::text FROM drafts
        UNION ALL SELECT text FROM messages"""
    )
    return "\n".join(row["said"] for row in rows)


def log(world: World) -> str:
    (row,) = world.sql("SELECT string_agg(payload::text, ' ') AS said FROM conversation_events")
    return str(row["said"])


def test_rows_from_before_are_turned_and_turned_back(clone: World) -> None:
    amina, bahar, karim = clone.person(), clone.person(), clone.person()
    shown, hidden, below, drafted, sent, closed = (pictured(clone, amina) for _ in range(6))
    open_post = write(clone, amina, attachments=[shown[1]])
    for_me = write(clone, amina, visibility="PRIVATE", attachments=[hidden[1], shown[1]])
    comment = say(clone, amina, write(clone, amina, visibility="FRIENDS"), attachments=[below[1]])
    draft = clone.post("/api/v1/drafts", amina, {"attachments": [drafted[1]]}).json()
    conversation = f"/api/v1/conversations/{opened(clone, amina, bahar)['id']}/messages"
    assert clone.post(conversation, amina, {"file_ids": [sent[1]["url"]]}).status_code == 201
    theirs = pictured(clone, karim)
    of_private = write(clone, karim, attachments=[theirs[1]])
    clone.put("/api/v1/settings/privacy", karim, {"is_private": True})
    clone.drain()
    host, guest = sign_up(clone, "Host"), sign_up(clone, "Guest")
    said = picture(host)["url"]
    body = {"receiverId": str(guest.id), "text": said, "messageType": "image"}
    talk = f"/api/messages/{host.post('/api/messages', body)['conversationId']}"
    kept = picture(host)["url"]
    counts = clone.sql(COUNTS)
    private = [hidden[0], below[0], drafted[0], sent[0], theirs[0], media.object_of(said) or ""]

    perform(clone, scripts(back=True))
    assert "private-media" not in texts(clone)
    for path in private:
        assert path in texts(clone)

    perform(clone, scripts(back=False))
    clone.go(media.open_addresses(clone.app, Me.system))
    assert clone.sql(COUNTS) == counts
    for path in private:
        assert not is_open(clone, path)
    assert is_open(clone, shown[0]) and is_open(clone, closed[0])
    assert is_open(clone, media.object_of(kept) or "")
    where: list[tuple[Any, str]] = [
        (clone.get(f"{POSTS}/{for_me['id']}", amina).json(), hidden[0]),
        (clone.get(of(comment), amina).json(), below[0]),
        (clone.get(f"/api/v1/drafts/{draft['id']}", amina).json(), drafted[0]),
        (clone.get(conversation, bahar).json(), sent[0]),
        (clone.get(f"{POSTS}/{of_private['id']}", karim).json(), theirs[0]),
        ([one["text"] for one in guest.get(talk)["messages"]], private[-1]),
    ]
    for answer, path in where:
        check_private(clone, answer, path)
    both: Json = clone.get(f"{POSTS}/{for_me['id']}", amina).json()
    (url,) = addresses(both, shown[0])
    assert "/media/p/" in url and fetch(clone, url).status_code == 200
    assert addresses(clone.get(f"{POSTS}/{open_post['id']}").json(), shown[0]) == [shown[1]["url"]]


def test_the_log_is_turned_with_its_messages(clone: World) -> None:
    host, guest = sign_up(clone, "Host"), sign_up(clone, "Guest")
    url = picture(host)["url"]
    host.post("/api/messages", {"receiverId": str(guest.id), "text": url, "messageType": "image"})
    before = log(clone)
    assert before.count("private-media^") == 3, "the text, the picture, its thumbnail"
    # As such entries were written before.
    clone.sql(
        "UPDATE conversation_events SET payload = replace(payload::text, $1, $2)::jsonb RETURNING 1",
        before[before.index("private-media^") :][:47],
        url.removesuffix(media.object_of(url) or ""),
    )
    old = log(clone)
    assert f'"text": "{url}"' in old
    (script,) = [one for one in scripts(back=False) if "conversations" in one.parts]

    async def run() -> None:
        connection = await asyncpg.connect(clone.url)
        await connection.execute(script.read_text())
        await connection.close()

    clone.go(run())
    assert log(clone).count("private-media^") == 3 and url not in log(clone)
