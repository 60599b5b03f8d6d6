"""Documents: values, versions, updates of replicas, sharing."""

import asyncio
import base64
import uuid
from typing import Any

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pycrdt import Array, Doc, Map, Text

from majlis.features.documents import service as documents
from majlis.kit import crdt
from tests.features.queries import counted
from tests.waiting import until_waiting
from tests.world import Person, World

ALL = "/api/v1/documents"


def make(world: World, who: Person, *others: Person, **content: Any) -> Any:
    body = {"title": "Guests", "content": content, "collaborators": [str(one.id) for one in others]}
    answer = world.post(ALL, who, json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()


def patch(world: World, who: Person, made: Any, changes: Any, version: int | None = None) -> Any:
    body = {"changes": changes} | ({} if version is None else {"version": version})
    return world.request("PATCH", f"{ALL}/{made['id']}", who, json=body)


def get(world: World, who: Person, made: Any) -> Any:
    answer = world.get(f"{ALL}/{made['id']}", who)
    assert answer.status_code == 200, answer.text
    return answer.json()


class Replica:
    """A copy on a device, which may be offline."""

    def __init__(self, world: World, who: Person, made: Any) -> None:
        self.world, self.who, self.path = world, who, f"{ALL}/{made['id']}/updates"
        self.doc: Doc[Any] = Doc()
        self.content = self.doc.get("content", type=Map)
        self.known = self.doc.get_state()
        self.pull()

    def pull(self) -> int:
        """Fetch what is missing; the version with it."""
        vector = base64.b64encode(self.doc.get_state()).decode()
        answer = self.world.get(self.path, self.who, params={"vector": vector})
        assert answer.status_code == 200, answer.text
        self.doc.apply_update(base64.b64decode(answer.json()["update"]))
        return int(answer.json()["version"])

    def push(self) -> int:
        """Send all that was changed here; the version with it."""
        update = self.doc.get_update(self.known)
        answer = self.world.post(self.path, self.who, json={"update": base64.b64encode(update).decode()})
        assert answer.status_code == 200, answer.text
        self.known = self.doc.get_state()
        return int(answer.json()["version"])


def told(world: World, who: Person) -> list[Any]:
    """What is told to somebody's sockets from now on."""
    found: list[Any] = []
    world.app.bus.subscribe(f"live:{who.id}", lambda payload: found.append(msgspec.json.decode(payload)))
    return found


@pytest.mark.rule("starter:D12")
def test_a_patch_is_shallow_and_null_deletes(world: World) -> None:
    amina = world.person()
    made = make(world, amina, bread=1, guests={"first": "Dara"}, gone=True)
    assert made["content"] == {"bread": 1, "guests": {"first": "Dara"}, "gone": True} and made["version"] == 1
    changes = {
        "guests": {"second": "Bilal"},
        "gone": None,
        "never": None,
        "half": 0.5,
        "many": [1, None, "x"],
    }
    answer = patch(world, amina, made, changes)
    expected = {"bread": 1, "guests": {"second": "Bilal"}, "half": 0.5, "many": [1, None, "x"]}
    assert (answer.status_code, answer.json()["content"], answer.json()["version"]) == (200, expected, 2)
    assert get(world, amina, made) == answer.json()


@pytest.mark.rule("starter:D12")
@pytest.mark.rule("starter:R33")
def test_a_stale_version_is_a_conflict(world: World) -> None:
    amina = world.person()
    made = make(world, amina, bread=1)
    assert patch(world, amina, made, {"bread": 2}, version=1).status_code == 200
    stale = patch(world, amina, made, {"bread": 3}, version=1)
    assert (stale.status_code, stale.json()["error"]["code"]) == (409, "stale_version")
    assert patch(world, amina, made, {"bread": 4}, version=2).json()["content"] == {"bread": 4}
    assert patch(world, amina, made, {"milk": 1}).json()["version"] == 4


def test_of_two_with_one_version_one_wins(clone: World) -> None:
    amina = clone.person()
    made = make(clone, amina, bread=1)

    async def both() -> list[int]:
        async with clone.app.db.tx() as tx:
            await tx.run("SELECT 1 FROM documents WHERE id = $1 FOR UPDATE", uuid.UUID(made["id"]))
            work = [
                asyncio.ensure_future(
                    clone.http.patch(
                        f"{ALL}/{made['id']}",
                        json={"changes": {f"k{n}": n}, "version": 1},
                        headers=amina.auth,
                    )
                )
                for n in range(2)
            ]
            await until_waiting(clone, 2, *work)
        return sorted([(await one).status_code for one in work])

    assert clone.go(both()) == [200, 409]
    assert len(get(clone, amina, made)["content"]) == 2


def test_who_may_see_and_change_it(world: World) -> None:
    amina, bilal, dara = world.person(), world.person(), world.person()
    made = make(world, amina, bilal)
    assert made["collaborators"] == [str(bilal.id)]
    assert patch(world, bilal, made, {"bread": 1}).status_code == 200
    assert world.get(f"{ALL}/{made['id']}", dara).status_code == 404
    assert patch(world, dara, made, {"bread": 1}).status_code == 404
    people = f"{ALL}/{made['id']}/collaborators"
    assert world.post(people, bilal, json={"user_id": str(dara.id)}).status_code == 403
    added = world.post(people, amina, json={"user_id": str(dara.id)})
    assert added.json()["collaborators"] == [str(bilal.id), str(dara.id)]
    assert world.post(people, amina, json={"user_id": str(uuid.uuid4())}).status_code == 404
    assert world.delete(f"{people}/{bilal.id}", dara).status_code == 403
    assert world.delete(f"{people}/{bilal.id}", amina).json()["collaborators"] == [str(dara.id)]
    assert world.delete(f"{people}/{bilal.id}", amina).status_code == 404
    assert world.get(f"{ALL}/{made['id']}", bilal).status_code == 404
    assert world.delete(f"{ALL}/{made['id']}", dara).status_code == 403
    assert world.delete(f"{ALL}/{made['id']}", amina).status_code == 204
    assert world.get(f"{ALL}/{made['id']}", amina).status_code == 404


def test_nobody_shares_across_a_block(world: World) -> None:
    amina, bilal = world.person(), world.person()
    made = make(world, amina, bilal)
    assert world.post(f"/api/v1/users/{bilal.id}/block", amina).is_success
    assert world.get(f"{ALL}/{made['id']}", bilal).status_code == 404
    body = {"title": "x", "collaborators": [str(amina.id)]}
    assert world.post(ALL, bilal, json=body).status_code == 404


@pytest.mark.parametrize("owner_blocks", [True, False])
def test_nobody_hears_of_changes_across_a_block(world: World, owner_blocks: bool) -> None:
    amina, bilal, dara = world.person(), world.person(), world.person()
    made = make(world, amina, bilal, dara)
    to_bilal, to_dara = told(world, bilal), told(world, dara)
    blocker, blocked = (amina, bilal) if owner_blocks else (bilal, amina)
    assert world.post(f"/api/v1/users/{blocked.id}/block", blocker).is_success
    assert patch(world, amina, made, {"secret": 1}).status_code == 200
    assert [one["changes"] for one in to_dara] == [{"secret": 1}]
    assert to_bilal == []


@pytest.mark.rule("starter:R35")
def test_all_but_the_editor_are_told(world: World) -> None:
    amina, bilal = world.person(), world.person()
    made = make(world, amina, bilal)
    to_amina, to_bilal = told(world, amina), told(world, bilal)
    patch(world, bilal, made, {"bread": 1})
    replica = Replica(world, amina, made)
    replica.content["milk"] = 2
    replica.push()
    replica.push()  # again: nothing is new
    for heard, editor, changes in ((to_amina, bilal, {"bread": 1}), (to_bilal, amina, {"milk": 2})):
        (one,) = heard
        assert one["type"] == "document_updated" and one["document_id"] == made["id"]
        assert (one["updated_by"], one["changes"]) == (str(editor.id), changes)


def test_what_cannot_be_merged(world: World) -> None:
    amina = world.person()
    made = make(world, amina)
    path = f"{ALL}/{made['id']}/updates"
    deep: Doc[Any] = Doc()
    deep.get("content", type=Map)["k"] = "PLACE"
    update = deep.get_update()
    at = update.index(b"w\x05PLACE")
    nested = update[:at] + b"u\x01" * 32_000 + b"~" + update[at + 7 :]
    for given_ in (b"", b"\xff" * 40, b"\x01\x02\x03", nested):
        answer = world.post(path, amina, json={"update": base64.b64encode(given_).decode()})
        assert answer.status_code == 422, answer.text
        assert answer.json()["error"]["details"][0]["field"] == "update"
    assert world.post(path, amina, json={"update": "no base64!"}).status_code == 422
    assert world.get(path, amina, params={"vector": "////"}).status_code == 422
    assert get(world, amina, made)["version"] == 1


def test_limits(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    amina = world.person()
    made = make(world, amina)
    assert patch(world, amina, made, {"k": "x" * 50_000}).status_code == 422
    monkeypatch.setattr(documents, "MAX_STATE", 500)
    answer = patch(world, amina, made, {"k": "x" * 600})
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "document_too_large")
    assert get(world, amina, made)["version"] == 1
    assert world.post(ALL, amina, json={"title": "  "}).status_code == 422


def test_old_updates_are_folded(world: World) -> None:
    amina = world.person()
    made = make(world, amina)
    late = Replica(world, amina, made)
    for number in range(documents.FOLD_FROM + 5):
        patch(world, amina, made, {f"k{number % 7}": number})
    rows = world.sql("SELECT count(*) AS n, min(version) AS first FROM document_updates")[0]
    assert rows["n"] == documents.KEEP + 5
    assert late.pull() == documents.FOLD_FROM + 6
    assert late.content.to_py() == get(world, amina, made)["content"]
    late.content["late"] = True
    late.push()
    assert get(world, amina, made)["content"]["late"] is True


def test_a_page_of_documents_costs_the_same_however_many(world: World) -> None:
    amina, bilal = world.person(), world.person()
    make(world, amina)
    with counted(world) as one:
        assert len(world.get(ALL, amina).json()["data"]) == 1
    shared = [make(world, bilal, amina)["id"] for _ in range(3)]
    with counted(world) as four:
        found = [line["id"] for line in world.get(ALL, amina).json()["data"]]
    assert len(one) == len(four) and found[:3] == shared[::-1]
    first = world.get(ALL, amina, params={"limit": 3}).json()
    second = world.get(ALL, amina, params={"limit": 3, "cursor": first["next_cursor"]}).json()
    assert [line["id"] for line in first["data"] + second["data"]] == found


def test_editors_meet_in_a_room(world: World) -> None:
    amina, bilal, dara = world.person(), world.person(), world.person()
    made = make(world, amina, bilal)
    room = f"/api/v1/rooms/document:{made['id']}"
    assert world.put(room, amina).status_code == 200
    assert world.put(room, bilal).json()["users"] == [str(amina.id), str(bilal.id)]
    assert world.put(room, dara).status_code == 404 and world.get(room, dara).status_code == 404
    world.delete(f"{ALL}/{made['id']}/collaborators/{bilal.id}", amina)
    assert world.get(room, amina).json()["users"] == [str(amina.id)]


# ---- replicas


def test_offline_edits_converge(world: World) -> None:
    amina, bilal = world.person(), world.person()
    made = make(world, amina, bilal, title="bread")
    one, two = Replica(world, amina, made), Replica(world, bilal, made)
    for replica, word in ((one, "salaam "), (two, "alaykum ")):
        replica.content["title"] = word
        replica.doc.get("text", type=Text).insert(0, word)
    two.push()
    one.push()
    patch(world, amina, made, {"milk": 3})
    one.pull()
    two.pull()
    texts = {str(replica.doc.get("text", type=Text)) for replica in (one, two)}
    assert len(texts) == 1 and {*texts.pop().split()} == {"salaam", "alaykum"}
    assert one.content.to_py() == two.content.to_py() == get(world, amina, made)["content"]


KEYS = st.sampled_from("abc")
VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(-5, 5), st.text(max_size=3), st.lists(st.integers(0, 3), max_size=3)
)
EDITS = st.one_of(
    st.tuples(st.just("set"), KEYS, VALUES),
    st.tuples(st.just("delete"), KEYS, st.none()),
    st.tuples(st.just("insert"), KEYS, st.integers(0, 9)),
    st.tuples(st.just("push"), KEYS, st.none()),
    st.tuples(st.just("pull"), KEYS, st.none()),
)
MERGED = settings(max_examples=40)


class Server:
    """All that a server keeps of a document: updates in the order in which they came, folded now and then."""

    def __init__(self) -> None:
        self.parts: list[bytes] = []

    def take(self, update: bytes) -> None:
        merged = asyncio.run(crdt.merge(self.parts, update))
        if merged.update is not None:
            self.parts = [merged.state] if len(self.parts) % 3 == 2 else [*self.parts, merged.update]

    def patch(self, changes: dict[str, Any]) -> None:
        self.parts.append(asyncio.run(crdt.patch(self.parts, changes)).update or b"\0\0")


class Device:
    """A replica, and the updates of it that were not sent yet."""

    def __init__(self) -> None:
        self.doc: Doc[Any] = Doc()
        self.waiting: list[bytes] = []
        self.content, self.items = self.doc.get("content", type=Map), self.doc.get("items", type=Array)
        self.watching = self.doc.observe(lambda event: self.waiting.append(event.update))

    def take(self, update: bytes) -> None:
        before = len(self.waiting)
        self.doc.apply_update(update)
        del self.waiting[before:]

    def do(self, server: Server, kind: str, key: str, value: Any, backwards: bool) -> None:
        if kind == "set":
            self.content[key] = value
        elif kind == "delete" and key in self.content:
            del self.content[key]
        elif kind == "insert":
            self.items.insert(min(value, len(self.items)), f"{key}{value}")
        elif kind == "push":
            for update in reversed(self.waiting) if backwards else self.waiting:
                server.take(update)
                server.take(update)  # a second time, as after a broken connection
            self.waiting.clear()
        elif kind == "pull":
            self.take(asyncio.run(crdt.missing(server.parts, self.doc.get_state())))


@MERGED
@given(st.lists(st.tuples(st.integers(0, 3), EDITS), max_size=25), st.booleans())
@example(  # the last insertion comes first, and rests on the first, which comes last
    [(1, ("insert", "a", 0)), (1, ("set", "a", None)), (1, ("delete", "a", None)), (1, ("insert", "a", 0))],
    True,
)
def test_whatever_happens_all_replicas_converge(steps: list[Any], backwards: bool) -> None:
    server, devices = Server(), [Device() for _ in range(3)]
    for who, (kind, key, value) in steps:
        if who == 3:
            server.patch({key: value})
        else:
            devices[who].do(server, kind, key, value, backwards)
    for device in devices:
        device.do(server, "push", "a", None, backwards)
    for device in devices:
        device.do(server, "pull", "a", None, backwards)
    shown = asyncio.run(crdt.content(server.parts))
    for device in devices:
        assert device.content.to_py() == shown
        assert device.items.to_py() == devices[0].items.to_py()


def test_without_merging_they_do_not() -> None:
    """The control: two who write the whole content in turn end up with what only one of them wrote."""
    one, two = {"bread": 1}, {"milk": 2}
    assert asyncio.run(crdt.content([])) == {}
    merged = asyncio.run(crdt.patch([asyncio.run(crdt.patch([], one)).state], two)).content
    assert merged == one | two != two


# Well-formed, but a value stands in what can hold none.
CROOKED = bytes.fromhex(
    "010bad85d2f0d7dcbc0600210107636f6e74656e74016101270107636f6e74656e740174020400ad85d2f0d7dcbc0601"
    "0368656c84ad85d2f0d7dcbc0604086c6f20776f726c64270107636f6e74656e74016c000800ad85d2f0d7dcbc060901"
    "7c3f80000081ad85d2f0d7dcbc060e0188ad85d2f0d7dcbc060f0176010178770179270107636f6e74656e74016d0128"
    "00ad85d2f0d7bc06ffffffff0f016b0175027c3f8000007c40000000c4ad85d2f0d7dcbc0604ad85d2f0d7dcbc0a0502"
    "7a7a01ad85d2f0d7dcbc060200010f01"
)


def test_an_update_that_cannot_be_fitted_in_is_refused(world: World) -> None:
    amina = world.person()
    made = make(world, amina)
    answer = world.post(
        f"{ALL}/{made['id']}/updates", amina, json={"update": base64.b64encode(CROOKED).decode()}
    )
    assert answer.status_code == 422, answer.text
    assert get(world, amina, made)["version"] == 1
