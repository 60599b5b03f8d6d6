"""The contract's conversation over Socket.IO, held by JavaScript's own client at a real server."""

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from majlis.features.sessions import service as sessions
from majlis.kit.me import Me, Origin
from majlis.surfaces.compat.sioree.audience import AUDIENCE
from tests.surfaces.realtime.test_socketio_clients import TRANSPORTS, Place, Script, Town, started
from tests.surfaces.realtime.test_socketio_clients import modules as modules
from tests.surfaces.realtime.test_socketio_clients import place as place
from tests.surfaces.realtime.test_socketio_clients import town as town
from tests.world import Person

PATH = "/sioree/socket.io/"
MESSAGE = {"id", "conversationId", "senderId", "receiverId", "text", "timestamp", "isRead", "messageType"}


def through(town: Town, who: Person) -> str:
    """A token of this door."""

    async def enter() -> str:
        async with town.world.app.db.tx() as tx:
            pair = await sessions.open_session(
                town.world.app, tx, Me.system, who.id, Origin(), None, audience=AUDIENCE
            )
        return pair.access_token

    return town.world.go(enter())


@contextlib.asynccontextmanager
async def here(
    modules: Path, place: Place, token: str, transports: str = "websocket"
) -> AsyncIterator[Script]:
    """Somebody connected at this door."""
    async with started(modules, "") as made:
        await connect(made, place, token, transports)
        await made.until(did="connected")
        yield made


async def connect(made: Script, place: Place, token: str | None, transports: str = "websocket") -> None:
    auth = {} if token is None else {"token": token}
    await made.do("connect", url=place.url, path=PATH, auth=auth, transports=TRANSPORTS[transports])


async def refused(made: Script, place: Place, token: str | None) -> None:
    await connect(made, place, token)
    line = await made.until(did="refused")
    assert (line["message"], line["again"]) == ("Authentication error", False)


@pytest.mark.rule("sioree:R34", "sioree:R35")
@pytest.mark.parametrize("transports", TRANSPORTS)
def test_a_conversation(town: Town, place: Place, modules: Path, transports: str) -> None:
    amina, omid = town.world.person("Amina"), town.world.person("Omid")
    tokens = [through(town, who) for who in (amina, omid)]

    async def main() -> None:
        async with (
            here(modules, place, tokens[0], transports) as a,
            here(modules, place, tokens[1], transports) as b,
        ):
            said: dict[str, Any] = {"receiverId": str(omid.id), "text": "See you at nine?"}
            sent = await a.ask("send_message", **said)
            mine, theirs = await a.heard("message_sent"), await b.heard("new_message")
            assert set(mine) == MESSAGE
            assert mine == theirs == sent
            assert (mine["senderId"], mine["receiverId"]) == (str(amina.id), str(omid.id))
            assert (mine["text"], mine["messageType"], mine["isRead"]) == (said["text"], "text", False)
            at = mine["conversationId"]
            await b.do("emit", name="typing", data={"receiverId": str(amina.id), "isTyping": True}, id="t")
            assert await a.heard("user_typing") == {"userId": str(omid.id), "isTyping": True}
            await b.do("emit", name="typing", data={"receiverId": str(amina.id), "isTyping": False}, id="t")
            assert await a.heard("user_typing") == {"userId": str(omid.id), "isTyping": False}
            answer = {"conversationId": at, "receiverId": str(amina.id), "text": "Gladly"}
            assert (await b.ask("send_message", **answer))["conversationId"] == at
            assert (await a.heard("new_message"))["text"] == "Gladly"
            await read(place, tokens[0], at)
            told = await b.heard("messages_read")
            assert set(told) == {"conversationId", "readerId", "readAt"}
            assert (told["conversationId"], told["readerId"]) == (at, str(amina.id))

    town.world.go(main())


async def read(place: Place, token: str, conversation: str) -> None:
    """Mark a conversation read over HTTP."""

    async with httpx.AsyncClient(trust_env=False) as http:
        url = f"{place.url}/sioree/api/messages/{conversation}/read"
        answer = await http.post(url, headers={"Authorization": f"Bearer {token}"})
        assert answer.json() == {"success": True}, answer.text


@pytest.mark.rule("sioree:R35", "sioree:D3")
def test_what_is_refused_is_said_to_the_sender_alone(town: Town, place: Place, modules: Path) -> None:
    amina, omid, sara = (town.world.person(name) for name in ("Amina", "Omid", "Sara"))
    tokens = [through(town, who) for who in (amina, sara)]

    async def main() -> None:
        async with here(modules, place, tokens[0]) as a, here(modules, place, tokens[1]) as s:
            at = (await a.ask("send_message", receiverId=str(omid.id), text="hi"))["conversationId"]
            wrong = [
                ({"receiverId": str(omid.id), "conversationId": at, "text": "hi"}, "conversation_not_found"),
                ({"receiverId": str(sara.id), "text": "hi"}, "cannot_message_self"),
                ({"receiverId": str(omid.id), "text": ""}, "validation_failed"),
                ({"text": "hi"}, "validation_failed"),
            ]
            for body, code in wrong:
                answer = await s.ask("send_message", **body)
                told = await s.heard("error_message")
                assert set(told) == {"error", "code"} and told["code"] == code
                assert answer == told
            # Nobody hears who types to a stranger.
            await s.do("emit", name="typing", data={"receiverId": str(amina.id), "isTyping": True}, id="t")
            await s.ask("send_message", receiverId=str(amina.id), text="salaam")
            assert (await a.heard("new_message"))["text"] == "salaam"
            assert not [line for line in a.lines if line.get("name") in ("user_typing", "error_message")]

    town.world.go(main())


@pytest.mark.rule("sioree:R34")
def test_a_token_of_this_door_is_needed_and_checked_again(town: Town, place: Place, modules: Path) -> None:
    amina = town.world.person("Amina")
    token = through(town, amina)

    async def main() -> None:
        async with started(modules, "") as made:
            await refused(made, place, None)
        async with started(modules, "") as made:
            await refused(made, place, "nonsense")
        async with started(modules, "") as made:
            await refused(made, place, amina.token)  # of another door
        async with here(modules, place, token) as a:
            async with town.world.app.db.tx() as tx:
                await sessions.revoke(town.world.app, tx, Me.system, amina.id, reason="test")
            line = await a.until(did="disconnected")
            assert line["again"] is False

    town.world.go(main())
