"""Deleted accounts are erased for good after a while, and nothing of anybody else's is."""

from typing import Any
from uuid import UUID

import pytest

from majlis.features.exports import service
from majlis.kit.errors import Forbidden
from majlis.kit.me import Me
from tests.features.exports.living import Lives, copy, leave, lives, nights, ok
from tests.features.identity.accounts import login
from tests.features.media.uploads import jpeg, names, objects
from tests.features.posts.writing import POSTS
from tests.world import PASSWORD, Person, World

COLUMNS = """SELECT c.table_name, c.column_name FROM information_schema.columns c
JOIN information_schema.tables t USING (table_schema, table_name)
WHERE c.table_schema = 'public' AND c.data_type = 'uuid' AND t.table_type = 'BASE TABLE'"""


def mentions(world: World, user_id: UUID) -> set[str]:
    """Every column of ids in which somebody still stands."""
    return {
        f"{row['table_name']}.{row['column_name']}"
        for row in world.sql(COLUMNS)
        if world.sql(f"SELECT 1 FROM {row['table_name']} WHERE {row['column_name']} = $1 LIMIT 1", user_id)
    }


@pytest.fixture
def known(world: World) -> Lives:
    return lives(world)


@pytest.mark.rule("hamsaya:25")
def test_nothing_is_left_that_refers_to_an_erased_account(world: World, known: Lives) -> None:
    amina, bilal = known.amina, known.bilal
    copy(world, amina)
    before = mentions(world, bilal.id)
    assert len(mentions(world, amina.id)) > 25
    leave(world, amina)
    nights(world, 29)
    assert mentions(world, amina.id) >= {"users.id", "profiles.id", "posts.user_id", "messages.sender_id"}
    nights(world, 31)
    # What moderators and operators did is kept as it was; it names nobody.
    assert mentions(world, amina.id) <= {"audit_entries.person_id", "audit_entries.actor_id"}
    assert {"users.id", "posts.user_id", "user_sessions.user_id"} <= mentions(world, bilal.id) <= before
    (reason,) = world.sql("SELECT profile_id, reason FROM account_deletion_reasons")
    assert (reason["profile_id"], reason["reason"]) == (None, "moving")
    kept = [row["text"] for row in world.sql("SELECT text FROM messages")]
    assert kept == ["bilals-message"]
    said = world.sql("SELECT payload::text AS said FROM conversation_events")
    assert not [row for row in said if "aminas-message" in str(row["said"])]


def test_files_go_with_it_and_others_keep_theirs(world: World, known: Lives) -> None:
    amina, bilal = known.amina, known.bilal
    copy(world, amina)
    kept = world.post("/api/v1/upload", bilal, files={"file": ("a.jpg", jpeg())}).json()
    ok(world.put(f"{POSTS}/{known.his_post['id']}", bilal, {"add_attachments": [kept["photo"]]}))
    leave(world, amina)
    assert [name for name in names(world) if name.startswith("exports/")] != []
    nights(world, 31)
    # Pictures that he put below what she wrote fall with it: nothing shows them any more.
    assert objects(world) == [kept["path"]]
    assert {name.rpartition("_thumb")[0] or name.removesuffix(".webp") for name in names(world)} == {
        kept["path"].removesuffix(".webp")
    }
    assert ok(world.get(f"{POSTS}/{known.his_post['id']}", bilal))["attachments"] != []


@pytest.mark.rule("hamsaya:25")
def test_counters_of_others_stay_true(world: World, known: Lives) -> None:
    leave(world, known.amina)
    nights(world, 31)
    post = ok(world.get(f"{POSTS}/{known.his_post['id']}", known.bilal))
    assert (post["total_likes"], post["total_comments"]) == (0, 0)
    profile = ok(world.get("/api/v1/users/me", known.bilal))
    assert (profile["followers_count"], profile["following_count"]) == (0, 0)
    assert (
        world.sql(
            """SELECT p.id FROM posts p WHERE p.total_likes <> (SELECT count(*) FROM post_likes l WHERE l.post_id = p.id)
        OR p.total_comments <> (SELECT count(*) FROM post_comments c WHERE c.post_id = p.id AND c.deleted_at IS NULL)"""
        )
        == []
    )
    (votes,) = world.sql("SELECT sum(vote_count)::int AS votes FROM poll_options")
    assert votes["votes"] == 0


def test_signing_in_does_not_bring_an_account_back_and_the_address_is_free(world: World) -> None:
    amina = world.person()
    leave(world, amina)
    assert login(world, amina.email).status_code == 401
    body = {"email": amina.email, "password": PASSWORD}
    assert world.post("/api/v1/auth/register", None, body).status_code == 201
    world.drain()
    nights(world, 31)
    assert [row["email"] for row in world.sql("SELECT email FROM users")] == [amina.email]
    assert login(world, amina.email).status_code == 200


def everybody(world: World) -> list[dict[str, Any]]:
    return world.sql("SELECT id FROM users ORDER BY id")


def erase(world: World, who: Person) -> None:
    world.go(service.erase(world.app, Me.system, who.id))


def test_nobody_else_is_erased_even_by_a_job_that_says_so(world: World) -> None:
    amina, bilal, suspended = world.person(), world.person(), world.person()
    world.sql(
        "UPDATE users SET suspended_at = now() - interval '1 year' WHERE id = $1 RETURNING 1", suspended.id
    )
    leave(world, bilal)
    before = everybody(world)
    for who in (amina, bilal, suspended):
        erase(world, who)
    nights(world, 29)
    assert everybody(world) == before
    nights(world, 31)
    assert {row["id"] for row in everybody(world)} == {amina.id, suspended.id}


@pytest.mark.settings(erasure_days=0)
def test_accounts_can_be_kept_for_good(world: World) -> None:
    amina = world.person()
    leave(world, amina)
    nights(world, 4000)
    erase(world, amina)
    assert len(everybody(world)) == 1


@pytest.mark.settings(erasure_days=3)
def test_the_grace_period_is_a_setting(world: World) -> None:
    amina = world.person()
    leave(world, amina)
    nights(world, 2.9)
    assert len(everybody(world)) == 1
    nights(world, 3.1)
    assert everybody(world) == []


def test_only_the_server_erases(world: World) -> None:
    amina, bilal = world.person(), world.person()
    leave(world, amina)
    with pytest.raises(Forbidden):
        world.go(service.erase(world.app, bilal.me, amina.id))


def test_erasing_again_changes_nothing(clone: World) -> None:
    amina = clone.person()
    leave(clone, amina)
    nights(clone, 31)
    nights(clone, 31)
    assert everybody(clone) == []


def test_many_are_erased_each_by_a_job_of_its_own(world: World) -> None:
    for _ in range(4):
        leave(world, world.person())
    stays = world.person()
    nights(world, 31)
    assert [row["id"] for row in everybody(world)] == [stays.id]
