"""Which newest posts a word finds is remembered; who may see them, and what came since, is asked each time."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from majlis.features.browsing import store as browsing
from majlis.features.browsing.model import EVERY_S
from majlis.features.search import service as search
from majlis.features.search import store
from majlis.kit import clock
from tests.features.discovery.mapping import ids
from tests.features.feeds.test_remembered import HIDING, MOMENT, changed, now
from tests.features.graph.test_people import suspend
from tests.features.posts.writing import POSTS, block, write
from tests.features.queries import heard
from tests.features.search.test_search import found
from tests.world import Person, World

__all__ = ["now"]  # the fixture
MUTED = ("of whom the reader muted", "with a word that the reader muted")  # searching finds them
HIDDEN = {name: act for name, act in HIDING.items() if name not in MUTED}


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch, now: datetime) -> None:
    """Few posts are many here: two are enough, three are weighed, five remembered."""
    for of in (browsing, store):
        monkeypatch.setattr(of, "ENOUGH", 2)
    monkeypatch.setattr(search, "WEIGHED", 3)
    monkeypatch.setattr(search, "COUNTED", 2)


def old(world: World, who: Person, *texts: str, **fields: Any) -> list[str]:
    """Posts from before the moment, so that they are remembered rather than looked for; the newest first."""
    made = []
    for n, text in enumerate(texts):
        with clock.shifted(timedelta(minutes=n - 60)):
            made.append(write(world, who, description=text, **fields)["id"])
    return made[::-1]


def asked(world: World, words: str, who: Person | None = None) -> tuple[list[str], int]:
    body = found(world, words, who)
    return ids(body["posts"]), body["totals"]["posts"]


def looking(query: str) -> bool:
    """Whether a statement looks for the newest posts that match, or for all of them."""
    return "step0" in query


def remember(world: World, words: str, who: Person | None = None) -> None:
    """Ask twice; from then on it is remembered."""
    for _ in range(2):
        asked(world, words, who)
    with heard(world, looking) as looks:
        asked(world, words, who)
    assert not looks


def test_a_word_is_looked_for_by_the_first_two_of_a_moment(world: World) -> None:
    amina, zahir = world.person(), world.person()
    posts = old(world, amina, *["bread"] * 4)
    for who, looks in ((amina, 1), (zahir, 1), (amina, 0), (None, 0)):
        with heard(world, looking) as seen:
            assert asked(world, "bread", who) == (posts[:3], 2)
        assert len(seen) == looks
    with clock.shifted(MOMENT), heard(world, looking) as seen:
        for _ in range(2):
            assert asked(world, "bread", zahir) == (posts[:3], 2)
    assert len(seen) == 1, "who goes on asking in the next moment looks once"
    with heard(world, looking) as seen:
        assert asked(world, "brea", zahir) == (posts[:3], 2)
    assert len(seen) == 1, "another word is not this one"


@pytest.mark.rule("hamsaya:110")
def test_places_narrow_down_what_is_remembered(world: World) -> None:
    amina = world.person()
    kabul = old(world, amina, "bread", "bread", "bread", province="Kabul")
    herat = old(world, amina, "bread", "bread", "bread", province="Herat")
    for _ in range(4):
        for place, posts in (("Kabul", kabul), ("Herat", herat), ("Ghor", [])):
            assert ids(found(world, "bread", province=place)["posts"]) == posts


@pytest.mark.rule("hamsaya:89", "hamsaya:149")
@pytest.mark.parametrize("act", list(HIDDEN.values()), ids=list(HIDDEN))
def test_what_was_hidden_since_is_not_found(world: World, act: Callable[..., object]) -> None:
    amina, other, zahir = world.person(), world.person(), world.person()
    (hidden,) = old(world, amina, "bread bread")
    shown = old(world, other, "bread", "bread")
    remember(world, "bread", zahir)
    assert asked(world, "bread", zahir)[0] == [hidden, *shown]
    act(world, amina, zahir, hidden)
    with heard(world, looking) as looks:
        assert asked(world, "bread", zahir) == (shown, 2)
    assert not looks


def test_what_came_or_went_since_counts(world: World) -> None:
    amina, zahir = world.person(), world.person()
    posts = old(world, amina, *["bread"] * 4)
    remember(world, "bread", zahir)
    with heard(world, looking) as looks:
        new = write(world, zahir, description="bread bread")["id"]
        assert asked(world, "bread", amina)[0] == [new, *posts[:2]]
        changed(world, amina, posts[0], description="rice")
        assert asked(world, "bread", zahir)[0] == [new, *posts[1:3]]
        world.delete(f"{POSTS}/{new}", zahir)
        assert asked(world, "bread", zahir)[0] == posts[1:4]
    assert not looks


def test_an_older_post_that_was_changed_is_found_within_two_moments(world: World) -> None:
    amina = world.person()
    other, *posts = old(world, amina, "bread", "bread", "bread", "bread", "rice")
    remember(world, "bread")
    changed(world, amina, other, description="bread bread")
    for seconds, first in ((0, posts[0]), (EVERY_S, other), (2 * EVERY_S, other)):
        with clock.shifted(timedelta(seconds=seconds)):
            assert asked(world, "bread")[0][0] == first


@pytest.mark.rule("hamsaya:89")
@pytest.mark.parametrize(
    "act",
    [
        lambda world, amina, zahir: suspend(world, amina),
        lambda world, amina, zahir: block(world, zahir, amina),
    ],
    ids=["suspended", "blocked"],
)
def test_what_is_hidden_of_all_that_is_remembered_ends_no_search(
    world: World, act: Callable[[World, Person, Person], object]
) -> None:
    amina, other, zahir = world.person(), world.person(), world.person()
    posts = old(world, other, "bread", "bread", "bread", "bread")
    with clock.shifted(timedelta(minutes=30)):
        old(world, amina, *["bread"] * 6)
    remember(world, "bread", zahir)
    act(world, amina, zahir)
    assert asked(world, "bread", zahir) == (posts[:3], 2)


def test_of_words_that_few_posts_hold_nothing_is_remembered(world: World) -> None:
    amina = world.person()
    (post,) = old(world, amina, "bread")
    rice, *_ = old(world, amina, "rice", "rice")
    remember(world, "bread")
    assert asked(world, "bread") == ([post], 1)
    changed(world, amina, rice, description="bread bread")
    assert asked(world, "bread") == ([rice, post], 2)
