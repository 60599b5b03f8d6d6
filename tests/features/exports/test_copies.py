"""Copies of a person's data: all of it, none of anybody else's, for a while."""

import asyncio
import io
import json
import re
import tracemalloc
import zipfile
from collections import Counter
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from majlis import extensions, main
from majlis.features.exports import service, store
from majlis.kit import clock
from majlis.kit.errors import Unavailable
from majlis.kit.me import Me
from tests.features.drafts.drafting import moment
from tests.features.exports.living import (
    EXPORT,
    SECRETS,
    copy,
    leave,
    link,
    lives,
    nights,
    ok,
    photo,
    rows,
)
from tests.features.media.uploads import folder, names
from tests.features.orders.selling import FREE, order, show
from tests.waiting import until_waiting
from tests.world import Person, World

# Tables with rows of people that are in no copy, and why.
LEFT_OUT = {
    "account_deletion_reasons": "there is none while the account stands",
    "bank_items": "secrets; the accounts themselves are in it",
    "business_views": "who looked at what is for counting alone, and gone the day after",
    "channel_mentions": "what others wrote",
    "channels": "they are the workspaces'",
    "check_ins": "whom a host let in; that a ticket was used, tickets say",
    "connection_attempts": "secrets",
    "conversation_reads": "positions in conversations",
    "discount_uses": "orders say it",
    "dm_pairs": "the conversations themselves are in it",
    "email_verifications": "secrets",
    "event_reminders": "what was sent, which the notifications tell of",
    "event_series": "the events themselves are in it",
    "exports": "this",
    "filter_rules": "the moderators' rules",
    "idempotency_keys": "answers kept for a day",
    "letter_reads": "positions in conversations",
    "message_pins": "which messages a conversation shows on top",
    "mfa_backup_codes": "secrets",
    "mfa_challenges": "secrets",
    "mfa_factors": "secrets; that there is a second factor is said",
    "moderation_cases": "the moderators' notes; what they decide is told",
    "notification_digests": "how far mails went",
    "notification_unsubscribes": "secrets",
    "oauth_grants": "secrets",
    "passkey_ceremonies": "secrets",
    "password_history": "secrets",
    "password_reset_tokens": "secrets",
    "room_members": "who is where now, for five minutes",
    "socket_presence": "whether somebody is connected now",
    "socket_tickets": "secrets",
    "ticket_transfers": "who has a ticket now, tickets say; with whom it was, is theirs",
    "user_events": "hints to devices of what stands elsewhere",
    "user_streams": "positions in these",
    "workspace_bots": "they are nobody's",
    "workspace_emoji": "they are the workspaces'",
    "workspace_exports": "they are the workspaces'",
    "workspace_invite_uses": "the workspaces themselves are in it",
    "workspace_invites": "addresses of others",
}

# What `lives` does not do.
UNUSED = {
    "follow_requests", "message_drafts", "scheduled_messages", "message_reactions", "privacy_settings", "workspaces",
    "channel_settings", "threads", "availability", "webhooks", "files", "bank_accounts", "connections", "media", "reposts",
    "articles", "tasks", "notification_preferences", "documents", "nightlife", "nights",
}  # fmt: skip


def goes_out(world: World, who: Person, host: Person) -> None:
    """Somebody has a ticket and waits for another one, which is sold out."""
    event, kind = show(world, host, None, FREE | {"name": "the-gate", "capacity": 1})
    order(world, who, event, kind)
    ok(world.post(f"/api/v1/events/{event['id']}/waitlist", who, {"type_id": kind}))
    ok(world.put(f"/api/v1/events/{event['id']}/stewards/{who.id}", host))


def paid(world: World, payer: Person, payee: Person) -> None:
    """One pays another, once and every month."""
    world.sql(
        """INSERT INTO payments
             (id, payer_id, payee_id, purpose, reference, amount, currency, fee, status, created_at, updated_at)
           VALUES (gen_random_uuid(), $1, $2, 'post', 'one', 500, 'AFN', 50, 'succeeded', now(), now()) RETURNING 1""",
        payer.id,
        payee.id,
    )
    world.sql(
        """WITH price AS (
             INSERT INTO subscription_prices (id, payee_id, purpose, amount, currency, created_at)
             VALUES (gen_random_uuid(), $2, 'author', 900, 'AFN', now()) RETURNING id)
           INSERT INTO subscriptions
             (id, subscriber_id, payee_id, purpose, price_id, fee_percent, status, created_at, updated_at)
           SELECT gen_random_uuid(), $1, $2, 'author', id, 10, 'active', now(), now() FROM price RETURNING 1""",
        payer.id,
        payee.id,
    )


def sells(world: World, author: Person, buyer: Person) -> None:
    """Somebody publishes a paid post, and once bought one."""
    assert world.put("/api/v1/creators/me/settings", author, {"enabled": True}).is_success
    ok(world.post("/api/v1/paid-posts", author, {"text": "aminas-paid-words", "price": 100}))
    world.sql(
        """INSERT INTO purchases
             (id, post_id, user_id, author_id, amount, currency, status, payment_id, created_at, updated_at)
           VALUES (gen_random_uuid(), gen_random_uuid(), $1, $2, 500, 'AFN', 'bought', gen_random_uuid(), now(), now())
           RETURNING 1""",
        author.id,
        buyer.id,
    )


def test_everything_is_in_it(world: World) -> None:
    with_all = lives(world)
    amina, bilal = with_all.amina, with_all.bilal
    paid(world, amina, bilal)
    goes_out(world, amina, bilal)
    sells(world, amina, bilal)
    files = copy(world, amina)
    assert {f"{kind}.json" for kind in store.ROWS} | {"about.json"} <= files.keys()
    brought = {kind for feature in main.all_features() for kind in extensions.copied(feature)}
    empty = {kind for kind in store.ROWS if not rows(files, kind)} - brought
    assert empty <= UNUSED
    (account,) = rows(files, "account")
    assert (account["id"], account["email"], account["phone"]) == (str(amina.id), amina.email, "+93700000002")
    (profile,) = rows(files, "profile")
    assert profile["about"] == "aminas-about"
    posts = {post["description"] or post["title"]: post for post in rows(files, "posts")}
    assert posts.keys() >= {
        "aminas-second-words",
        "aminas-carpet",
        "aminas-event",
        "aminas-poll",
        "aminas-share",
    }
    assert posts["aminas-second-words"]["edits"][0]["before"] == {"description": "aminas-post"}
    assert posts["aminas-event"]["address_location"] == {"lat": 34.5, "lng": 69.2}
    assert [option["option"] for option in posts["aminas-poll"]["poll"]] == ["Friday", "Saturday"]
    assert [one["text"] for one in rows(files, "comments")] == ["aminas-comment"]
    assert [one["body"] for one in rows(files, "paid_posts")] == ["aminas-paid-words"]
    (ticket,) = rows(files, "tickets")
    assert (ticket["type_name"], ticket["status"], len(ticket["code"])) == ("the-gate", "paid", 12)
    assert [one["text"] for one in rows(files, "messages")] == ["aminas-message"]
    assert [one["body"]["description"] for one in rows(files, "drafts")] == ["aminas-draft"]
    assert [one["name"] for one in rows(files, "businesses")] == ["aminas-bakery"]
    assert [one["comments"] for one in rows(files, "reports")] == ["aminas-report"]
    assert {one["user_id"] for one in rows(files, "followers")} == {str(bilal.id)}
    assert {one["post_id"] for one in rows(files, "likes")} == {with_all.his_post["id"]}
    assert len(rows(files, "blocks")) == len(rows(files, "sessions")) == len(rows(files, "devices")) == 1
    about = json.loads(files["about.json"])
    assert about["user_id"] == str(amina.id)


def test_nothing_of_others_and_no_secret_is_in_it(world: World) -> None:
    with_all = lives(world)
    files = copy(world, with_all.amina)
    whole = b"\n".join(body for name, body in files.items() if name.endswith(".json")).decode()
    assert "aminas-message" in whole  # what is looked for would be found
    (hers,) = world.sql("SELECT password_hash FROM users WHERE id = $1", with_all.amina.id)
    secrets = [hers["password_hash"], with_all.amina.refresh_token, with_all.bilal.email, "+93700000001"]
    secrets += [*SECRETS, with_all.amina.email.split("@")[0] + "-push-token", "password", "token"]
    assert [secret for secret in secrets if secret in whole] == []
    # Pictures are those that she uploaded.
    own = {
        row["object"] for row in world.sql("SELECT object FROM uploads WHERE user_id = $1", with_all.amina.id)
    }
    found = {name.removeprefix("pictures/") for name in files if name.startswith("pictures/")}
    assert found == own and own


def test_the_title_of_a_document_is_left_out_across_a_block(world: World) -> None:
    """What the other one calls it is not to be known any more; what one wrote there oneself stays in."""
    amina, bilal = world.person(), world.person()
    shared = {"title": "Guests", "collaborators": [str(amina.id)]}
    ok(world.post("/api/v1/documents", bilal, shared))
    ok(world.post(f"/api/v1/users/{amina.id}/block", bilal))
    (found,) = rows(copy(world, amina), "documents")
    assert (found["title"], found["owner_id"]) == (None, str(bilal.id))
    (his,) = rows(copy(world, bilal), "documents")
    assert his["title"] == "Guests"


def test_pictures_are_in_it_as_they_are(world: World) -> None:
    amina, bilal = world.person(), world.person()
    for _ in range(3):
        photo(world, amina)
    photo(world, bilal)
    files = copy(world, amina)
    pictures = {name.removeprefix("pictures/"): body for name, body in files.items() if "pictures/" in name}
    assert len(pictures) == 3
    for name, body in pictures.items():
        assert body == (folder(world) / name).read_bytes()


def test_a_picture_that_went_meanwhile_is_left_out(world: World) -> None:
    amina = world.person()
    photo(world, amina)
    (name,) = [row["object"] for row in world.sql("SELECT object FROM uploads")]
    (folder(world) / name).unlink()
    assert [name for name in copy(world, amina) if name.startswith("pictures/")] == []


def test_what_its_owner_deleted_is_left_out_and_what_moderators_hid_is_not(world: World) -> None:
    with_all = lives(world)
    ok(world.delete(f"/api/v1/posts/{with_all.post['id']}", with_all.amina))
    world.sql(
        """UPDATE posts SET deleted_at = now(), hidden_as = 'HIDDEN', hidden_reason = 'rude'
        WHERE title = 'aminas-carpet' RETURNING 1"""
    )
    posts = {
        post["title"] or post["description"]: post for post in rows(copy(world, with_all.amina), "posts")
    }
    assert "aminas-second-words" not in posts
    assert posts["aminas-carpet"]["hidden_reason"] == "rude"


def test_every_table_about_people_is_in_a_copy_or_left_out_for_a_reason(world: World) -> None:
    tables = {
        row["name"]
        for row in world.sql(
            """SELECT DISTINCT conrelid::regclass::text AS name FROM pg_constraint
            WHERE contype = 'f' AND confrelid IN ('users'::regclass, 'profiles'::regclass)"""
        )
    }
    queries = " ".join(store.ROWS.values())
    taken = {name for name in tables if re.search(rf"\b(FROM|JOIN) {name}\b", queries)} | {"uploads"}
    missing = sorted(tables - taken - LEFT_OUT.keys())
    assert not missing, "into store.ROWS, or into LEFT_OUT with the reason: " + ", ".join(missing)
    assert sorted(taken & LEFT_OUT.keys()) == []


# ---- asking


def test_how_a_copy_comes_about(world: World) -> None:
    amina = world.person()
    assert world.get(EXPORT, amina).status_code == 404
    asked = world.post(EXPORT, amina)
    assert asked.status_code == 202 and asked.json()["state"] == "queued"
    assert world.get(EXPORT, amina).json() == asked.json()
    assert asked.json()["url"] is None
    again = world.post(EXPORT, amina)
    assert (again.status_code, again.json()["error"]["code"]) == (409, "export_under_way")
    world.drain()
    ready = world.get(EXPORT, amina).json()
    assert (ready["state"], ready["id"]) == ("ready", asked.json()["id"])
    assert ready["size"] > 0 and ready["url"] is not None


def test_one_a_day(world: World) -> None:
    amina = world.person()
    copy(world, amina)
    soon = world.post(EXPORT, amina)
    assert (soon.status_code, soon.json()["error"]["code"]) == (429, "export_too_soon")
    assert 86_000 < int(soon.headers["Retry-After"]) <= 86_401
    world.sql("UPDATE exports SET created_at = created_at - interval '1 day' RETURNING 1")
    assert world.post(EXPORT, amina).status_code == 202


def ask_at_once(world: World) -> Counter[int]:
    amina = world.person()

    async def run() -> Counter[int]:
        async with world.app.db.tx() as tx:  # nobody writes before all have looked
            await tx.run("LOCK TABLE exports IN SHARE MODE")
            asked = [asyncio.ensure_future(world.http.post(EXPORT, headers=amina.auth)) for _ in range(8)]
            await until_waiting(world, 8, *asked)
        return Counter(answer.status_code for answer in await asyncio.gather(*asked))

    return world.go(run())


def test_asking_at_once_makes_one(clone: World) -> None:
    assert ask_at_once(clone) == {202: 1, 409: 7}


def test_control_without_the_index_there_are_several(clone: World) -> None:
    clone.sql("DROP INDEX exports_under_way")
    assert ask_at_once(clone) == {202: 8}


def test_the_second_factor_of_those_who_have_one_is_needed(world: World) -> None:
    amina = world.person()
    world.sql("UPDATE users SET mfa_enabled = true WHERE id = $1 RETURNING 1", amina.id)
    world.app.gate.seen.clear()
    for answer in (world.post(EXPORT, amina), world.get(EXPORT, amina)):
        assert (answer.status_code, answer.json()["error"]["code"]) == (403, "aal2_required")


# ---- the link


def test_the_link_needs_no_token_and_is_good_for_an_hour(world: World) -> None:
    amina = world.person()
    copy(world, amina)
    path = link(world, amina)
    got = world.get(path)
    assert got.headers["content-type"] == "application/zip"
    assert got.headers["cache-control"] == "private, no-store"
    assert "attachment" in got.headers["content-disposition"]
    assert int(got.headers["content-length"]) == len(got.content) == ok(world.get(EXPORT, amina))["size"]
    head = world.request("HEAD", path)
    assert (head.status_code, head.content) == (200, b"")
    with clock.shifted(timedelta(minutes=59)):
        assert world.get(path).status_code == 200
    with clock.shifted(timedelta(minutes=61)):
        assert world.get(path).status_code == 404


def test_links_cannot_be_made_up(world: World) -> None:
    amina, bilal = world.person(), world.person()
    for who in (amina, bilal):
        copy(world, who)
    path = link(world, amina)
    bare, _, query = path.partition("?")
    expires, signature = (part.partition("=")[2] for part in query.split("&"))
    other = link(world, bilal).partition("?")[0]
    another = ("B" if signature[0] == "A" else "A") + signature[1:]
    for wrong in (
        f"{other}?{query}",
        f"{bare}?expires={int(expires) + 1}&signature={signature}",
        f"{bare}?expires={expires}&signature={another}",
        f"{bare}?expires={expires}&signature=%D9%87",
        f"{EXPORT}/{amina.id}?{query}",
    ):
        assert world.get(wrong).status_code == 404, wrong
        assert world.get(wrong, amina).status_code == 404, wrong
    assert world.get(bare).status_code == 422
    assert world.get(f"{bare}?expires=soon&signature=a").status_code == 422
    assert world.get(path).status_code == 200


def test_the_file_has_a_name_that_nobody_guesses_and_is_no_public_picture(world: World) -> None:
    amina = world.person()
    copy(world, amina)
    (name,) = [name for name in names(world) if name.startswith("exports/")]
    assert len(name.rpartition("/")[2]) > 40
    assert world.get(f"/media/{name}").status_code == 404


def test_it_is_deleted_after_a_week(world: World) -> None:
    amina = world.person()
    copy(world, amina)
    nights(world, 6.9)
    assert [name for name in names(world) if name.startswith("exports/")] != []
    nights(world, 7.1)
    assert [name for name in names(world) if name.startswith("exports/")] == []
    assert [row["state"] for row in world.sql("SELECT state FROM exports")] == ["expired"]
    found = world.get(EXPORT, amina).json()
    assert (found["state"], found["url"]) == ("expired", None)


def test_no_link_outlives_the_file(world: World) -> None:
    amina = world.person()
    copy(world, amina)
    world.sql("UPDATE exports SET expires_at = now() + interval '10 minutes' RETURNING 1")
    path = link(world, amina)
    found = ok(world.get(EXPORT, amina))
    assert moment(found["url_expires_at"]) <= moment(found["expires_at"])
    with clock.shifted(timedelta(minutes=11)):
        assert world.get(path).status_code == 404


def test_a_newer_copy_takes_the_place_of_the_older(world: World) -> None:
    amina = world.person()
    copy(world, amina)
    world.sql("UPDATE exports SET created_at = created_at - interval '1 day' RETURNING 1")
    old = link(world, amina)
    copy(world, amina)
    assert world.get(old).status_code == 404
    nights(world, 0.01)
    assert len([name for name in names(world) if name.startswith("exports/")]) == 1
    assert world.get(link(world, amina)).status_code == 200


# ---- making


def told(world: World, who: Person) -> list[str]:
    answer = world.get("/api/v1/notifications", who, params={"type": "SYSTEM"})
    return [note["title"] for note in answer.json()["data"]]


def test_its_owner_is_told_once_in_the_app_and_by_mail(world: World) -> None:
    amina = world.person()
    copy(world, amina)
    (row,) = world.sql("SELECT id FROM exports")
    world.go(service.make(world.app, Me.system, row["id"]))
    world.drain()
    assert told(world, amina) == ["Your data is ready"]
    letters = [letter for letter in world.mails() if letter.subject == "Your data is ready"]
    assert [letter.to for letter in letters] == [amina.email]
    assert "signature" not in letters[0].text and "7 days" in letters[0].text


def test_nobody_is_mailed_about_an_account_that_is_gone(world: World) -> None:
    amina = world.person()
    assert world.post(EXPORT, amina).status_code == 202
    ok(world.request("DELETE", "/api/v1/users/me/account", amina, json={"reason": "bye"}))
    world.drain()
    assert [letter for letter in world.mails() if letter.subject == "Your data is ready"] == []


class Broken:
    """A store of files that takes nothing."""

    def __init__(self, real: Any) -> None:
        self._real = real

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    async def put_file(self, key: str, source: object, *, content_type: str) -> None:
        raise Unavailable()


def test_what_fails_is_tried_again_and_given_up_after_a_day(world: World) -> None:
    amina = world.person()
    asked = world.post(EXPORT, amina).json()
    real = world.app.files
    world.app.files = Broken(real)  # type: ignore[assignment]
    with pytest.raises(Unavailable):
        world.go(service.make(world.app, Me.system, UUID(asked["id"])))
    assert world.get(EXPORT, amina).json()["state"] == "queued"
    world.app.files = real
    world.go(service.make(world.app, Me.system, UUID(asked["id"])))
    assert world.get(EXPORT, amina).json()["state"] == "ready"


def test_one_that_was_never_made_is_given_up_and_may_be_asked_for_again(world: World) -> None:
    amina = world.person()
    assert world.post(EXPORT, amina).status_code == 202
    world.sql("DELETE FROM pgqueuer RETURNING 1")
    nights(world, 0.9)
    assert world.get(EXPORT, amina).json()["state"] == "queued"
    nights(world, 1.1)
    assert world.get(EXPORT, amina).json()["state"] == "failed"
    assert told(world, amina) == ["Your data could not be put together"]
    assert world.post(EXPORT, amina).status_code == 202


def test_much_of_something_is_whole_and_never_in_memory_at_once(world: World) -> None:
    amina = world.person()
    world.sql(
        """INSERT INTO notifications (id, user_id, type, title, message, created_at)
        SELECT gen_random_uuid(), $1, 'SYSTEM', n::text, repeat(md5(n::text), 32), now()
        FROM generate_series(1, 20001) n RETURNING 1""",
        amina.id,
    )
    assert world.post(EXPORT, amina).status_code == 202
    tracemalloc.start()
    try:
        world.drain()
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 10_000_000, "20 MB of rows must pass piece by piece"
    with clock.shifted(timedelta(seconds=1)):
        answer = world.get(link(world, amina))
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        found = json.loads(archive.read("notifications.json"))
    assert sorted(int(note["title"]) for note in found if note["title"].isdigit()) == list(range(1, 20002))


def test_the_copy_of_somebody_who_leaves_goes_with_them(world: World) -> None:
    amina = world.person()
    copy(world, amina)
    path = link(world, amina)
    leave(world, amina)
    assert world.get(path).status_code == 200  # whoever leaves may still fetch what they asked for
    nights(world, 31)
    assert world.get(path).status_code == 404
    assert names(world) == []
