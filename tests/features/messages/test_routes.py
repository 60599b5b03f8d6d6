"""Conversations and messages over the engine's own routes."""

from typing import Any
from urllib.parse import quote

from tests.features.posts.writing import block, faults
from tests.features.queries import counted
from tests.world import Person, World

ALL = "/api/v1/conversations"
MESSAGES = "/api/v1/conversation-messages"
Json = dict[str, Any]


def made(world: World, who: Person, *others: Person, **fields: Any) -> Json:
    answer = world.post(ALL, who, {"user_ids": [str(other.id) for other in others], **fields})
    assert answer.status_code in (200, 201), answer.text
    found: Json = answer.json()
    return found


def of(conversation: Json, tail: str = "/messages") -> str:
    return f"{ALL}/{conversation['id']}{tail}"


def say(world: World, who: Person, conversation: Json, text: str = "salaam", **fields: Any) -> Json:
    answer = world.post(of(conversation), who, {"text": text, **fields})
    assert answer.status_code == 201, answer.text
    found: Json = answer.json()
    return found


def texts(world: World, who: Person, conversation: Json, **query: Any) -> list[str]:
    answer = world.get(of(conversation), who, params=query)
    assert answer.status_code == 200, answer.text
    return [message["text"] for message in answer.json()["data"]]


def test_one_person_is_a_dm_and_several_are_a_group(world: World) -> None:
    amina, karim, leila = world.person(), world.person("Karim"), world.person()
    dm = made(world, amina, karim)
    assert (dm["kind"], dm["other_id"], dm["name"]) == ("dm", str(karim.id), None)
    again = world.post(ALL, karim, {"user_ids": [str(amina.id)]})
    assert (again.status_code, again.json()["id"]) == (200, dm["id"])
    group = made(world, amina, karim, leila, name="Bakers")
    assert (group["kind"], group["other_id"], group["name"]) == ("group_dm", None, "Bakers")
    members = world.get(of(group, "/members"), leila).json()["data"]
    assert {one["id"] for one in members} == {str(one.id) for one in (amina, karim, leila)}
    listed = world.get(ALL, leila).json()["data"]
    assert [one["id"] for one in listed] == [group["id"]]
    assert [one["id"] for one in world.get("/api/v1/chat/conversations", amina).json()["data"]] == [dm["id"]]
    assert world.get(f"/api/v1/chat/conversations/{group['id']}/messages", amina).status_code == 404


def test_a_message_and_all_that_is_done_with_it(world: World) -> None:
    amina, karim = world.person(), world.person()
    group = made(world, amina, karim, name="Two")
    root = say(world, amina, group, "Who bakes?", data={"mood": "hungry"}, client_msg_id="k1")
    assert (root["seq"], root["client_msg_id"], root["data"], root["type"]) == (
        1,
        "k1",
        {"mood": "hungry"},
        "text",
    )
    again = world.post(
        of(group), amina, {"text": "Who bakes?", "data": {"mood": "hungry"}, "client_msg_id": "k1"}
    )
    assert (again.status_code, again.json()["id"]) == (200, root["id"])
    other = world.post(of(group), amina, {"text": "Else", "client_msg_id": "k1"})
    assert (other.status_code, other.json()["error"]["code"]) == (409, "client_msg_id_reused")
    say(world, karim, group, "I", thread_root_id=root["id"])
    say(world, karim, group, "beside")
    assert texts(world, amina, group, thread_root_id=root["id"]) == ["I"]
    path = f"{MESSAGES}/{root['id']}"
    assert world.put(path, amina, {"text": "Who bakes today?"}).json()["text"] == "Who bakes today?"
    reaction = f"{path}/reactions/{quote('🍞')}"
    assert world.put(reaction, karim).json() == {"seq": 5}
    assert world.put(f"{path}/pin", karim).json() == {"seq": 6}
    seen = world.get(path, amina).json()
    assert (seen["reactions"], seen["pinned"]) == ([{"emoji": "🍞", "user_ids": [str(karim.id)]}], True)
    assert texts(world, amina, group, pinned="true") == ["Who bakes today?"]
    assert world.delete(reaction, karim).json() == {"seq": 7}
    assert world.delete(f"{path}/pin", amina).json() == {"seq": 8}
    assert world.delete(path, karim).status_code == 403
    assert world.delete(path, amina).status_code == 204
    assert world.get(path, amina).status_code == 404
    assert texts(world, karim, group) == ["beside", "I"]


def test_pointers(world: World) -> None:
    amina, karim = world.person(), world.person()
    dm = made(world, amina, karim)
    for n in range(3):
        say(world, amina, dm, f"m{n}")
    assert world.put(of(dm, "/read"), karim, {"seq": 2}).json() == {"last_read_seq": 2}
    assert world.get(of(dm, ""), karim).json()["unread_count"] == 1
    assert world.put(of(dm, "/unread"), karim, {"seq": 1}).json() == {"last_read_seq": 0}
    assert world.get(of(dm, ""), karim).json()["unread_count"] == 3
    assert faults(world.put(of(dm, "/read"), karim, {"seq": -1})) == {"seq"}
    assert faults(world.put(of(dm, "/read"), karim, {"seq": 10**30})) == {"seq"}


def test_coming_and_going(world: World) -> None:
    amina, karim, leila = world.person(), world.person(), world.person()
    group = made(world, amina, karim, name="Two")
    say(world, amina, group, "before")
    assert world.post(of(group, "/members"), leila, {"user_ids": [str(leila.id)]}).status_code == 404
    assert world.post(of(group, "/members"), karim, {"user_ids": [str(leila.id)]}).status_code == 200
    assert texts(world, leila, group) == []
    assert world.delete(of(group, "/members/me"), karim).status_code == 204
    assert world.get(of(group), karim).status_code == 404
    dm = made(world, amina, karim)
    assert world.delete(of(dm, "/members/me"), karim).status_code == 403


def test_channels_have_doors_of_their_own(world: World) -> None:
    amina = world.person()
    group = made(world, amina, world.person(), name="Two")
    message = say(world, amina, group)
    world.sql("UPDATE conversations SET kind = 'channel' RETURNING 1")
    seen = [
        world.get(of(group, ""), amina), world.get(of(group), amina), world.get(of(group, "/members"), amina),
        world.post(of(group), amina, {"text": "a"}), world.put(of(group, "/read"), amina, {"seq": 1}),
        world.put(of(group, "/unread"), amina, {"seq": 1}), world.delete(of(group, "/members/me"), amina),
        world.post(of(group, "/members"), amina, {"user_ids": [str(world.person().id)]}),
        world.get(f"{MESSAGES}/{message['id']}", amina), world.delete(f"{MESSAGES}/{message['id']}", amina),
        world.put(f"{MESSAGES}/{message['id']}", amina, {"text": "b"}),
        world.put(f"{MESSAGES}/{message['id']}/pin", amina), world.delete(f"{MESSAGES}/{message['id']}/pin", amina),
        world.put(f"{MESSAGES}/{message['id']}/reactions/x", amina),
        world.delete(f"{MESSAGES}/{message['id']}/reactions/x", amina),
        world.delete(f"/api/v1/chat/messages/{message['id']}", amina),
    ]  # fmt: skip
    assert {answer.status_code for answer in seen} == {404}
    assert world.get(ALL, amina).json()["data"] == []


def test_wrong_input_is_named(world: World) -> None:
    amina, karim = world.person(), world.person()
    dm = made(world, amina, karim)
    assert faults(world.post(ALL, amina, {"user_ids": []})) == {"user_ids"}
    assert faults(world.post(ALL, amina, {"user_ids": [str(amina.id)]})) == {"user_ids"}
    assert faults(world.post(of(dm), amina, {"text": " "})) == {"text"}
    assert faults(world.post(of(dm), amina, {"text": "a" * 40_001})) == {"text"}
    assert faults(world.post(of(dm), amina, {"text": "a", "data": [1]})) == {"data"}
    assert faults(world.post(of(dm), amina, {"text": "a", "data": {"a": "b" * 20_000}})) == {"data"}
    assert faults(world.post(of(dm), amina, {"text": "a", "type": "t" * 41})) == {"type"}
    assert faults(world.post(of(dm), amina, {"text": "a", "client_msg_id": ""})) == {"client_msg_id"}
    assert faults(world.post(of(dm), amina, {"text": "a", "file_ids": ["x"] * 11})) == {"file_ids"}
    assert faults(world.post(of(dm), amina, {"text": "a", "file_ids": ["x"]})) == {"file_ids[0].url"}
    assert faults(world.post(of(dm), amina, {"text": "a", "seq": 1})) == {"seq"}
    root = say(world, amina, dm, "root")
    answer = say(world, karim, dm, "answer", thread_root_id=root["id"])
    elsewhere = say(world, karim, made(world, karim, world.person()), "elsewhere")
    for wrong in (answer["id"], elsewhere["id"], dm["id"]):
        assert faults(world.post(of(dm), amina, {"text": "a", "thread_root_id": wrong})) == {"thread_root_id"}
    path = f"{MESSAGES}/{root['id']}"
    assert faults(world.put(path, amina, {"text": ""})) == {"text"}
    assert faults(world.put(f"{path}/reactions/{'e' * 65}", amina)) == {"emoji"}
    for n in range(20):
        assert world.put(f"{path}/reactions/e{n}", amina).status_code == 200
    assert faults(world.put(f"{path}/reactions/more", amina)) == {"emoji"}


def test_members_across_a_block_are_not_shown(world: World) -> None:
    amina, karim, leila = world.person(), world.person(), world.person()
    group = made(world, amina, karim, leila)
    block(world, karim, leila)
    members = world.get(of(group, "/members"), leila).json()["data"]
    assert {one["id"] for one in members} == {str(amina.id), str(leila.id)}


def test_lists_take_a_constant_number_of_queries(world: World) -> None:
    amina = world.person()
    group = made(world, amina, world.person(), name="First")
    say(world, amina, group)
    for path in (ALL, of(group), of(group, "/members")):
        with counted(world) as few:
            world.get(path, amina)
        for _ in range(3):
            say(world, amina, made(world, amina, world.person(), name="More"))
            say(world, amina, group)
            world.post(of(group, "/members"), amina, {"user_ids": [str(world.person().id)]})
        with counted(world) as many:
            assert len(world.get(path, amina).json()["data"]) >= 4
        assert len(many) == len(few) <= 4, many
