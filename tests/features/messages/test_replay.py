"""Old state and replayed entries give the state that is fetched again, for every type of entry."""

import contextlib
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from majlis.features.messages import service
from majlis.features.messages.model import Sending, conversation_stream, user_stream
from majlis.kit.errors import Refused
from tests.features.messages.talking import EVERYTHING, act, data, group
from tests.world import Person, World

CONVERSATION_TYPES = {
    "message.created", "message.updated", "message.deleted", "reaction.added", "reaction.removed",
    "pin.added", "pin.removed", "member.joined", "member.removed", "member.left",
}  # fmt: skip
USER_TYPES = {"conversation.created", "conversation.removed", "read.updated"}

Action = tuple[str, int, int, int]  # what, who, to which message, with what


def plain(value: Any) -> Any:
    return msgspec.json.decode(msgspec.json.encode(value))


def moment(message: dict[str, Any]) -> dict[str, Any]:
    """A message whose moments are written in one way."""
    found = dict(message)
    for name in ("created_at", "edited_at"):
        if found[name] is not None:
            found[name] = plain(msgspec.convert(found[name], datetime))
    return found


class Device:
    """What a client keeps, and how it follows the logs."""

    def __init__(self, world: World, who: Person, conversation_id: UUID) -> None:
        self.world, self.who, self.conversation_id = world, who, conversation_id
        self.seen = {conversation_stream(conversation_id): 0, user_stream(who.id): 0}
        self.types: set[str] = set()

    def fetch(self) -> dict[str, Any]:
        """Everything by asking for it."""
        world, who, conversation_id = self.world, self.who, self.conversation_id
        messages = act(world, service.history, who, conversation_id, EVERYTHING).items
        summary = act(world, service.summary, who, conversation_id)
        return {
            "messages": {str(one.id): moment(plain(one)) for one in messages},
            "members": sorted(str(one) for one in act(world, service.members, who, conversation_id)),
            "read": summary.last_read_seq,
            "streams": sorted(act(world, service.mine, who)),
        }

    def start(self) -> None:
        self.state = self.fetch()
        heads = act(self.world, service.heads, self.who, list(self.seen)).heads
        self.seen = {name: head.seq for name, head in heads.items()}

    def replay(self) -> None:
        for stream, after in list(self.seen.items()):
            events = act(self.world, service.events, self.who, stream, after, 500)
            assert [event.seq for event in events] == list(range(after + 1, after + 1 + len(events)))
            for event in events:
                self.types.add(event.type)
                self.apply(event.type, data(event))
            self.seen[stream] = after + len(events)

    def apply(self, type: str, told: dict[str, Any]) -> None:
        messages, members = self.state["messages"], self.state["members"]
        message = messages.get(told.get("message_id"))
        if type in ("message.created", "message.updated"):
            messages[told["message"]["id"]] = moment(told["message"])
        elif type == "message.deleted":
            messages.pop(told["message_id"], None)
        elif type == "reaction.added" and message:
            self.react(message, told["emoji"]).append(told["user_id"])
        elif type == "reaction.removed" and message:
            self.react(message, told["emoji"]).remove(told["user_id"])
            message["reactions"] = [one for one in message["reactions"] if one["user_ids"]]
        elif type in ("pin.added", "pin.removed") and message:
            message["pinned"] = type == "pin.added"
        elif type == "member.joined":
            self.state["members"] = sorted({*members, told["user_id"]})
        elif type in ("member.left", "member.removed"):
            members.remove(told["user_id"])
        elif type == "read.updated" and told["user_id"] == str(self.who.id):
            self.state["read"] = told["last_read_seq"]
        elif type in ("conversation.created", "conversation.removed"):
            self.follow(f"c_{told['conversation_id']}", type == "conversation.created")

    def react(self, message: dict[str, Any], emoji: str) -> list[str]:
        for one in message["reactions"]:
            if one["emoji"] == emoji:
                found: list[str] = one["user_ids"]
                return found
        message["reactions"].append({"emoji": emoji, "user_ids": []})
        return self.react(message, emoji)

    def follow(self, stream: str, there: bool) -> None:
        self.state["streams"] = sorted({*self.state["streams"], stream} - (set() if there else {stream}))


class Scene:
    """A conversation, those in it and beside it, and what they do."""

    def __init__(self, world: World, people: list[Person]) -> None:
        self.world, self.people = world, people
        self.conversation_id = group(world, people[0], people[1:3])
        self.messages: list[UUID] = []
        for who in range(3):
            self.do(("send", who, 0, 100 + who))

    def do(self, action: Action) -> None:
        with contextlib.suppress(Refused):  # what is refused must leave no trace; the comparison shows it
            self.attempt(*action)

    def attempt(self, what: str, who: int, which: int, value: int) -> None:
        world, person = self.world, self.people[who % len(self.people)]
        target = self.messages[which % len(self.messages)] if self.messages else self.conversation_id
        emoji = "👍🎉👀"[value % 3]
        if what == "send":
            root = target if self.messages and value % 4 == 0 else None
            sending = Sending(text=f"m{value}", client_msg_id=str(value), thread_root_id=root)
            self.messages.append(act(world, service.send, person, self.conversation_id, sending).message.id)
        elif what == "edit":
            act(world, service.edit, person, target, f"edited {value}")
        elif what in ("react", "unreact"):
            act(world, getattr(service, what), person, target, emoji)
        elif what in ("delete", "pin", "unpin"):
            act(world, getattr(service, what), person, target)
        elif what in ("mark_read", "mark_unread"):
            act(world, getattr(service, what), self.people[0], self.conversation_id, value)
        elif what == "add":
            act(world, service.add_members, self.people[0], self.conversation_id, [person.id])
        elif what == "remove" and person is not self.people[0]:
            act(world, service.remove_member, self.people[0], self.conversation_id, person.id)
        elif what == "leave" and person is not self.people[0]:
            act(world, service.leave, person, self.conversation_id)
        elif what == "group":
            act(world, service.open_group, person, "group_dm", [self.people[0].id])
        elif what == "leave_all":
            for name in act(world, service.mine, self.people[0]):
                if name not in (f"c_{self.conversation_id}", f"u_{self.people[0].id}"):
                    act(world, service.leave, self.people[0], UUID(name[2:]))


VERBS = ["send", "send", "edit", "delete", "react", "unreact", "pin", "unpin", "mark_read", "mark_unread", "add",
         "remove", "leave", "group", "leave_all"]  # fmt: skip
ACTIONS = st.tuples(st.sampled_from(VERBS), st.integers(0, 3), st.integers(0, 4), st.integers(0, 11))


def check(world: World, people: list[Person], before: list[Action], after: list[Action]) -> set[str]:
    """Everything happens before a device goes offline, or while it is; returns the types that it got."""
    scene = Scene(world, people)
    for action in before:
        scene.do(action)
    device = Device(world, people[0], scene.conversation_id)
    device.start()
    for action in after[: len(after) // 2]:
        scene.do(action)
    device.replay()
    assert device.state == device.fetch()
    for action in after[len(after) // 2 :]:
        scene.do(action)
    device.replay()
    assert device.state == device.fetch()
    return device.types


def test_replayed_entries_give_the_state_of_now(world: World) -> None:
    people = [world.person() for _ in range(4)]

    @settings(
        max_examples=60, deadline=None, derandomize=True, database=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )  # fmt: skip
    @given(st.lists(ACTIONS, max_size=8), st.lists(ACTIONS, min_size=12, max_size=24))
    def run(before: list[Action], after: list[Action]) -> None:
        got.append(len(check(world, people, before, after)))

    got: list[int] = []
    run()
    assert sum(got) > 4 * len(got), "hardly anything happened"


def test_every_type_of_entry_is_one_of_these(world: World) -> None:
    people = [world.person() for _ in range(4)]
    script: list[Action] = [
        ("send", 0, 0, 1), ("send", 1, 0, 2), ("edit", 0, 0, 5), ("react", 1, 0, 1), ("react", 2, 0, 1),
        ("unreact", 1, 0, 1), ("pin", 1, 1, 0), ("unpin", 2, 1, 0), ("pin", 1, 0, 0), ("delete", 1, 1, 0),
        ("add", 3, 0, 0), ("remove", 2, 0, 0), ("mark_read", 0, 0, 3), ("mark_unread", 0, 0, 2),
        ("leave", 1, 0, 0), ("group", 1, 0, 0), ("leave_all", 0, 0, 0),
    ]  # fmt: skip
    assert check(world, people, [], script) == CONVERSATION_TYPES | USER_TYPES


def test_control_a_device_that_misses_an_entry_is_wrong(world: World) -> None:
    people = [world.person() for _ in range(4)]
    scene = Scene(world, people)
    device = Device(world, people[0], scene.conversation_id)
    device.start()
    scene.do(("send", 1, 0, 1))
    scene.do(("edit", 1, 3, 1))
    device.seen[f"c_{scene.conversation_id}"] += 1
    device.replay()
    assert device.types == {"message.updated"}
    assert device.state == device.fetch(), "the edit brings the whole message"
    scene.do(("react", 1, 3, 2))
    device.seen[f"c_{scene.conversation_id}"] += 1
    device.replay()
    assert device.state != device.fetch()
