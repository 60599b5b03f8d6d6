"""Another door's Socket.IO: names and failures of its own, over the same hub."""

import json
from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec
import pytest

from majlis.features.messages import service as messages
from majlis.features.messages.model import Sending
from majlis.features.sessions import service as sessions
from majlis.features.sessions.model import NATIVE, BadAccess
from majlis.kit import clock
from majlis.kit.http import Server
from majlis.surfaces.realtime import hub
from majlis.surfaces.realtime.frames import Shared, encode
from majlis.surfaces.realtime.outbox import EPHEMERAL
from majlis.surfaces.realtime.rooms import TypingHint
from majlis.surfaces.realtime.socketio import Endpoint, Rejected, Talk
from tests.surfaces.realtime.engines import PATH, Socket, entered
from tests.surfaces.realtime.talking import dm
from tests.surfaces.realtime.test_losing_access import log_out
from tests.world import Person, World


class Auth(msgspec.Struct):
    token: str = ""


class Message(msgspec.Struct):
    conversation: UUID
    text: str = ""


class Stored(msgspec.Struct):
    sender_id: UUID
    text: str


class Created(msgspec.Struct):
    message: Stored


class Other(Talk):
    """Somebody who follows everything that is theirs, and says and hears it in other words."""

    async def enter(self, auth: msgspec.Raw) -> None:
        try:
            token = msgspec.json.decode(auth, type=Auth).token
            self.me = await sessions.authenticate(self.app, token)
        except (msgspec.MsgspecError, BadAccess) as error:
            raise Rejected("Authentication error") from error
        self.joined = True

    async def follow(self) -> None:
        await self.hub.recheck(self)

    async def refreshed(self) -> None:
        new = await self.hub.unfollowed(self)
        if new:
            await self.hub.subscribe(self, dict.fromkeys(new), self.came_in)

    async def said(self, event: str, data: msgspec.Raw) -> None:
        message = msgspec.json.decode(data, type=Message)
        if event == "send_message":
            async with self.app.db.tx() as tx:
                await messages.send(tx, self.me, message.conversation, Sending(text=message.text))
        elif event == "typing":
            self.hub.typing(self, f"c_{message.conversation}", TypingHint(self.user))

    def failed(self, code: str, words: str) -> None:
        self.emit("error_message", encode({"error": words, "code": code}))

    def event(self, shared: Shared) -> None:
        if shared.event.type == "message.created":
            message = msgspec.json.decode(shared.event.data, type=Created).message
            name = "message_sent" if message.sender_id == self.me.id else "new_message"
            self.emit(name, encode(message))

    def typing(self, stream: str, data: Any) -> None:
        self.emit("user_typing", encode({"userId": data["user_id"]}), EPHEMERAL)


MOUNT = "/second"


@pytest.fixture
def second(world: World) -> World:
    """The world with one more door."""
    server: Server = world.server
    for route in Endpoint("/socket.io", Other).api.routes:
        route.surface = server.surfaces[-1]
        router = server.sockets if route.method == "WEBSOCKET" else server.router
        router.add(route.method, MOUNT + route.path, route)
    return world


async def enter(world: World, who: Person) -> Socket:
    """Somebody at the second door."""
    one = Socket(world, f"{MOUNT}{PATH}websocket")
    await one.opened()
    await one.send("40" + json.dumps({"token": who.token}))
    await one.until("40")
    return one


def test_a_second_door_has_names_of_its_own(second: World) -> None:
    amina, bilal = second.person("Amina"), second.person("Bilal")
    stream = dm(second, amina, bilal)

    async def main() -> None:
        a, b = await enter(second, amina), await enter(second, bilal)
        async with entered(second, bilal) as native:
            await native.ask("subscribe", streams={stream: {}})
            body = json.dumps({"conversation": stream[2:], "text": "salaam"})
            await a.send(f'42["typing",{body}]')
            assert await b.event("user_typing") == {"userId": str(amina.id)}
            await a.send(f'425["send_message",{body}]')
            heard = {"sender_id": str(amina.id), "text": "salaam"}
            assert await b.event("new_message") == await a.event("message_sent") == heard
            assert await a.until("435") == "[]"
            assert (await native.event("event"))["data"]["message"]["text"] == "salaam"
            await a.send('42["send_message",{}]')
            assert (await a.event("error_message"))["code"] == "bad_frame"
            await log_out(second, bilal)
            for one in (b, native):
                await one.ended()
            assert "41" in b.waiting and len(hub.of(second.app)) == 1
        await a.wire.close()
        await b.wire.close()

    second.go(main())


def test_it_ends_with_the_token_and_the_client_may_come_back_with_another(second: World) -> None:
    """Without a DISCONNECT packet it does so by itself, and by then its app has another token, or is refused."""
    amina = second.person("Amina")

    async def main() -> None:
        a = await enter(second, amina)
        (connection,) = hub.of(second.app).everybody()
        with clock.shifted(NATIVE.access_life + timedelta(seconds=1)):
            await hub.of(second.app).recheck(connection)
            await a.ended()
            assert "41" not in a.waiting and len(hub.of(second.app)) == 0
            again = Socket(second, f"{MOUNT}{PATH}websocket")
            await again.opened()
            await again.send("40" + json.dumps({"token": amina.token}))
            assert json.loads(await again.until("44")) == {"message": "Authentication error"}
            await again.ended()
        await a.wire.close()
        await again.wire.close()

    second.go(main())


def test_it_says_in_its_own_words_who_may_not_come_in(second: World) -> None:
    async def main() -> None:
        one = Socket(second, f"{MOUNT}{PATH}websocket")
        await one.opened()
        await one.send('40{"token":"made up"}')
        assert json.loads(await one.until("44")) == {"message": "Authentication error"}
        await one.ended()
        await one.wire.close()

    second.go(main())
