"""What of a paid post one reads, and how one comes to read the rest."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from majlis.features.paywall import service
from majlis.features.paywall.model import CUT, teaser_of
from majlis.kit import clock
from majlis.kit.me import Me
from majlis.vendors.stripe_fake import Fake
from tests.features.media.uploads import jpeg
from tests.features.payments.paying import balanced, books, hear
from tests.features.paywall.selling import (
    LOCKED,
    NAME,
    OPEN,
    SOUGHT,
    TEXT,
    author,
    begun,
    bought,
    pay,
    reads,
    shown,
    sold,
    subscribed,
    upload,
)
from tests.features.queries import counted
from tests.surfaces.compat.x18.people import ask, refused
from tests.surfaces.compat.x18.posting import Writer, block, post, writer
from tests.world import World


@pytest.mark.parametrize(
    "text, teaser",
    [
        ("", CUT),
        ("secret", CUT),
        ("two words", f"two {CUT}"),
        ("one line of words that goes on for quite a while here", f"one line of words that {CUT}"),
        ("a\nb\nc\nd\n" + "long " * 20, f"a\nb\nc {CUT}"),
        ("x" * 1000, CUT),
    ],
)
def test_a_teaser_is_the_first_lines_at_most_half_and_no_parts_of_words(text: str, teaser: str) -> None:
    assert teaser_of(text) == teaser


def test_no_teaser_is_longer_than_its_bounds() -> None:
    assert len(teaser_of("word " * 1000)) <= 282


@pytest.mark.rule("x18:R26", "x18:R45")
def test_who_buys_a_post_reads_it_and_nobody_else_does(town: World, stripe: Fake) -> None:
    amina, karim, zahra = author(town), writer(town), writer(town)
    made = sold(town, amina)
    assert (made["content"], made["price"], made["currency"], made["is_locked"]) == (
        TEXT,
        "4.99",
        "USD",
        False,
    )
    before = shown(town, karim, made["id"])
    assert before["is_locked"] is True and before["content"].startswith(OPEN)
    assert not reads(town, karim, made["id"]) and not reads(town, None, made["id"])
    bought(town, stripe, karim, made["id"])
    after = shown(town, karim, made["id"])
    assert (after["content"], after["is_locked"], after["price"]) == (TEXT, False, "4.99")
    assert reads(town, karim, made["id"]) and reads(town, amina, made["id"])
    assert not reads(town, zahra, made["id"]) and not reads(town, None, made["id"])
    assert books(town) == {(f"user:{amina.id}", "USD"): 499, ("stripe", "USD"): -499}
    (purchase,) = town.get("/api/v1/purchases", karim.person).json()["data"]
    assert (purchase["post_id"], purchase["amount"], purchase["status"]) == (made["id"], 499, "bought")


def test_a_post_that_is_free_has_none_of_it(world: World) -> None:
    amina = writer(world)
    made = post(world, amina)
    assert not {"price", "currency", "is_locked"} & made.keys()
    assert world.get(f"/api/v1/posts/{made['id']}/paid", amina.person).status_code == 404


def test_what_is_not_paid_opens_nothing(town: World, stripe: Fake) -> None:
    amina, karim = author(town), writer(town)
    made = sold(town, amina)
    bill = begun(town, karim, made["id"])
    assert not reads(town, karim, made["id"])
    stripe.do("decline", bill["client_secret"].partition("_secret")[0])
    hear(town, stripe)
    assert not reads(town, karim, made["id"])
    pay(town, stripe, begun(town, karim, made["id"]))
    assert reads(town, karim, made["id"])


@pytest.mark.settings(creator_fee_percent=10)
def test_the_platform_takes_its_part(town: World, stripe: Fake) -> None:
    amina, karim = author(town), writer(town)
    bought(town, stripe, karim, sold(town, amina)["id"])
    assert books(town)[("platform", "USD")] == 49
    assert balanced(town, stripe)


@pytest.mark.rule("x18:R26", "x18:R45")
def test_who_subscribes_reads_everything_until_the_period_ends(town: World, stripe: Fake) -> None:
    amina, karim = author(town), writer(town)
    priced, exclusive = sold(town, amina), sold(town, amina, None)
    assert exclusive["price"] is None
    refused(ask(town, "POST", f"/api/posts/{exclusive['id']}/buy", karim), 404, "not_for_sale")
    begun_one = subscribed(town, stripe, karim, amina)
    assert (begun_one["price"], begun_one["currency"]) == ("5.00", "USD")
    assert reads(town, karim, priced["id"]) and reads(town, karim, exclusive["id"])
    ended = ask(town, "DELETE", f"/api/users/{amina.id}/subscribe", karim).json()
    assert ended["ends"] is True and ended["expires_at"]
    assert reads(town, karim, exclusive["id"]), "what is paid is paid"
    with clock.shifted(timedelta(days=40)):
        assert not town.go(unlocked(town, karim.person.me, exclusive["id"])), "without a word of Stripe's"
    stripe.do("end", stripe.books.of("subscription")[-1]["id"])
    hear(town, stripe)
    assert not reads(town, karim, exclusive["id"])


async def unlocked(world: World, me: Me, post_id: str) -> bool:
    async with world.app.db.read() as tx:
        return (await service.of(tx, me, [UUID(post_id)]))[UUID(post_id)].unlocked


def test_a_month_that_is_not_paid_opens_nothing(town: World, stripe: Fake) -> None:
    amina, karim = author(town), writer(town)
    made = sold(town, amina, None)
    subscribed(town, stripe, karim, amina)
    stripe.do("lapse", stripe.books.of("subscription")[-1]["id"])
    hear(town, stripe)
    assert not reads(town, karim, made["id"])


def test_a_month_that_is_given_back_opens_nothing_until_the_next(town: World, stripe: Fake) -> None:
    amina, karim = author(town), writer(town)
    made = sold(town, amina, None)
    subscribed(town, stripe, karim, amina)
    assert reads(town, karim, made["id"])
    (payment,) = town.sql("SELECT id, stripe_id FROM payments WHERE purpose = 'paywall.author'")
    stripe.do("give_back", payment["stripe_id"], amount=500)
    hear(town, stripe)
    assert not reads(town, karim, made["id"])
    stripe.do("renew", stripe.books.of("subscription")[-1]["id"])
    hear(town, stripe)
    assert reads(town, karim, made["id"])
    assert balanced(town, stripe)


def test_what_is_given_back_is_not_read_any_more_and_can_be_bought_again(town: World, stripe: Fake) -> None:
    amina, karim = author(town), writer(town)
    made = sold(town, amina)
    bought(town, stripe, karim, made["id"])
    (sale,) = town.get("/api/v1/creators/me/sales", amina.person).json()["data"]
    assert sale["buyer_id"] == karim.id
    path = f"/api/v1/creators/me/sales/{sale['id']}/refund"
    assert town.post(path, karim.person).status_code == 404, "who bought it cannot"
    given = town.post(path, amina.person)
    assert given.json()["status"] == "refunded", given.text
    assert not reads(town, karim, made["id"])
    assert town.post(path, amina.person).status_code == 409
    town.drain()
    hear(town, stripe)
    assert books(town) == {} and balanced(town, stripe)
    bought(town, stripe, karim, made["id"])
    assert reads(town, karim, made["id"])


def test_a_refund_on_stripes_pages_ends_it_too(town: World, stripe: Fake) -> None:
    amina, karim = author(town), writer(town)
    made = sold(town, amina)
    bought(town, stripe, karim, made["id"])
    (payment,) = town.sql("SELECT stripe_id FROM payments")
    stripe.do("give_back", payment["stripe_id"], amount=499)
    hear(town, stripe)
    assert not reads(town, karim, made["id"])


def test_who_cannot_buy(town: World, stripe: Fake) -> None:
    amina, karim, blocked = author(town), writer(town), writer(town)
    made, free = sold(town, amina), post(town, amina)
    block(town, amina, blocked)
    refused(ask(town, "POST", f"/api/posts/{made['id']}/buy", amina), 409, "own_post")
    refused(ask(town, "POST", f"/api/posts/{made['id']}/buy", blocked), 404, "post_not_found")
    refused(ask(town, "POST", f"/api/users/{amina.id}/subscribe", blocked), 404, "user_not_found")
    refused(ask(town, "POST", f"/api/users/{amina.id}/subscribe", amina), 409, "paying_oneself")
    refused(ask(town, "POST", f"/api/users/{karim.id}/subscribe", amina), 404, "no_price")
    refused(ask(town, "POST", f"/api/posts/{free['id']}/buy", karim), 404, "not_for_sale")
    refused(ask(town, "POST", f"/api/posts/{made['id']}/buy"), 401, "unauthorized")
    bought(town, stripe, karim, made["id"])
    refused(ask(town, "POST", f"/api/posts/{made['id']}/buy", karim), 409, "already_bought")
    assert town.get(f"/api/v1/posts/{made['id']}/paid", blocked.person).status_code == 404
    assert town.get("/api/v1/paid-posts", blocked.person, params={"post_id": made["id"]}).json() == {
        "data": []
    }


@pytest.mark.rule("x18:R10")
def test_who_takes_no_money_sells_nothing(town: World, stripe: Fake) -> None:
    amina, karim = author(town), writer(town)
    refused(
        ask(town, "POST", "/api/posts", karim, json={"content": TEXT, "price": "1"}),
        409,
        "monetization_disabled",
    )
    made = sold(town, amina)
    bought(town, stripe, karim, made["id"])
    ask(town, "PATCH", "/api/users/me", amina, json={"monetization_enabled": False})
    other = writer(town)
    refused(ask(town, "POST", f"/api/posts/{made['id']}/buy", other), 404, "not_for_sale")
    refused(ask(town, "POST", f"/api/users/{amina.id}/subscribe", other), 404, "no_price")
    assert reads(town, karim, made["id"]), "who paid keeps it"


@pytest.mark.parametrize(
    "fields, name",
    [
        ({"price": "0"}, "price"),
        ({"price": "-1"}, "price"),
        ({"price": "1.001"}, "price"),
        ({"price": "dear"}, "price"),
        ({"price": "1", "content": " "}, "content"),
        ({"price": "1", "media_ids": ["0193a5b2-7c4e-7b1e-9b32-6f0d7c6a2e11"]}, "media_ids[0]"),
        (
            {"price": "1", "preview_media_ids": ["0193a5b2-7c4e-7b1e-9b32-6f0d7c6a2e11"]},
            "preview_media_ids[0]",
        ),
    ],
)
def test_what_is_wrong_is_named(world: World, fields: dict[str, Any], name: str) -> None:
    amina = author(world)
    answer = ask(world, "POST", "/api/posts", amina, json={"content": TEXT, **fields})
    assert answer.status_code == 400 and list(answer.json()["fields"]) == [name], answer.text


def test_prices_in_a_currency_without_parts(town: World, stripe: Fake) -> None:
    amina, karim = author(town), writer(town)
    body = {"enabled": True, "price": 500, "currency": "JPY"}
    set_up = town.put("/api/v1/creators/me/settings", amina.person, body).json()
    assert (set_up["enabled"], set_up["price"], set_up["currency"]) == (True, 500, "JPY")
    made = sold(town, amina, "300")
    assert (made["price"], made["currency"]) == ("300", "JPY")
    assert begun(town, karim, made["id"])["amount"] == "300"
    assert ask(town, "GET", "/api/users/me", amina).json()["subscription_price"] == "500"


@pytest.mark.rule("x18:R27", "x18:R10")
def test_the_eleven_models_have_their_tables(world: World) -> None:
    kept = {
        row["name"] for row in world.sql("SELECT relname::text AS name FROM pg_class WHERE relkind = 'r'")
    }
    assert {
        "users", "posts", "library_items", "user_follows", "post_likes", "post_reposts", "post_bookmarks",
        "notifications", "user_sessions", "subscriptions", "purchases",
    } <= kept  # fmt: skip
    amina = author(world, "4.50")
    found = ask(world, "GET", "/api/users/me", amina).json()
    assert (found["monetization_enabled"], found["subscription_price"]) == (True, "4.50")
    assert (found["followers_count"], found["following_count"], found["posts_count"]) == (0, 0, 0)


# ---- the native door


def native(world: World, who: Any, **fields: Any) -> Any:
    answer = world.post("/api/v1/paid-posts", who.person, {"text": TEXT, "price": 499, **fields})
    assert answer.status_code == 201, answer.text
    return answer.json()


def test_a_paid_post_of_the_native_door(town: World, stripe: Fake) -> None:
    amina, karim = author(town), writer(town)
    photo = town.post("/api/v1/upload", amina.person, files={"file": ("a.jpg", jpeg())}).json()
    made = native(town, amina, attachments=[photo["photo"]], teaser="Guess!", currency="EUR")
    post_id = made["post"]["id"]
    assert made["post"]["description"] == "Guess!" and made["post"]["attachments"] == []
    assert made["paid"]["text"] == TEXT and len(made["paid"]["media"]) == 1
    begun_one = town.post(f"/api/v1/posts/{post_id}/purchase", karim.person).json()
    assert (begun_one["amount"], begun_one["currency"]) == (499, "EUR")
    pay(town, stripe, begun_one)
    assert reads(town, karim, post_id)
    town.drain()
    assert town.get("/media/" + photo["path"]).status_code == 404, "it is moved, not copied"


def test_an_author_changes_a_paid_post_and_nobody_else_does(town: World, stripe: Fake) -> None:
    amina, karim = author(town), writer(town)
    made = sold(town, amina)
    path = f"/api/v1/posts/{made['id']}/paid"
    bought(town, stripe, karim, made["id"])
    assert town.put(path, karim.person, {"text": "mine"}).status_code == 403
    changed = town.put(path, amina.person, {"text": "Other words", "teaser": "New!", "price": None})
    assert (changed.json()["text"], changed.json()["price"]) == ("Other words", None)
    after = shown(town, karim, made["id"])
    assert after["content"] == "Other words"
    assert shown(town, None, made["id"])["content"] == "New!"
    assert town.put(path, amina.person, {"text": " "}).status_code == 422
    assert TEXT not in town.get(f"/api/v1/posts/{made['id']}/edits", karim.person).text


def test_a_deleted_post_takes_what_was_behind_it_along(town: World, stripe: Fake) -> None:
    amina, karim = author(town), writer(town)
    made = sold(town, amina, media_ids=[upload(town, amina)])
    bought(town, stripe, karim, made["id"])
    (picture,) = shown(town, karim, made["id"])["media"]
    assert town.get(picture["url"]).status_code == 200
    assert ask(town, "DELETE", f"/api/posts/{made['id']}", amina).status_code == 204
    assert town.get(picture["url"]).status_code == 404
    town.drain()
    assert town.sql("SELECT 1 FROM paid_posts") == []
    (row,) = town.sql("SELECT object FROM paid_media")
    with clock.shifted(timedelta(days=2)):
        town.go(service.sweep(town.app, Me.system))
    assert town.sql("SELECT 1 FROM paid_media") == []
    assert not (town.go(listed(town, row["object"])))
    (kept,) = town.get("/api/v1/purchases", karim.person).json()["data"]
    assert kept["status"] == "bought", "the books stay"


async def listed(world: World, prefix: str) -> list[str]:
    return [name async for name in world.app.files.list("paid") if name == prefix]


# ---- media


def test_media_of_paid_posts_are_served_to_who_paid_alone(town: World, stripe: Fake) -> None:
    amina, karim, zahra = author(town), writer(town), writer(town)
    item = upload(town, amina)
    (old,) = town.sql("SELECT object FROM library_items")
    made = sold(town, amina, media_ids=[item])
    bought(town, stripe, karim, made["id"])
    (picture,) = shown(town, karim, made["id"])["media"]
    assert NAME in town.get(f"/api/v1/posts/{made['id']}/paid", karim.person).text
    got = town.get(picture["url"])
    assert got.status_code == 200 and got.headers["cache-control"] == "private, no-store"
    assert got.headers["content-type"] == "image/webp"
    assert shown(town, zahra, made["id"])["media"] == []
    assert ask(town, "GET", f"/api/media/{item}").status_code == 404
    assert town.get("/media/" + old["object"]).status_code == 404
    tampered = picture["url"].replace(f"viewer={karim.id}", f"viewer={amina.id}")
    assert town.get(tampered).status_code == 404
    assert town.get(picture["url"] + "x").status_code == 404
    with clock.shifted(timedelta(hours=2)):
        assert town.get(picture["url"]).status_code == 404
    (sale,) = town.get("/api/v1/creators/me/sales", amina.person).json()["data"]
    town.post(f"/api/v1/creators/me/sales/{sale['id']}/refund", amina.person)
    assert town.get(picture["url"]).status_code == 404, "an address outlives no refund"


def test_what_another_post_shows_is_not_put_behind_a_paywall(world: World) -> None:
    amina = author(world)
    item = upload(world, amina)
    post(world, amina, media_ids=[item])
    answer = ask(
        world, "POST", "/api/posts", amina, json={"content": TEXT, "price": "1", "media_ids": [item]}
    )
    refused(answer, 409, "media_in_use")


def test_a_preview_is_for_everybody(world: World) -> None:
    amina = author(world)
    made = sold(world, amina, media_ids=[upload(world, amina)], preview_media_ids=[upload(world, amina)])
    assert len(made["media"]) == 2
    assert len(shown(world, None, made["id"])["media"]) == 1


# ---- lists


def test_a_page_of_paid_posts_costs_one_query_more_whatever_its_size(town: World, stripe: Fake) -> None:
    amina, karim = author(town), writer(town)
    asked: list[list[str]] = []
    for _ in range(2):
        bought(town, stripe, karim, sold(town, amina)["id"])
        with counted(town) as seen:
            page = ask(town, "GET", "/api/timeline/explore", karim).json()["posts"]
        assert all(LOCKED in one["content"] for one in page)
        asked.append(list(seen))
    assert len(asked[0]) == len(asked[1])
    assert len([one for one in asked[1] if "paid_posts" in one]) == 1


# ---- from free to paid and back


def test_a_free_post_becomes_a_paid_one_and_free_again(town: World, stripe: Fake) -> None:
    sara, buyer, other = author(town), writer(town), writer(town)
    made = post(town, sara, f"{OPEN}\nfirst {LOCKED}")
    path, edits = f"/api/v1/posts/{made['id']}/paid", f"/api/v1/posts/{made['id']}/edits"
    assert town.put(f"/api/v1/posts/{made['id']}", sara.person, {"description": TEXT}).status_code == 200
    town.drain()
    assert LOCKED in town.get(edits, other.person).text
    for who, status in ((None, 401), (other.person, 403)):
        assert town.post(path, who, {"price": 499}).status_code == status
    enclosed = town.post(path, sara.person, {"price": 499})
    assert (enclosed.status_code, enclosed.json()["paid"]["price"]) == (200, 499), enclosed.text
    for read in (edits, f"/api/v1/posts/{made['id']}", path, "/api/v1/posts"):
        assert LOCKED not in town.get(read, other.person).text, read
    for word in (LOCKED, SOUGHT):
        assert town.get(f"/api/v1/posts/search?q={word}", other.person).json()["data"] == []
        tagged = ask(town, "GET", "/api/timeline/search", other, params={"tag": word})
        assert tagged.json()["posts"] == [], tagged.text
    assert not reads(town, other, made["id"]) and reads(town, sara, made["id"])
    assert town.post(path, sara.person, {"price": 1}).status_code == 409, "it has a price"
    bought(town, stripe, buyer, made["id"])
    assert reads(town, buyer, made["id"])
    # Free again: everybody reads it, and nobody can buy it.
    assert town.delete(path, other.person).status_code == 403
    assert town.delete(path, sara.person).json()["paid"]["free"] is True
    assert reads(town, other, made["id"]) and reads(town, None, made["id"])
    assert town.get(f"/api/v1/posts/search?q={SOUGHT}", other.person).json()["data"] != []
    assert "price" not in shown(town, other, made["id"])
    assert town.post(f"/api/v1/posts/{made['id']}/purchase", other.person).status_code == 404
    # And paid once more: who bought it has it still.
    assert town.post(path, sara.person, {"price": 599}).status_code == 200
    town.drain()
    assert reads(town, buyer, made["id"]) and not reads(town, other, made["id"])
    assert LOCKED not in town.get(edits, other.person).text


def test_media_of_a_post_that_became_free_are_for_everybody_until_it_costs_again(town: World) -> None:
    sara, other = author(town), writer(town)
    made = sold(town, sara, media_ids=[upload(town, sara)])
    path = f"/api/v1/posts/{made['id']}/paid"
    assert town.get(path, other.person).json()["media"] == []
    assert town.delete(path, sara.person).status_code == 200
    addresses = [town.get(path, who).json()["media"][0]["url"] for who in (other.person, None)]
    assert [town.get(address).status_code for address in addresses] == [200, 200]
    assert len(shown(town, None, made["id"])["media"]) == 1
    assert town.post(path, sara.person, {}).status_code == 200
    assert [town.get(address).status_code for address in addresses] == [404, 404], "they are good no more"
    assert town.get(path, other.person).json()["media"] == []


def test_what_cannot_become_a_paid_post(town: World) -> None:
    sara, poor = author(town), writer(town)
    event = {"type": "EVENT", "title": "kites", "start_date": "2031-03-21"}
    kites = town.post("/api/v1/posts", sara.person, event).json()["id"]
    for who, post_id in ((sara, kites), (poor, post(town, poor)["id"])):
        answer = town.post(f"/api/v1/posts/{post_id}/paid", who.person, {"price": 499})
        assert answer.status_code == 409, answer.text
    assert town.delete(f"/api/v1/posts/{post(town, sara)['id']}/paid", sara.person).status_code == 404


# ---- what authors are told


def told(world: World, who: Writer) -> list[tuple[str, str, str]]:
    """What somebody is told of sales, and of whom, the latest first."""
    found = world.get("/api/v1/notifications?category=SALES", who.person).json()["data"]
    return [(one["type"], one["actor"]["id"], one["data"].get("post_id", "")) for one in found]


@pytest.mark.rule("x18:R45")
def test_authors_are_told_of_each_sale_once(town: World, stripe: Fake) -> None:
    sara, buyer = author(town), writer(town)
    post = sold(town, sara)["id"]
    bill = begun(town, buyer, post)
    town.drain()
    assert told(town, sara) == []
    pay(town, stripe, bill)
    town.drain()
    sale = ("POST_BOUGHT", str(buyer.id), post)
    assert told(town, sara) == [sale]
    hear(town, stripe)  # once more
    town.drain()
    assert (told(town, sara), told(town, buyer)) == ([sale], [])
    (made,) = town.get("/api/v1/creators/me/sales", sara.person).json()["data"]
    assert town.post(f"/api/v1/creators/me/sales/{made['id']}/refund", sara.person).status_code == 200
    town.drain()
    bought(town, stripe, buyer, post)
    town.drain()
    assert told(town, sara) == [sale, sale]
    said = town.get("/api/v1/notifications?category=SALES", sara.person).json()["data"][0]
    assert said["title"] == "New sale" and said["message"].endswith("bought your post.")
    assert LOCKED not in str(said)


def test_authors_are_told_of_a_subscriber_and_not_of_each_month(town: World, stripe: Fake) -> None:
    sara, reader = author(town), writer(town)
    subscribed(town, stripe, reader, sara)
    town.drain()
    assert told(town, sara) == [("SUBSCRIBER", str(reader.id), "")]
    town.sql("DELETE FROM notifications WHERE user_id = $1 RETURNING 1", sara.id)
    (mine,) = town.get("/api/v1/payments/subscriptions", reader.person).json()["data"]
    (row,) = town.sql("SELECT stripe_id FROM subscriptions WHERE id = $1", UUID(mine["id"]))
    stripe.do("renew", row["stripe_id"])
    hear(town, stripe)
    town.drain()
    assert told(town, sara) == []


def test_who_does_not_want_to_hear_of_sales_does_not(town: World, stripe: Fake) -> None:
    sara, buyer = author(town), writer(town)
    off = {"category": "SALES", "push_pref": False, "in_app_pref": False, "email_pref": False}
    assert town.put("/api/v1/settings/notifications", sara.person, off).status_code == 200
    bought(town, stripe, buyer, sold(town, sara)["id"])
    town.drain()
    assert told(town, sara) == []
