"""The demo town: the same from the same seed, well spoken, and stored as if its people had done it."""

import itertools
import random
import re
import string
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
import pyvips

from majlis import demo
from majlis.demo import people, subjects, talk, town, words
from majlis.demo.art import faces, gallery
from majlis.demo.model import Town
from majlis.features.identity import service as identity
from tests.world import World

NOW = datetime(2026, 11, 21, 15, 30, tzinfo=UTC)
GIVEN = {"place": "P", "city": "C", "name": "N", "a": ""}
ARABIC, CYRILLIC = re.compile(r"[\u0600-\u06ff]"), re.compile(r"[\u0400-\u04ff]")
# Letters of Pashto that Dari does not have, and the reverse of it.
PASHTO = set("ټډړږښڼګېۍځڅ")


@pytest.fixture(scope="module")
def planned() -> Town:
    return town.plan(150, 7, NOW)


def told(one: Town) -> list[object]:
    """All of a town that does not depend on when it was planned."""
    return [
        [
            (p.email, p.first_name, p.last_name, p.about, p.home, p.corner, p.face, p.cover)
            for p in one.residents
        ],
        sorted(
            (p.author.email, p.type, p.title or "", p.text, str(p.pictures), str(p.sale)) for p in one.posts
        ),
        sorted(
            (c.author.email, c.post.text, c.text, c.parent.text if c.parent else "") for c in one.comments
        ),
        sorted((f.follower.email, f.following.email) for f in one.follows),
        sorted((person.email, post.text) for person, post in one.likes),
        sorted((s.author.email, s.post.text, s.text or "") for s in one.shares),
        sorted((person.email, post.text, choice) for person, post, choice in one.votes),
    ]


def test_the_same_seed_plans_the_same_town_whenever_it_is_planned() -> None:
    first = told(town.plan(60, 7, NOW))
    assert told(town.plan(60, 7, NOW)) == first
    assert told(town.plan(60, 7, NOW + timedelta(days=12, hours=7, minutes=11))) == first
    assert told(town.plan(60, 8, NOW)) != first


def test_small_towns_work() -> None:
    for count in range(1, 6):
        assert len(town.plan(count, 1, NOW).residents) == count


def test_nobody_copies_anybody(planned: Town) -> None:
    texts = [(post.title, post.text) for post in planned.posts]
    assert len(texts) == len(set(texts)) > 400
    for post in planned.posts:
        said = [comment.text for comment in planned.comments if comment.post is post]
        assert len(said) == len(set(said))


def test_every_type_and_language_is_there(planned: Town) -> None:
    assert {post.type for post in planned.posts} == {"FEED", "EVENT", "SELL", "PULL"}
    assert {post.language for post in planned.posts} == set(words.LANGUAGES)
    assert {one.city.province for one in planned.residents} == {"Kabul", "Herat"}
    assert len({(one.city.province, one.place("english")) for one in planned.residents}) > 15


def test_time_runs_forward_and_by_day(planned: Town) -> None:
    for post in planned.posts:
        assert NOW - timedelta(days=talk.DAYS + 1) <= post.at < NOW
    for comment in planned.comments:
        assert comment.at >= comment.post.at
        assert comment.parent is None or comment.at >= comment.parent.at
        assert comment.at <= NOW
    assert all(share.post.at <= share.at <= NOW for share in planned.shares)
    hours = [post.at.astimezone(talk.KABUL).hour for post in planned.posts]
    assert sum(1 <= hour < 5 for hour in hours) < len(hours) * 0.04 < sum(18 <= hour < 22 for hour in hours)
    assert all(follow.at > NOW - follow.follower.joined for follow in planned.follows)


def test_people_comment_in_languages_that_they_speak(planned: Town) -> None:
    for comment in planned.comments:
        if comment.author is not comment.post.author:
            assert comment.post.language in comment.author.speaks


def test_nobody_reacts_to_what_they_may_not_see(planned: Town) -> None:
    pairs = {(one.follower.number, one.following.number) for one in planned.follows}
    friends = 0
    for person, post in planned.likes:
        if post.visibility == "FRIENDS":
            friends += 1
            assert {(person.number, post.author.number), (post.author.number, person.number)} <= pairs
        else:
            assert post.visibility == "PUBLIC"
    assert friends
    assert all(one.post.visibility == "PUBLIC" for one in [*planned.comments, *planned.shares])
    assert all(one is not post.author for one, post in planned.likes)


def test_a_few_posts_have_most_likes(planned: Town) -> None:
    counts = sorted((sum(post is one for _, post in planned.likes) for one in planned.posts), reverse=True)
    assert sum(counts[: len(counts) // 5]) > sum(counts) / 2


# ---- words


def templates(value: object) -> Iterator[str]:
    """Every template of a phrasebook."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, tuple):
        yield from itertools.chain.from_iterable(map(templates, value))
    elif isinstance(value, dict):
        yield from itertools.chain.from_iterable(map(templates, value.values()))
    elif isinstance(value, msgspec.Struct):
        yield from itertools.chain.from_iterable(map(templates, msgspec.structs.astuple(value)))


@pytest.mark.parametrize("language", words.LANGUAGES)
def test_every_template_can_be_filled(language: str) -> None:
    book, rng = words.book(language), random.Random(1)
    found = list(templates(book))
    assert len(found) > 300
    used = {name for text in found for _, name, _, _ in string.Formatter().parse(text) if name}
    assert used <= book.fillers.keys() | GIVEN.keys()
    assert set(book.fillers) - used <= {"job_f"}, "fillers that no template uses"
    for text in found:
        composed = words.compose(rng, book, text, **GIVEN)
        assert composed and "{" not in composed and "  " not in composed and composed == composed.strip()


@pytest.mark.parametrize("language", words.LANGUAGES)
def test_languages_are_written_in_their_scripts(language: str) -> None:
    book = words.book(language)
    texts = [*book.comments, *book.replies, *book.shares]
    texts += [text for topic in book.topics.values() for text in (*topic.posts, *topic.comments)]
    for text in texts:
        letters = re.sub(r"\{\w+\}|[^\w]|\d|_|SSD|O", "", text)
        if language == "english":
            assert letters.isascii(), text
        elif letters:
            script = CYRILLIC if language == "russian" else ARABIC
            assert all(script.match(letter) for letter in letters), text
    pashto = PASHTO & set("".join(texts))
    assert (len(pashto) == len(PASHTO)) if language == "pashto" else not pashto


def test_a_slot_means_the_same_throughout_a_text() -> None:
    book = words.book("english")
    text = words.compose(random.Random(3), book, "{elder} and {elder}.", "and {elder}")
    first, second, third = re.split(r" and |\. And ", text)
    assert first == second == third
    with pytest.raises(KeyError):
        words.compose(random.Random(3), book, "{nothing of the kind}")


def test_every_language_speaks_of_everything() -> None:
    for language in words.LANGUAGES:
        book = words.book(language)
        assert set(book.topics) == set(subjects.TOPICS)
        assert set(book.goods) == set(subjects.GOODS)
        assert set(book.events) == set(subjects.EVENTS)


def test_every_picture_that_is_asked_for_can_be_painted() -> None:
    asked = set(gallery.COVERS) | set(subjects.VARIANTS) | gallery.UPRIGHT
    asked |= {name for among, _ in subjects.TOPICS.values() for name in among}
    asked |= {name for goods in subjects.GOODS.values() for name in goods.pictures}
    asked |= {name for *_, among in subjects.EVENTS.values() for name in among}
    assert asked == set(gallery.SUBJECTS)


# ---- pictures


def test_every_subject_is_a_picture_of_its_own() -> None:
    found = set()
    for subject in gallery.SUBJECTS:
        image = pyvips.Image.pngload_buffer(data := gallery.paint(subject, "0"))
        assert (image.width, image.height) in {(864, 648), (720, 900)}
        assert image.deviate() > 10, f"{subject} is blank"
        found.add(data)
    assert len(found) == len(gallery.SUBJECTS)


@pytest.mark.parametrize("subject", ["night", "dish", "carpet"])
def test_the_same_seed_paints_the_same_bytes(subject: str) -> None:
    assert gallery.paint(subject, "1") == gallery.paint(subject, "1") != gallery.paint(subject, "2")
    cover = pyvips.Image.pngload_buffer(gallery.paint(subject, "1", cover=True))
    assert (cover.width, cover.height) == (1600, 900)


def test_faces_differ_and_stay_the_same() -> None:
    drawn = [
        faces.portrait(f"7 {n}", gender, age, local=local)
        for n, (gender, age, local) in enumerate(
            itertools.product(("female", "male"), (18, 35, 50, 70), (True, False))
        )
    ]
    assert len(set(drawn)) == len(drawn)
    assert faces.portrait("7 0", "female", 18, local=True) == drawn[0]
    assert faces.sign("a") == faces.sign("a") != faces.sign("b")


def test_homes_lie_in_their_districts(planned: Town) -> None:
    for one in planned.residents:
        assert abs(one.home.lat - one.district.lat) < 0.08 and abs(one.home.lng - one.district.lng) < 0.08
    kabul, herat = people.cities()
    assert all(34.4 < one.lat < 34.7 and 69.0 < one.lng < 69.4 for one in kabul.districts)
    assert all(34.2 < one.lat < 34.5 and 62.0 < one.lng < 62.4 for one in herat.districts)


# ---- filling


def counted(world: World, table: str) -> int:
    return int(world.sql(f"SELECT count(*) AS n FROM {table}")[0]["n"])


def test_a_town_is_stored_and_can_be_looked_at(clone: World, capsys: pytest.CaptureFixture[str]) -> None:
    made = demo.fill(clone.app.settings, clone.url, users=8, seed=3)
    shown = capsys.readouterr().out
    assert made.email in shown and made.password in shown and "/api/v1/posts/nearby?" in shown
    assert counted(clone, "users") == made.people == 8
    assert counted(clone, "posts") == made.posts
    assert counted(clone, "post_comments") == made.comments
    assert counted(clone, "user_follows") == made.follows
    assert counted(clone, "post_likes") + counted(clone, "post_comment_likes") == made.likes
    assert counted(clone, "user_polls") == made.votes
    assert counted(clone, "post_bookmarks") == made.bookmarks
    assert counted(clone, "uploads WHERE attached = 0") == 0

    body = {"email": made.email, "password": made.password}
    signed_in = clone.post("/api/v1/auth/login", json=body).json()
    auth = {"Authorization": f"Bearer {signed_in['access_token']}"}
    profile = signed_in["user"]["profile"]
    assert profile["is_complete"] and profile["avatar"]["width"] == 400
    path = profile["avatar"]["url"].partition("/media/")[2]
    assert len(clone.go(clone.app.files.get(path))) == profile["avatar"]["size"]
    where = f"lat={profile['location']['lat']}&lng={profile['location']['lng']}&radius_km=100"
    feed = clone.get("/api/v1/posts?limit=100", headers=auth).json()["data"]
    assert clone.get(f"/api/v1/posts/nearby?{where}", headers=auth).json()["data"]
    assert clone.get("/api/v1/posts/trending", headers=auth).json()["data"]
    times = [datetime.fromisoformat(post["created_at"]) for post in feed]
    assert times == sorted(times, reverse=True)
    assert times[0] - times[-1] > timedelta(days=30)


def test_every_sell_category_is_one_of_a_fresh_database(world: World) -> None:
    names = {row["name"] for row in world.sql("SELECT name FROM sell_categories WHERE status = 'ACTIVE'")}
    assert {goods.category for goods in subjects.GOODS.values()} <= names


def test_no_mail_is_written_to_the_people_of_a_town(clone: World) -> None:
    demo.fill(clone.app.settings, clone.url, users=3, seed=1)
    assert clone.drain() > 3
    assert clone.mails() == []


def test_pictures_and_goods_are_stored_as_planned(clone: World) -> None:
    demo.fill(clone.app.settings, clone.url, users=8, seed=3)
    wanted = town.plan(8, 3, NOW)
    rows = clone.sql(
        """SELECT p.title, p.description, p.price, p.free, c.name, json_array_length(p.attachments) AS pictures
        FROM posts p LEFT JOIN sell_categories c ON c.id = p.category_id WHERE p.original_post_id IS NULL"""
    )
    stored = sorted((r["title"] or "", r["description"], r["name"], r["price"], r["pictures"]) for r in rows)
    assert stored == sorted(
        (
            p.title or "",
            p.text,
            p.sale.category if p.sale else None,
            p.sale.price if p.sale else None,
            len(p.pictures),
        )
        for p in wanted.posts
    )
    assert any(row["name"] for row in rows) and any(row["pictures"] for row in rows)


def test_a_place_where_people_live_is_refused(clone: World) -> None:
    clone.person("Amina")
    with pytest.raises(demo.DemoRefused, match="people here already"):
        demo.fill(clone.app.settings, clone.url, users=2, seed=1)
    assert counted(clone, "users") == 1
    assert demo.fill(clone.app.settings, clone.url, users=2, seed=1, force=True).people == 2
    assert counted(clone, "users") == 3


def test_the_same_town_twice_is_refused_and_leaves_nothing(clone: World) -> None:
    demo.fill(clone.app.settings, clone.url, users=2, seed=1)
    before = counted(clone, "posts")
    with pytest.raises(demo.DemoRefused, match="seed 1"):
        demo.fill(clone.app.settings, clone.url, users=6, seed=1, force=True)
    assert (counted(clone, "users"), counted(clone, "posts")) == (2, before)


@pytest.mark.settings(mode="production")
def test_production_is_refused(clone: World) -> None:
    with pytest.raises(demo.DemoRefused, match="production"):
        demo.fill(clone.app.settings, clone.url, users=2, seed=1)
    assert counted(clone, "users") == 0


def test_everybodys_password_passes_the_rules() -> None:
    identity.check_strength(demo.PASSWORD)
