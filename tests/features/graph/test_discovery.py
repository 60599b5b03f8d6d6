"""Who is found, who may be written to and who may be mentioned, by their settings."""

import base64

import pytest

from majlis.features.graph import service as graph
from majlis.kit.errors import Unauthenticated
from majlis.kit.me import Me
from tests.features.graph.test_follows import follow
from tests.features.graph.test_people import found, suspend
from tests.world import Person, World

AUDIENCES = ("Anyone on Hamsaya", "People I follow", "Only me")
PHONE = "+93700123456"


class People:
    """Somebody with a phone, whom they follow, who follows them, and a stranger."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.zarina = world.person("Zarina")
        world.put("/api/v1/users/me", self.zarina, {"last_name": "Qasimi", "phone": PHONE})
        self.followed, self.follower, self.stranger = (
            world.person("Followed"), world.person("Follower"), world.person("Stranger"),
        )  # fmt: skip
        follow(world, self.zarina, self.followed)
        follow(world, self.follower, self.zarina)

    def choose(self, **values: object) -> None:
        answer = self.world.put("/api/v1/settings/privacy", self.zarina, values)
        assert answer.status_code == 200, answer.text

    def finders(self, q: str) -> set[str]:
        """Who finds Zarina by these words, in pages and in the count."""
        names = set()
        for name in ("followed", "follower", "stranger", "zarina"):
            viewer: Person = getattr(self, name)
            is_found = str(self.zarina.id) in found(self.world, viewer, q)
            counted = self.world.get("/api/v1/users/search", viewer, params={"q": q, "offset": 0}).json()
            assert counted["total"] == len(counted["data"])
            assert is_found == (str(self.zarina.id) in [one["id"] for one in counted["data"]])
            alias = self.world.get("/api/v1/search/users", viewer, params={"q": q})
            assert is_found == (str(self.zarina.id) in alias.text)
            names |= {name} if is_found else set()
        return names


EVERYONE = {"followed", "follower", "stranger", "zarina"}
BY_AUDIENCE = dict(zip(AUDIENCES, (EVERYONE, {"followed", "zarina"}, {"zarina"}), strict=True))


@pytest.mark.rule("hamsaya:160")
@pytest.mark.parametrize("audience", AUDIENCES)
def test_discoverability_says_who_finds(world: World, audience: str) -> None:
    people = People(world)
    people.choose(discoverability_visibility=audience)
    for q in ("zarina", "qas", people.zarina.email, PHONE):
        assert people.finders(q) == BY_AUDIENCE[audience], q


@pytest.mark.rule("hamsaya:160")
@pytest.mark.parametrize("audience", AUDIENCES)
def test_nobody_is_found_by_a_name_that_is_hidden(world: World, audience: str) -> None:
    people = People(world)
    people.choose(full_name_visibility=audience)
    for q in ("zarina", "qas", "za qas"):
        assert people.finders(q) == BY_AUDIENCE[audience], q
    for q in (people.zarina.email, PHONE):
        assert people.finders(q) == EVERYONE, q
    (card,) = world.get("/api/v1/users/search", people.stranger, params={"q": PHONE}).json()["data"]
    hidden = audience != AUDIENCES[0]
    assert (card["first_name"], card["last_name"]) == (("Z", None) if hidden else ("Zarina", "Qasimi"))


@pytest.mark.rule("hamsaya:160")
@pytest.mark.parametrize("name, by", [("discover_by_email", "email"), ("discover_by_phone", "phone")])
def test_an_address_or_number_finds_its_owner_only_if_they_want_it(world: World, name: str, by: str) -> None:
    people = People(world)
    words = {"email": people.zarina.email, "phone": PHONE}
    people.choose(**{name: False})
    assert {q: people.finders(words[q]) for q in words} == {
        q: (set() if q == by else EVERYONE) for q in words
    }
    assert people.finders("zarina") == EVERYONE


def test_no_cursor_holds_a_hidden_name(world: World) -> None:
    people = People(world)
    people.choose(full_name_visibility="Only me")
    # Somebody else is found by the same text, so that there is a second page.
    world.put("/api/v1/users/me", people.follower, {"first_name": PHONE.strip("+")})
    world.sql("UPDATE profiles SET first_name = $2 WHERE id = $1 RETURNING 1", people.follower.id, PHONE)
    page = world.get("/api/v1/users/search", people.stranger, params={"q": PHONE, "limit": 1}).json()
    assert [one["id"] for one in page["data"]] == [str(people.zarina.id)]
    cursor = page["next_cursor"]
    assert b"zarina" not in base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).lower()
    rest = world.get(
        "/api/v1/users/search", people.stranger, params={"q": PHONE, "limit": 1, "cursor": cursor}
    ).json()
    assert [one["id"] for one in rest["data"]] == [str(people.follower.id)]
    # A name that may be seen is in it: the look above can tell.
    world.person("Zarina")
    more = world.get("/api/v1/users/search", people.zarina, params={"q": "zarina", "limit": 1}).json()
    cursor = more["next_cursor"]
    assert b"zarina" in base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).lower()


# ---- writing and mentioning


def allowed(world: World, verb: str, who: Person, whom: Person) -> bool:
    async def run() -> bool:
        async with world.app.db.read() as tx:
            return bool(await getattr(graph, verb)(tx, who.me, whom.id))

    return world.go(run())


CHOICES = [
    *(("may_message", "direct_message_visibility", value, who) for value, who in BY_AUDIENCE.items()),
    ("may_mention", "mention_visibility", "Anyone can mention me", EVERYONE),
    ("may_mention", "mention_visibility", "People I follow", {"followed"}),
    ("may_mention", "mention_visibility", "No one", set()),
]


@pytest.mark.rule("hamsaya:160")
@pytest.mark.parametrize("verb, setting, value, allows", CHOICES)
def test_settings_say_who_may_write_and_mention(
    world: World, verb: str, setting: str, value: str, allows: set[str]
) -> None:
    people = People(world)
    people.choose(**{setting: value})
    names = sorted(EVERYONE - {"zarina"})
    may = {name for name in names if allowed(world, verb, getattr(people, name), people.zarina)}
    assert may == allows - {"zarina"}
    if verb == "may_message":
        pages = {
            name: world.get(f"/api/v1/users/{people.zarina.id}", getattr(people, name)).json()
            for name in names
        }
        assert {name for name in names if pages[name]["can_message"]} == may
    assert not allowed(world, verb, people.zarina, people.zarina)


@pytest.mark.rule("hamsaya:149")
@pytest.mark.parametrize("verb", ["may_message", "may_mention"])
def test_nobody_writes_across_a_block_or_to_whom_is_gone(world: World, verb: str) -> None:
    amina, karim, gone = world.person(), world.person(), world.person()
    assert allowed(world, verb, amina, karim) and allowed(world, verb, karim, gone)
    world.post(f"/api/v1/users/{karim.id}/block", amina)
    suspend(world, gone)
    assert not allowed(world, verb, amina, karim)
    assert not allowed(world, verb, karim, amina)
    assert not allowed(world, verb, karim, gone)

    async def nobody() -> None:
        async with world.app.db.read() as tx:
            await getattr(graph, verb)(tx, Me.anonymous, karim.id)

    with pytest.raises(Unauthenticated):
        world.go(nobody())


def test_without_a_row_of_settings_everybody_may(world: World) -> None:
    people = People(world)
    world.sql("DELETE FROM privacy_settings RETURNING 1")
    assert (
        people.finders("zarina") == people.finders(PHONE) == people.finders(people.zarina.email) == EVERYONE
    )
    assert allowed(world, "may_message", people.stranger, people.zarina)
    assert allowed(world, "may_mention", people.stranger, people.zarina)
