"""Looking for people by words that few, many or all of them have: everybody once, in the order of their names."""

from collections.abc import Callable
from typing import Any

import pytest

from majlis.features.graph import store
from majlis.features.search import service as search
from tests.features.queries import counted
from tests.world import Person, World

PEOPLE, EVERYTHING = "/api/v1/users/search", "/api/v1/search"
# The names of a crowd: all of them have a word in common, most have another, two of them are called the same.
NAMES = [
    ("Zia", "Walnut"), ("Ada", "Walnut Almond"), ("Bea", "Walnut"), ("Bea", "Walnut"), ("Walnut", None),
    ("Cem", "Walnut Almond"), ("Dor", "Walnut"), (None, "Walnut"), ("Émile", "Walnut"), ("ایلا", "Walnut Almond"),
    ("walnuts", "Fig"), ("Gul", "walnut Almond"), ("Ida", "Walnut"), ("Jon", "Almond Walnut"), ("Kim", "Walnut"),
    ("Lea", "Walnut"),
]  # fmt: skip
# How many names are looked through at first, brought by the index of words, and looked through then: whichever of
# the ways to somebody is taken, everybody is found.
SIZES = [(100, 300, 3000), (0, 300, 0), (0, 1, 3), (0, 1, 0), (4, 1, 8), (12, 2, 30), (30, 1, 30), (7, 4, 15)]


def rename(world: World, person: Person, first: str | None, last: str | None) -> None:
    sql = "UPDATE profiles SET first_name = $2, last_name = $3 WHERE id = $1 RETURNING 1"
    world.sql(sql, person.id, first, last)


class Crowd:
    """People of these names; of every fourth the name is hidden, of every fifth that they are there."""

    def __init__(self, world: World) -> None:
        self.world, self.viewer = world, world.person("Viewer")
        self.people = [world.person() for _ in NAMES]
        for person, (first, last) in zip(self.people, NAMES, strict=True):
            rename(world, person, first, last)
        for person in self.people[3::4]:
            self.hide(person, "full_name_visibility")
        for person in self.people[4::5]:
            self.hide(person, "discoverability_visibility")
        world.post(f"/api/v1/users/{self.viewer.id}/block", self.people[6])
        world.sql("UPDATE profiles SET suspended = true WHERE id = $1 RETURNING 1", self.people[0].id)

    def hide(self, person: Person, what: str) -> None:
        answer = self.world.put("/api/v1/settings/privacy", person, {what: "Only me"})
        assert answer.status_code == 200, answer.text

    def expected(self, word: str) -> list[str]:
        """Whom the viewer should find by a word, in order."""
        hidden = {0, 6, *range(3, len(NAMES), 4), *range(4, len(NAMES), 5)}
        found = []
        for number, (parts, person) in enumerate(zip(NAMES, self.people, strict=True)):
            name = " ".join(part for part in parts if part).lower()
            if number not in hidden and any(part.startswith(word) for part in name.split()):
                found.append((name, person.id))
        return [str(person_id) for _, person_id in sorted(found)]

    def page(self, word: str, **more: Any) -> dict[str, Any]:
        answer = self.world.get(PEOPLE, self.viewer, params={"q": word, **more})
        assert answer.status_code == 200, answer.text
        body: dict[str, Any] = answer.json()
        return body

    def by_cursor(self, word: str, limit: int) -> list[str]:
        found: list[str] = []
        more: dict[str, Any] = {}
        while True:
            body = self.page(word, limit=limit, **more)
            found += [one["id"] for one in body["data"]]
            if body["next_cursor"] is None:
                return found
            assert len(body["data"]) == limit and len(found) < len(NAMES)
            more = {"cursor": body["next_cursor"]}


@pytest.fixture
def sized(monkeypatch: pytest.MonkeyPatch) -> Callable[[tuple[int, int, int]], None]:
    def patch(sizes: tuple[int, int, int]) -> None:
        for name, size in zip(("EARLY", "FEW", "LATER"), sizes, strict=True):
            monkeypatch.setattr(store, name, size)

    return patch


@pytest.mark.rule("hamsaya:110", "hamsaya:160", "hamsaya:149")
def test_everybody_whom_words_find_comes_once_and_by_name(world: World, sized: Any) -> None:
    crowd = Crowd(world)
    sizes_found = [len(crowd.expected(word)) for word in ("walnut", "almond", "fig", "ada", "zia")]
    assert sizes_found == [7, 3, 1, 1, 0]
    for sizes in SIZES:
        sized(sizes)
        for word in ("walnut", "almond", "fig", "ada", "wal", "zia", "dor"):
            everybody = crowd.expected(word)
            for limit in (1, 2, 5, 20):
                assert crowd.by_cursor(word, limit) == everybody, (sizes, word, limit)
            for offset in range(0, 8, 3):
                body = crowd.page(word, limit=2, offset=offset)
                assert [one["id"] for one in body["data"]] == everybody[offset : offset + 2], (
                    sizes,
                    word,
                    offset,
                )
                assert body["total"] == len(everybody)
                assert (body["next_cursor"] is None) == (offset + 2 >= len(everybody))


@pytest.mark.rule("hamsaya:110", "hamsaya:160")
def test_a_search_of_everything_shows_the_first_and_counts_up_to_a_ceiling(
    world: World, sized: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    crowd = Crowd(world)
    for ceiling in (3, 6, 40):
        monkeypatch.setattr(search, "COUNTED", ceiling)
        for sizes in SIZES:
            sized(sizes)
            for word in ("walnut", "almond", "dor"):
                everybody = crowd.expected(word)
                for limit in (1, 4, 5):
                    params = {"q": word, "limit": limit}
                    body = world.get(EVERYTHING, crowd.viewer, params=params).json()
                    assert [one["id"] for one in body["users"]] == everybody[:limit], (sizes, word, limit)
                    assert body["totals"]["users"] == min(ceiling, len(everybody))


def test_the_owner_of_an_address_comes_first_and_once(world: World, sized: Any) -> None:
    crowd = Crowd(world)
    owner = crowd.people[8]
    # A name may look like an address: then others are found by it too.
    others = [crowd.people[n] for n in (1, 2, 10)]
    for person in [*others, owner]:
        rename(world, person, owner.email, None)
    everybody = [str(owner.id), *sorted(str(person.id) for person in others)]
    for sizes in SIZES:
        sized(sizes)
        for limit in (1, 2, 5):
            assert crowd.by_cursor(owner.email, limit) == everybody
        assert crowd.page(owner.email, offset=1, limit=2)["total"] == 4
        assert [one["id"] for one in crowd.page(owner.email, offset=1, limit=2)["data"]] == everybody[1:3]
    world.put("/api/v1/settings/privacy", owner, {"discover_by_email": False})
    assert crowd.by_cursor(owner.email, 2) == sorted(everybody)


def test_looking_for_people_costs_one_statement_however_many_there_are(world: World) -> None:
    viewer = world.person("Walnut")

    def cost(path: str) -> int:
        with counted(world) as seen:
            assert world.get(path, viewer).status_code == 200
        return len(seen)

    paths = [f"{PEOPLE}?q=walnut", f"{EVERYTHING}?q=walnut", f"{EVERYTHING}?q=walnut&limit=20"]
    before = [cost(path) for path in paths]
    for _ in range(30):
        world.person("Walnut")
    assert [cost(path) for path in paths] == before
    assert before[0] == 1


def test_names_are_looked_through_by_an_index(world: World) -> None:
    finding = store.Finding(None, "'walnut':*", None, {})
    sql = finding.page_sql(20, 0, (1, "a", world.person().id), 0)

    async def plan() -> str:
        async with world.app.db.tx() as tx:
            await tx.run("SET LOCAL enable_seqscan = off")
            await tx.run("SET LOCAL enable_sort = off")
            rows = await tx.records(f"EXPLAIN {sql}", *finding.args)
        return "\n".join(row[0] for row in rows)

    shown = world.go(plan())
    assert shown.count("using profiles_named") >= 2, shown  # the first names, and the many
