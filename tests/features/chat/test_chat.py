"""Conversations of two people and what they say there."""

import uuid
from datetime import datetime, timedelta

import pytest

from majlis.kit import clock
from tests.features.chat.chatting import ALL, MESSAGES, listed, of, opened, privacy, say
from tests.features.media.uploads import jpeg
from tests.features.posts.writing import block, faults, friends
from tests.features.queries import counted
from tests.world import Person, World

NOBODY = str(uuid.uuid4())


def pair(world: World) -> tuple[Person, Person]:
    return world.person("Amina"), world.person("Karim")


@pytest.mark.rule("hamsaya:150")
def test_a_conversation_joins_two_with_the_smaller_id_first(world: World) -> None:
    amina, karim = pair(world)
    answer = world.post(ALL, amina, {"user_id": str(karim.id)})
    assert answer.status_code == 201
    found = answer.json()
    assert [found["participant1_id"], found["participant2_id"]] == sorted([str(amina.id), str(karim.id)])
    assert found["other_user"]["first_name"] == "Karim"
    assert (found["last_message_at"], found["last_message"], found["unread_count"]) == (None, None, 0)
    assert found["is_blocked"] is False
    assert set(found) == {
        "id", "participant1_id", "participant2_id", "last_message_at", "created_at", "other_user", "last_message",
        "unread_count", "is_blocked",
    }  # fmt: skip


@pytest.mark.rule("hamsaya:152", "hamsaya:150", "hamsaya:163")
def test_creating_it_again_from_either_side_returns_it(world: World) -> None:
    amina, karim = pair(world)
    first = opened(world, amina, karim)
    for who, other in ((amina, karim), (karim, amina)):
        again = world.post(ALL, who, {"user_id": str(other.id)})
        assert (again.status_code, again.json()["id"]) == (200, first["id"])
    assert len(world.sql("SELECT 1 FROM conversations")) == 1


@pytest.mark.rule("hamsaya:150")
def test_nobody_converses_with_themselves(world: World) -> None:
    amina, _ = pair(world)
    assert faults(world.post(ALL, amina, {"user_id": str(amina.id)})) == {"user_id"}
    answer = world.post(MESSAGES, amina, {"recipient_id": str(amina.id), "content": "me"})
    assert faults(answer) == {"recipient_id"}


@pytest.mark.rule("hamsaya:150")
def test_the_latest_message_moves_a_conversation_to_the_top(world: World) -> None:
    amina, karim = pair(world)
    others = [world.person() for _ in range(3)]
    made = [opened(world, amina, other) for other in (karim, *others)]
    assert [one["id"] for one in listed(world, amina)] == [one["id"] for one in reversed(made)]
    message = say(world, karim, made[0])
    top = listed(world, amina)[0]
    assert top["id"] == made[0]["id"]
    assert top["last_message_at"] == message["created_at"]
    assert top["last_message"]["content"] == "Salaam"
    assert top["unread_count"] == 1
    assert listed(world, karim)[0]["unread_count"] == 0


@pytest.mark.rule("hamsaya:151")
def test_a_message_has_what_the_contract_says(world: World) -> None:
    amina, karim = pair(world)
    conversation = opened(world, amina, karim)
    message = say(world, amina, conversation, "Is the bread warm?")
    assert message == {
        "id": message["id"], "conversation_id": conversation["id"], "sender_id": str(amina.id),
        "content": "Is the bread warm?", "message_type": "TEXT", "read_at": None,
        "created_at": message["created_at"], "is_mine": True,
    }  # fmt: skip
    (seen,) = listed(world, karim, of(conversation))
    assert seen == {**message, "is_mine": False}
    for kind in ("IMAGE", "LOCATION", "POST"):
        assert say(world, amina, conversation, "x", message_type=kind)["message_type"] == kind


@pytest.mark.rule("hamsaya:151")
def test_messages_come_newest_first_in_pages(world: World) -> None:
    amina, karim = pair(world)
    conversation = opened(world, amina, karim)
    said = [say(world, (amina, karim)[n % 2], conversation, f"m{n}") for n in range(7)]
    path, want = of(conversation), [f"m{n}" for n in reversed(range(7))]
    assert [one["content"] for one in listed(world, amina, path)] == want
    found, cursor = [], None
    for _ in range(4):
        page = world.get(path, karim, params={"limit": 2, **({"cursor": cursor} if cursor else {})}).json()
        found += [one["content"] for one in page["data"]]
        cursor = page["next_cursor"]
    assert (found, cursor) == (want, None)
    offset = world.get(path, amina, params={"limit": 3, "offset": 5}).json()
    assert ([one["content"] for one in offset["data"]], offset["total"]) == (["m1", "m0"], 7)
    between = listed(world, amina, path, after=said[1]["created_at"], before=said[4]["created_at"])
    assert [one["content"] for one in between] == ["m3", "m2"]
    assert world.get(path, amina, params={"cursor": "x"}).status_code == 400
    assert faults(world.get(path, amina, params={"before": "yesterday"})) == {"before"}


@pytest.mark.rule("hamsaya:151")
def test_a_deleted_message_is_gone_for_both(world: World) -> None:
    amina, karim = pair(world)
    conversation = opened(world, amina, karim)
    first, second = say(world, amina, conversation, "one"), say(world, amina, conversation, "two")
    assert world.delete(f"{MESSAGES}/{second['id']}", amina).status_code == 204
    assert world.delete(f"{MESSAGES}/{second['id']}", amina).status_code == 404
    for who in (amina, karim):
        assert [one["id"] for one in listed(world, who, of(conversation))] == [first["id"]]
        (top,) = listed(world, who)
        assert (top["last_message"]["id"], top["last_message_at"]) == (first["id"], first["created_at"])
    assert listed(world, karim)[0]["unread_count"] == 1
    assert world.put(f"{MESSAGES}/{second['id']}/read", karim).status_code == 404
    assert world.sql("SELECT text FROM messages WHERE deleted_at IS NOT NULL") == [{"text": "two"}]
    world.delete(f"{MESSAGES}/{first['id']}", amina)
    assert (listed(world, amina)[0]["last_message"], listed(world, amina)[0]["last_message_at"]) == (
        None,
        None,
    )


@pytest.mark.rule("hamsaya:152")
def test_only_the_sender_deletes(world: World) -> None:
    amina, karim = pair(world)
    message = say(world, amina, opened(world, amina, karim))
    assert world.delete(f"{MESSAGES}/{message['id']}", karim).status_code == 403
    assert world.delete(f"{MESSAGES}/{message['id']}", world.person()).status_code == 404
    assert world.delete(f"{MESSAGES}/{NOBODY}", amina).status_code == 404


@pytest.mark.rule("hamsaya:152")
def test_only_the_two_see_a_conversation(world: World) -> None:
    amina, karim = pair(world)
    conversation, eve = opened(world, amina, karim), world.person("Eve")
    message = say(world, amina, conversation)
    assert world.get(f"{ALL}/{conversation['id']}", karim).json()["id"] == conversation["id"]
    assert world.get(f"{ALL}/{conversation['id']}", eve).status_code == 404
    assert world.get(of(conversation), eve).status_code == 404
    assert world.put(f"{MESSAGES}/{message['id']}/read", eve).status_code == 404
    body = {"conversation_id": conversation["id"], "content": "hey"}
    assert world.post(MESSAGES, eve, body).status_code == 404
    assert listed(world, eve) == []
    assert world.get(f"{ALL}/{NOBODY}", amina).status_code == 404


@pytest.mark.rule("hamsaya:152", "hamsaya:163")
def test_reading_covers_what_came_before_and_keeps_the_first_moment(world: World) -> None:
    amina, karim = pair(world)
    conversation = opened(world, amina, karim)
    first, own, second = (
        say(world, amina, conversation, "one"),
        say(world, karim, conversation, "mine"),
        say(world, amina, conversation, "two"),
    )
    later = say(world, amina, conversation, "three")
    with clock.shifted(timedelta(minutes=1)):
        answer = world.put(f"{MESSAGES}/{second['id']}/read", karim)
    assert answer.status_code == 200
    at = answer.json()["read_at"]
    assert datetime.fromisoformat(at) > datetime.fromisoformat(second["created_at"])
    with clock.shifted(timedelta(minutes=5)):
        again = world.put(f"{MESSAGES}/{second['id']}/read", karim)
        before = world.put(f"{MESSAGES}/{first['id']}/read", karim)
    assert (again.json()["read_at"], before.json()["read_at"]) == (at, at)
    seen = {one["id"]: one["read_at"] for one in listed(world, amina, of(conversation))}
    assert seen == {first["id"]: at, own["id"]: None, second["id"]: at, later["id"]: None}
    assert listed(world, karim)[0]["unread_count"] == 1


@pytest.mark.rule("hamsaya:152")
def test_only_the_recipient_marks_read(world: World) -> None:
    amina, karim = pair(world)
    message = say(world, amina, opened(world, amina, karim))
    assert world.put(f"{MESSAGES}/{message['id']}/read", amina).status_code == 403
    assert world.put(f"{MESSAGES}/{NOBODY}/read", karim).status_code == 404


@pytest.mark.rule("hamsaya:152", "hamsaya:150")
def test_writing_to_somebody_opens_a_conversation(world: World) -> None:
    amina, karim = pair(world)
    answer = world.post(MESSAGES, amina, {"recipient_id": str(karim.id), "content": "hello"})
    assert answer.status_code == 201
    again = world.post(MESSAGES, karim, {"recipient_id": str(amina.id), "content": "hello yourself"})
    assert again.json()["conversation_id"] == answer.json()["conversation_id"]
    assert world.post(MESSAGES, amina, {"recipient_id": NOBODY, "content": "?"}).status_code == 404


@pytest.mark.rule("hamsaya:152", "hamsaya:149")
def test_a_block_hides_each_from_the_other(world: World) -> None:
    amina, karim = pair(world)
    conversation = opened(world, amina, karim)
    message = say(world, karim, conversation)
    block(world, amina, karim)
    assert (listed(world, amina), listed(world, karim)) == ([], [])
    assert world.get(ALL, amina, params={"offset": 0}).json()["total"] == 0
    for path in (f"{ALL}/{conversation['id']}", of(conversation)):
        assert world.get(path, karim).status_code == 404
        assert world.get(path, amina).status_code == 200
    seen = world.get(f"{ALL}/{conversation['id']}", amina).json()
    assert (seen["is_blocked"], seen["other_user"]["id"]) == (True, str(karim.id))
    for who, other in ((amina, karim), (karim, amina)):
        assert world.post(ALL, who, {"user_id": str(other.id)}).status_code == 404
        for target in ({"conversation_id": conversation["id"]}, {"recipient_id": str(other.id)}):
            answer = world.post(MESSAGES, who, {**target, "content": "hello?"})
            assert (answer.status_code, answer.json()["error"]["code"]) == (403, "blocked_by_user")
    assert world.delete(f"{MESSAGES}/{message['id']}", karim).status_code == 204


@pytest.mark.rule("hamsaya:152", "hamsaya:149")
def test_nobody_opens_a_conversation_across_a_block(world: World) -> None:
    amina, karim = pair(world)
    block(world, amina, karim)
    for who, other in ((amina, karim), (karim, amina)):
        assert world.post(ALL, who, {"user_id": str(other.id)}).status_code == 404
        assert world.post(MESSAGES, who, {"recipient_id": str(other.id), "content": "a"}).status_code == 404
    assert world.post(ALL, amina, {"user_id": NOBODY}).status_code == 404


@pytest.mark.rule("hamsaya:152", "hamsaya:160")
@pytest.mark.parametrize("choice, status", [("Only me", 403), ("People I follow", 403)])
def test_who_takes_no_messages_gets_no_conversation(world: World, choice: str, status: int) -> None:
    amina, karim = pair(world)
    privacy(world, karim, choice)
    answer = world.post(ALL, amina, {"user_id": str(karim.id)})
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, "messages_not_accepted")
    assert world.post(MESSAGES, amina, {"recipient_id": str(karim.id), "content": "a"}).status_code == status
    assert world.sql("SELECT 1 FROM conversations") == []


@pytest.mark.rule("hamsaya:152", "hamsaya:160")
def test_whom_they_follow_may_write(world: World) -> None:
    amina, karim = pair(world)
    privacy(world, karim, "People I follow")
    friends(world, amina, karim)
    conversation = opened(world, amina, karim)
    say(world, amina, conversation)


@pytest.mark.rule("hamsaya:152")
def test_the_setting_holds_when_sending_too(world: World) -> None:
    amina, karim = pair(world)
    conversation = opened(world, amina, karim)
    say(world, amina, conversation)
    privacy(world, karim, "Only me")
    body = {"conversation_id": conversation["id"], "content": "still there?"}
    assert world.post(MESSAGES, amina, body).status_code == 403
    assert world.post(ALL, amina, {"user_id": str(karim.id)}).status_code == 200, "there is one already"
    say(world, karim, conversation, "I write, you do not")


def test_whoever_left_is_met_no_more(world: World) -> None:
    amina, karim = pair(world)
    conversation = opened(world, amina, karim)
    say(world, karim, conversation)
    world.sql("UPDATE profiles SET deleted_at = now() WHERE id = $1 RETURNING 1", karim.id)
    assert listed(world, amina) == []
    assert world.get(f"{ALL}/{conversation['id']}", amina).status_code == 404
    body = {"conversation_id": conversation["id"], "content": "are you there?"}
    assert world.post(MESSAGES, amina, body).status_code == 404


@pytest.mark.rule("hamsaya:160")
def test_names_are_shown_as_their_owners_want(world: World) -> None:
    amina, karim = pair(world)
    opened(world, amina, karim)
    world.put("/api/v1/settings/privacy", karim, {"full_name_visibility": "Only me"})
    person = listed(world, amina)[0]["other_user"]
    assert (person["first_name"], person["last_name"]) == ("K", None)


def test_wrong_bodies_are_refused_by_field(world: World) -> None:
    amina, karim = pair(world)
    one = {"conversation_id": opened(world, amina, karim)["id"]}
    both = {**one, "recipient_id": str(karim.id)}
    assert faults(world.post(MESSAGES, amina, {"content": "a"})) == {"conversation_id", "recipient_id"}
    assert faults(world.post(MESSAGES, amina, {**both, "content": "a"})) == {
        "conversation_id",
        "recipient_id",
    }
    for content in ("", "   ", "\n"):
        assert faults(world.post(MESSAGES, amina, {**one, "content": content})) == {"content"}
    assert faults(world.post(MESSAGES, amina, one)) == {"content"}
    assert faults(world.post(MESSAGES, amina, {**one, "content": "a" * 40_001})) == {"content"}
    assert faults(world.post(MESSAGES, amina, {**one, "content": "a\0b"})) == {"content"}
    assert faults(world.post(MESSAGES, amina, {**one, "content": "a", "message_type": "VOICE"})) == {
        "message_type"
    }
    for name in ("id", "sender_id", "read_at", "created_at"):
        assert faults(world.post(MESSAGES, amina, {**one, "content": "a", name: None})) == {name}
    assert faults(world.post(ALL, amina, {"user_id": "karim"})) == {"user_id"}
    assert faults(world.post(ALL, amina, {})) == {"user_id"}


def test_words_that_are_refused_are_refused_here(world: World) -> None:
    amina, karim = pair(world)
    moderator = world.person(role="moderator")
    rule = {"kind": "word", "pattern": "swindle", "action": "refuse"}
    answer = world.post("/api/v1/moderation/filters", moderator, rule)
    assert answer.status_code == 201, answer.text
    body = {"conversation_id": opened(world, amina, karim)["id"], "content": "a swindle"}
    assert faults(world.post(MESSAGES, amina, body)) == {"content"}


def test_a_picture_is_kept_for_as_long_as_its_message(world: World) -> None:
    amina, karim = pair(world)
    conversation = opened(world, amina, karim)
    answer = world.post("/api/v1/upload/post", amina, files={"file": ("bread.jpg", jpeg())})
    assert answer.status_code == 201, answer.text
    url = answer.json()["url"]
    message = say(world, amina, conversation, url, message_type="IMAGE")
    assert world.sql("SELECT attached FROM uploads") == [{"attached": 1}]
    body = {"conversation_id": conversation["id"], "content": url, "message_type": "IMAGE"}
    assert faults(world.post(MESSAGES, karim, body)) == {"content"}, "it is not his"
    world.delete(f"{MESSAGES}/{message['id']}", amina)
    assert world.sql("SELECT attached FROM uploads") == [{"attached": 0}]


def test_lists_take_a_constant_number_of_queries(world: World) -> None:
    amina, karim = pair(world)
    conversation = opened(world, amina, karim)
    say(world, karim, conversation)
    for path in (ALL, of(conversation)):
        with counted(world) as few:
            world.get(path, amina)
        for other in (world.person() for _ in range(3)):
            say(world, other, opened(world, other, amina))
        for n in range(4):
            say(world, (amina, karim)[n % 2], conversation)
        with counted(world) as many:
            assert len(world.get(path, amina).json()["data"]) >= 4
        assert len(many) == len(few) <= 5, many
