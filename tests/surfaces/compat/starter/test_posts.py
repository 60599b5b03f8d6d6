"""Articles at the starter door."""

from uuid import UUID, uuid4

import pytest

from majlis.features.articles import service as articles
from majlis.kit import clock, hints
from majlis.kit.me import Me
from tests.features.queries import counted
from tests.surfaces.compat.starter.callers import ask, data, refused, somebody
from tests.surfaces.compat.starter.writing import CONTENT, TITLE, change, heard, read, titles, write
from tests.world import Person, World

POST = {
    "id", "title", "content", "slug", "authorId", "author", "status", "viewCount", "version", "createdAt", "updatedAt",
}  # fmt: skip
ITEM = {"id", "title", "slug", "authorId", "status", "viewCount", "createdAt"}


# ---- writing


@pytest.mark.rule("starter:R1", "starter:R2")
def test_an_article_is_a_draft_until_something_else_is_said(world: World) -> None:
    amina = somebody(world, "Amina")
    made = data(ask(world, "POST", "/posts", amina, {"title": " Bread at six ", "content": CONTENT}), 201)
    assert set(made) == POST
    assert (made["status"], made["version"], made["viewCount"]) == ("draft", 1, 0)
    assert (made["title"], made["content"]) == (TITLE, CONTENT)
    assert made["authorId"] == made["author"]["id"] == str(amina.id)
    assert change(world, amina, made, status="archived")["status"] == "archived"
    data(ask(world, "DELETE", f"/posts/{made['id']}", amina))


@pytest.mark.rule("starter:R2")
def test_lengths_are_counted_in_characters_and_every_wrong_field_is_named(world: World) -> None:
    amina = somebody(world, "Amina")
    short = {"title": "نا", "content": "۱۲۳۴۵۶۷۸۹"}
    refused(ask(world, "POST", "/posts", amina, short), 400, "bad_request", "title", "content")
    long = {"title": "ن" * 256, "content": CONTENT}
    refused(ask(world, "POST", "/posts", amina, long), 400, "bad_request", "title")
    fits = {"title": "ن" * 255, "content": "۱۲۳۴۵۶۷۸۹۰"}
    made = data(ask(world, "POST", "/posts", amina, fits), 201)
    for status in ("archived", "hidden"):
        body = {"title": TITLE, "content": CONTENT, "status": status}
        refused(ask(world, "POST", "/posts", amina, body), 400, "bad_request", "status")
    answer = ask(world, "PUT", f"/posts/{made['id']}", amina, {"title": "  a  ", "content": "short"})
    refused(answer, 400, "bad_request", "title", "content")
    assert change(world, amina, made)["title"] == "ن" * 255, "nothing has to be given"


@pytest.mark.rule("starter:R7", "starter:R12")
def test_only_the_author_changes_an_article_and_others_are_told_what_they_may_not(world: World) -> None:
    amina, karim = somebody(world, "Amina"), somebody(world, "Karim")
    shown, draft = write(world, amina), write(world, amina, status="draft")
    for method, path, action in (
        ("PUT", "", "update"),
        ("DELETE", "", "delete"),
        ("POST", "/publish", "publish"),
    ):
        body = {"title": "Mine now"} if method == "PUT" else None
        answer = ask(world, method, f"/posts/{shown['id']}{path}", karim, body)
        refused(answer, 403, "forbidden")
        assert action in answer.json()["message"]
        refused(ask(world, method, f"/posts/{draft['id']}{path}", karim, body), 404, "not_found")
        refused(ask(world, method, f"/posts/{uuid4()}{path}", karim, body), 404, "not_found")
        refused(ask(world, method, f"/posts/{shown['id']}{path}", None, body), 401, "unauthorized")
    assert read(world, shown)["title"] == TITLE


@pytest.mark.rule("starter:R33", "starter:D5")
def test_a_version_that_is_not_the_present_one_writes_over_nothing(world: World) -> None:
    amina = somebody(world, "Amina")
    made = write(world, amina)
    assert change(world, amina, made, title="Bread at seven", version=1)["version"] == 2
    answer = ask(world, "PUT", f"/posts/{made['id']}", amina, {"title": "Bread at eight", "version": 1})
    refused(answer, 409, "conflict")
    assert "Refresh" in answer.json()["message"]
    assert read(world, made)["title"] == "Bread at seven"
    assert change(world, amina, made, status="archived")["version"] == 3, "without a version nothing is asked"
    assert data(ask(world, "POST", f"/posts/{made['id']}/publish", amina))["version"] == 4


@pytest.mark.rule("starter:R11", "starter:R32")
def test_what_is_deleted_is_gone_and_its_row_stays(world: World) -> None:
    amina = somebody(world, "Amina")
    made = write(world, amina)
    read(world, made)
    told = heard(world, f"{hints.LIVE}{amina.id}")
    answer = ask(world, "DELETE", f"/posts/{made['id']}", amina)
    assert answer.json() == {"success": True, "message": "Post deleted successfully", "data": None}
    for who in (None, amina):
        refused(ask(world, "GET", f"/posts/{made['id']}", who), 404, "not_found")
        refused(ask(world, "GET", f"/posts/slug/{made['slug']}", who), 404, "not_found")
    refused(ask(world, "DELETE", f"/posts/{made['id']}", amina), 404, "not_found")
    assert titles(world) == []
    (row,) = world.sql("SELECT deleted_at FROM articles WHERE id = $1", UUID(made["id"]))
    assert row["deleted_at"] is not None
    assert told == [{"type": "entity_deleted", "entity_id": made["id"]}]


# ---- slugs


@pytest.mark.rule("starter:R5")
@pytest.mark.parametrize(
    "title, slug",
    [
        ("Bread at six!", "bread-at-six"),
        ("نان در ساعت شش", "نان-در-ساعت-شش"),
        ("Хлеб в шесть", "хлеб-в-шесть"),
        ("ዳቦ በስድስት ሰዓት", "ዳቦ-በስድስት-ሰዓት"),
        ("  --C++ & 3/4 ", "c-3-4"),
    ],
)
def test_slugs_are_made_of_titles_in_any_script(world: World, title: str, slug: str) -> None:
    amina = somebody(world, "Amina")
    made = write(world, amina, title)
    assert made["slug"] == slug
    assert data(ask(world, "GET", f"/posts/slug/{slug}"))["id"] == made["id"]
    refused(ask(world, "GET", f"/posts/slug/{slug}x"), 404, "not_found")


@pytest.mark.rule("starter:R5", "starter:D2")
def test_a_slug_is_never_given_twice_not_even_after_a_deleted_article(world: World) -> None:
    amina, karim = somebody(world, "Amina"), somebody(world, "Karim")
    first = write(world, amina)
    data(ask(world, "DELETE", f"/posts/{first['id']}", amina))
    with clock.frozen(clock.now()):
        stamp = int(clock.now().timestamp())
        slugs = [write(world, who)["slug"] for who in (karim, amina, karim)]
    assert slugs == [f"bread-at-six-{stamp}", f"bread-at-six-{stamp}-2", f"bread-at-six-{stamp}-3"]


@pytest.mark.rule("starter:D2")
def test_a_title_without_letters_gets_a_slug_of_its_own(world: World) -> None:
    amina = somebody(world, "Amina")
    made, again = write(world, amina, "!!! ???"), write(world, amina, "!!! ???")
    for one in (made, again):
        before, _, random = one["slug"].partition("-")
        assert before == "post" and len(random) == 8 and random.isalnum()
    assert made["slug"] != again["slug"]
    assert (
        change(world, amina, made, title="!!! ???", content="Now with other words.")["slug"] == made["slug"]
    )


@pytest.mark.rule("starter:R6", "starter:D2")
def test_a_new_title_makes_a_new_slug_and_the_former_ones_find_the_article(world: World) -> None:
    amina = somebody(world, "Amina")
    made = write(world, amina)
    assert change(world, amina, made, content="The oven is cold now.")["slug"] == "bread-at-six"
    assert change(world, amina, made, title="Bread at seven")["slug"] == "bread-at-seven"
    assert change(world, amina, made, title="Bread at eight")["slug"] == "bread-at-eight"
    for slug in ("bread-at-six", "bread-at-seven", "bread-at-eight"):
        found = data(ask(world, "GET", f"/posts/slug/{slug}"))
        assert (found["id"], found["slug"]) == (made["id"], "bread-at-eight")
    assert write(world, amina)["slug"].startswith("bread-at-six-"), "it still belongs to the first"
    assert change(world, amina, made, title=TITLE)["slug"] == "bread-at-six", (
        "an article may have its own again"
    )


# ---- publishing


@pytest.mark.rule("starter:R8")
def test_drafts_and_archived_articles_are_published_and_nothing_twice(world: World) -> None:
    amina = somebody(world, "Amina")
    made = write(world, amina, status="draft")
    answer = ask(world, "POST", f"/posts/{made['id']}/publish", amina)
    assert data(answer)["status"] == "published"
    assert answer.json()["message"] == "Post published successfully"
    refused(ask(world, "POST", f"/posts/{made['id']}/publish", amina), 400, "already_published")
    change(world, amina, made, status="archived")
    assert data(ask(world, "POST", f"/posts/{made['id']}/publish", amina))["status"] == "published"


@pytest.mark.rule("starter:R9", "starter:D3")
def test_everybody_hears_of_every_change_into_published(world: World) -> None:
    amina = somebody(world, "Amina")
    told = heard(world, "starter")
    draft = write(world, amina, "A draft", status="draft")
    world.drain()
    assert told == []
    data(ask(world, "POST", f"/posts/{draft['id']}/publish", amina))
    assert told == [], "it is done in the background"
    world.drain()
    assert told.pop() == {
        "type": "new_post", "post_id": draft["id"], "title": "A draft", "author": str(amina.id),
        "message": "New post: A draft",
    }  # fmt: skip
    at_once = write(world, amina, "At once")
    change(world, amina, at_once, content="Other words, published as before.")
    world.drain()
    assert [one["post_id"] for one in told] == [at_once["id"]]
    change(world, amina, draft, status="archived")
    change(world, amina, draft, status="published")
    world.drain()
    assert [one["post_id"] for one in told] == [at_once["id"], draft["id"]]


@pytest.mark.rule("starter:D3")
def test_nobody_hears_of_what_not_everybody_may_read(world: World) -> None:
    amina = somebody(world, "Amina")
    told = heard(world, "starter")
    gone = write(world, amina, "Gone again")
    data(ask(world, "DELETE", f"/posts/{gone['id']}", amina))
    world.sql("UPDATE profiles SET is_private = true WHERE id = $1 RETURNING 1", amina.id)
    write(world, amina, "For followers")
    world.drain()
    assert told == []


# ---- reading


@pytest.mark.rule("starter:D1", "starter:R12")
def test_what_is_not_published_is_there_for_its_author_only(world: World) -> None:
    amina, karim = somebody(world, "Amina"), somebody(world, "Karim")
    shown, draft, old = (write(world, amina, name, status="draft") for name in ("Shown", "Draft", "Old one"))
    change(world, amina, shown, status="published")
    change(world, amina, old, status="archived")
    for who in (None, karim):
        assert titles(world, who=who) == titles(world, f"?authorId={amina.id}", who) == ["Shown"]
        for status in ("draft", "archived"):
            assert titles(world, f"?status={status}", who) == []
            assert titles(world, f"?status={status}&authorId={amina.id}", who) == []
        for post in (draft, old):
            refused(ask(world, "GET", f"/posts/{post['id']}", who), 404, "not_found")
            refused(ask(world, "GET", f"/posts/slug/{post['slug']}", who), 404, "not_found")
    assert titles(world, f"?status=draft&authorId={amina.id}", amina) == ["Draft"]
    assert titles(world, f"?status=archived&authorId={amina.id}", amina) == ["Old one"]
    assert titles(world, "?status=draft", amina) == []
    assert read(world, draft, amina)["id"] == draft["id"]


@pytest.mark.rule("starter:R3", "starter:R28")
def test_lists_are_filtered_and_come_in_pages_the_newest_first(world: World) -> None:
    amina, karim = somebody(world, "Amina"), somebody(world, "Karim")
    for number in range(12):
        write(world, amina, f"Number {number}")
    write(world, karim, "Naan, 100% of it", content="Called НАН elsewhere.")
    answer = ask(world, "GET", "/posts")
    assert answer.json()["message"] == "Posts retrieved successfully"
    assert [one["title"] for one in answer.json()["data"]][:2] == ["Naan, 100% of it", "Number 11"]
    assert answer.json()["pagination"] == {
        "page": 1, "limit": 10, "total": 13, "totalPages": 2, "hasNext": True, "hasPrev": False,
    }  # fmt: skip
    assert titles(world, "?page=2") == ["Number 2", "Number 1", "Number 0"]
    assert titles(world, "?page=3") == titles(world, "?page=10000&limit=100") == []
    assert titles(world, f"?authorId={amina.id}&limit=1&page=12") == ["Number 0"]
    for words in ("naan", "нан", "100%25", "of IT"):
        assert titles(world, f"?search={words}") == ["Naan, 100% of it"], words
    assert titles(world, "?search=1%25") == titles(world, "?search=N__n") == [], "no wildcard is one"
    assert titles(world, f"?search=naan&authorId={amina.id}") == []


@pytest.mark.rule("starter:R3")
@pytest.mark.parametrize("query", ["page=0", "limit=0", "limit=101", "status=hidden", "authorId=me"])
def test_what_no_list_is_asked_for_by(world: World, query: str) -> None:
    refused(ask(world, "GET", f"/posts?{query}"), 400, "bad_request", query.partition("=")[0])


@pytest.mark.rule("starter:R4", "starter:R41")
def test_items_are_short_and_a_list_has_a_constant_number_of_queries(world: World) -> None:
    amina, karim = somebody(world, "Amina"), somebody(world, "Karim")
    numbers = []
    for _ in range(2):
        for who in (amina, karim) * 3:
            write(world, who)
        world.app.cache._entries.clear()  # type: ignore[attr-defined]
        with counted(world) as seen:
            found = data(ask(world, "GET", "/posts?limit=100"))
            data(ask(world, "GET", "/posts/popular"))
        numbers.append((len(found), len(seen)))
    assert all(set(one) == ITEM for one in found)
    assert numbers[0][0] == 6 and numbers[1][0] == 12 and numbers[0][1] == numbers[1][1]


def test_the_address_of_an_author_is_told_to_nobody_else(world: World) -> None:
    amina, karim = somebody(world, "Amina"), somebody(world, "Karim")
    made = write(world, amina)
    assert made["author"]["email"] == amina.email
    assert read(world, made, amina)["author"]["email"] == amina.email
    for who in (None, karim):
        assert read(world, made, who)["author"] == {**made["author"], "email": ""}
    (popular,) = data(ask(world, "GET", "/posts/popular"))
    assert popular["author"]["email"] == ""


def test_people_who_block_one_another_do_not_meet_in_articles(world: World) -> None:
    amina, karim = somebody(world, "Amina"), somebody(world, "Karim")
    hers, his = write(world, amina, "Hers"), write(world, karim, "His own")
    native = world.post("/api/v1/auth/login", json={"email": amina.email, "password": "Kabul-2026!"}).json()
    block = world.post(
        f"/api/v1/users/{karim.id}/block", headers={"Authorization": f"Bearer {native['access_token']}"}
    )
    assert block.status_code == 200
    for who, own, other in ((amina, hers, his), (karim, his, hers)):
        assert titles(world, who=who) == [own["title"]]
        assert [one["id"] for one in data(ask(world, "GET", "/posts/popular", who))] == [own["id"]]
        refused(ask(world, "GET", f"/posts/{other['id']}", who), 404, "not_found")
        refused(ask(world, "GET", f"/posts/slug/{other['slug']}", who), 404, "not_found")
        refused(ask(world, "PUT", f"/posts/{other['id']}", who, {"title": "Mine"}), 404, "not_found")
    assert len(titles(world)) == 2


# ---- the cache and views


@pytest.mark.rule("starter:R13", "starter:R16")
def test_a_text_is_read_once_and_never_after_it_was_changed(world: World) -> None:
    amina = somebody(world, "Amina")
    made = write(world, amina)

    def texts() -> int:
        with counted(world) as seen:
            read(world, made)
            data(ask(world, "GET", f"/posts/slug/{made['slug']}"))
        return sum(query.startswith("SELECT content FROM articles") for query in seen)

    assert [texts(), texts()] == [1, 0]
    change(world, amina, made, content="The oven is cold by now.")
    assert read(world, made)["content"] == "The oven is cold by now."
    assert data(ask(world, "GET", f"/posts/slug/{made['slug']}"))["content"] == "The oven is cold by now."
    data(ask(world, "DELETE", f"/posts/{made['id']}", amina))
    refused(ask(world, "GET", f"/posts/{made['id']}"), 404, "not_found")


@pytest.mark.rule("starter:R10", "starter:D4")
def test_views_are_counted_on_every_read_and_written_together(world: World) -> None:
    amina, karim = somebody(world, "Amina"), somebody(world, "Karim")
    made = write(world, amina)

    def stored() -> int:
        (row,) = world.sql("SELECT view_count FROM articles WHERE id = $1", UUID(made["id"]))
        return int(row["view_count"])

    async def flush() -> None:
        await articles.write_views(world.app, Me.system)

    with counted(world) as seen:
        for who in (None, karim, amina, karim):
            read(world, made, who)
        data(ask(world, "GET", f"/posts/slug/{made['slug']}"))
    assert not [query for query in seen if "UPDATE" in query], "nothing is written for a view"
    assert (read(world, made, amina)["viewCount"], stored()) == (4, 0)
    with counted(world) as seen:
        world.go(flush())
    assert len([query for query in seen if "UPDATE" in query]) == 1
    assert (read(world, made, amina)["viewCount"], stored()) == (4, 4)
    world.go(flush())
    assert stored() == 4


@pytest.mark.rule("starter:D4")
def test_views_outlive_a_database_that_is_away_and_the_end_of_the_process(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = write(world, somebody(world, "Amina"))
    read(world, made)

    async def away() -> None:
        raise ConnectionError("away")

    with monkeypatch.context() as broken:
        broken.setattr(world.app.db.pool, "acquire", away)
        with pytest.raises(ConnectionError):
            world.go(articles.write_views(world.app, Me.system))
    world.go(articles.close(world.app, Me.system))
    (row,) = world.sql("SELECT view_count FROM articles WHERE id = $1", UUID(made["id"]))
    assert row["view_count"] == 1


@pytest.mark.rule("starter:R14")
def test_popular_articles_are_chosen_every_five_minutes(world: World) -> None:
    amina = somebody(world, "Amina")
    made = [write(world, amina, f"Number {number}") for number in range(12)]
    hidden = write(world, amina, "A draft", status="draft")
    for at, one in enumerate([*made, hidden]):
        world.sql("UPDATE articles SET view_count = $2 WHERE id = $1 RETURNING 1", UUID(one["id"]), at)

    def popular() -> list[str]:
        found = data(ask(world, "GET", "/posts/popular"))
        assert all(set(one) == POST for one in found)
        return [one["title"] for one in found]

    best = [f"Number {number}" for number in range(11, 1, -1)]
    assert popular() == best
    world.sql("UPDATE articles SET view_count = 99 WHERE id = $1 RETURNING 1", UUID(made[0]["id"]))
    with counted(world) as seen:
        assert popular() == best
    assert not [query for query in seen if "ORDER BY a.view_count" in query]
    data(ask(world, "DELETE", f"/posts/{made[11]['id']}", amina))
    assert popular() == best[1:], "what is gone is shown to nobody, whatever the cache holds"
    world.go(world.app.cache.delete("articles:popular"))
    assert popular()[0] == "Number 0"


# ---- many at once


def items(*titles: str) -> dict[str, list[dict[str, str]]]:
    return {"items": [{"title": title, "content": CONTENT} for title in titles]}


@pytest.mark.rule("starter:R34", "starter:D10")
def test_many_are_written_at_once(world: World) -> None:
    amina = somebody(world, "Amina")
    body = items(TITLE, TITLE, "Bread at seven")
    body["items"][2]["status"] = "published"
    made = data(ask(world, "POST", "/posts/bulk", amina, body), 201)
    assert made["count"] == 3 and all(set(one) == ITEM for one in made["items"])
    assert [one["status"] for one in made["items"]] == ["draft", "draft", "published"]
    assert len({one["slug"] for one in made["items"]}) == 3
    assert {one["authorId"] for one in made["items"]} == {str(amina.id)}


def written(world: World, who: Person) -> int:
    return len(world.sql("SELECT 1 FROM articles WHERE author_id = $1", who.id))


@pytest.mark.rule("starter:R34", "starter:D10")
def test_one_that_is_wrong_undoes_all_and_is_named(world: World) -> None:
    amina = somebody(world, "Amina")
    answer = ask(world, "POST", "/posts/bulk", amina, items(TITLE, "Bread at seven", "no"))
    refused(answer, 400, "bad_request", "index", "items[2].title")
    assert answer.json()["error"]["details"]["index"] == 2
    body = items(TITLE)
    body["items"].append({"title": TITLE})
    refused(ask(world, "POST", "/posts/bulk", amina, body), 400, "bad_request", "index", "items[1].content")
    assert written(world, amina) == 0
    for many in (0, 101):
        refused(ask(world, "POST", "/posts/bulk", amina, items(*[TITLE] * many)), 400, "bad_request", "items")
    assert data(ask(world, "POST", "/posts/bulk", amina, items(*[TITLE] * 100)), 201)["count"] == 100
    assert written(world, amina) == 100
