"""Files of paid posts, and uploads, that are refused or fail half way: nothing stays for ever."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from majlis.features.paywall import service as paywall
from majlis.features.paywall.model import PaidCreate
from majlis.kit import clock
from majlis.kit.db import Hold
from majlis.kit.errors import Unavailable
from majlis.kit.me import Me
from majlis.vendors.files import ObjectStore, local
from tests.features.media.uploads import folder, is_empty, jpeg
from tests.features.paywall.selling import TEXT, author, upload
from tests.surfaces.compat.x18.people import ask, refused
from tests.surfaces.compat.x18.posting import Writer, post, writer
from tests.world import World

KEYS = pytest.mark.parametrize("key", [{}, {"Idempotency-Key": "once"}], ids=["bare", "keyed"])


def moved(world: World) -> list[str]:
    """The files that lie behind paywalls, or were on their way."""

    async def listed() -> list[str]:
        return [name async for name in world.app.files.list("paid")]

    return world.go(listed())


def failing(world: World, table: str, when: str, code: str, condition: str = "") -> None:
    """From now on PostgreSQL ends what does this to a table, with this error."""
    world.sql(
        f"""CREATE FUNCTION failing_{table}() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN RAISE EXCEPTION 'not now' USING ERRCODE = '{code}'; END $$"""
    )
    world.sql(
        f"CREATE TRIGGER failing BEFORE {when} ON {table} FOR EACH ROW {condition} EXECUTE FUNCTION failing_{table}()"
    )


@KEYS
def test_what_is_refused_moves_no_file(world: World, key: dict[str, str]) -> None:
    amina = author(world)
    body = {"content": TEXT, "price": "4.99", "media_ids": [upload(world, amina)]}
    answer = ask(
        world, "POST", "/api/posts", amina, json={**body, "metadata": {"a": "x" * 17000}}, headers=key
    )
    assert (answer.status_code, list(answer.json()["fields"])) == (400, ["metadata"]), answer.text
    assert moved(world) == []


@KEYS
def test_what_was_moved_for_nothing_is_swept(world: World, key: dict[str, str]) -> None:
    amina = author(world)
    used = upload(world, amina)
    post(world, amina, media_ids=[used])
    body = {"content": TEXT, "price": "4.99", "media_ids": [used]}
    answer = ask(world, "POST", "/api/posts", amina, json=body, headers=key)
    refused(answer, 409, "media_in_use")
    assert len(moved(world)) == 1
    with clock.shifted(timedelta(days=2)):
        world.go(paywall.sweep(world.app, Me.system))
    assert moved(world) == [] and world.sql("SELECT 1 FROM paid_media") == []


def test_files_are_not_moved_inside_a_transaction(world: World) -> None:
    amina = author(world)
    item = UUID(upload(world, amina))

    async def held() -> None:
        async with Hold(world.app.db):
            await paywall.publish(world.app, amina.person.me, PaidCreate(text=TEXT), [item])

    with pytest.raises(RuntimeError, match="idempotent=False"):
        world.go(held())
    assert moved(world) == []


@KEYS
def test_an_upload_that_gives_way_to_others_may_be_tried_again(clone: World, key: dict[str, str]) -> None:
    amina = writer(clone)
    failing(clone, "library_items", "INSERT", "40P01")
    files = {"file": ("a.jpg", jpeg())}
    answer = ask(clone, "POST", "/api/media/upload", amina, files=files, headers=key)
    assert (answer.status_code, answer.headers.get("Retry-After")) == (503, "1"), answer.text
    assert is_empty(clone)


class Shut(ObjectStore):
    """A folder that gives nothing back."""

    async def get(self, key: str) -> Any:
        raise Unavailable("The store of files does not answer.")


def test_what_fails_first_is_the_answer(clone: World) -> None:
    amina: Writer = author(clone)
    photo = clone.post("/api/v1/upload", amina.person, files={"file": ("a.jpg", jpeg())}).json()["photo"]
    failing(clone, "uploads", "UPDATE", "P0001", "WHEN (NEW.attached < OLD.attached)")
    whole = local(folder(clone))
    clone.app.files = Shut(whole._store, whole._folder)
    body = {"text": TEXT, "price": 499, "attachments": [photo]}
    assert clone.post("/api/v1/paid-posts", amina.person, body).status_code == 503
