"""The people of soak.py: some send under keys until they are sure, some read and resume where they were."""

import asyncio
import contextlib
import json
import random
import time
import uuid
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence

import audit
import crowd
import httpx
import peers

ANSWER_S = 15.0  # after which a sender is in doubt
STILL_S = 60.0  # without anything new once all is sent: then something is lost
INTERRUPTED = 0.01  # how often a sender breaks off before the answer comes
BROKEN = 0.001  # how often a reader does, after an event
DOUBT = (OSError, TimeoutError, httpx.HTTPError)
Send = Callable[[str, str, str], Awaitable[audit.Acknowledged | None]]  # (stream, key, text)


class Refused(Exception):
    """The server said no, which it never should here."""


class Soak:
    """What all of them share: where the nodes are, and what happened."""

    def __init__(self, nodes: Sequence[crowd.Process], streams: Sequence[str], seed: int) -> None:
        self.nodes, self.streams = nodes, streams
        self.choose = random.Random(seed)
        self.acknowledged: dict[str, audit.Acknowledged] = {}
        self.counts: Counter[str] = Counter()
        self.ends: dict[str, int] = {}  # where the logs end, once all is sent
        self._awaited: list[tuple[int, asyncio.Event]] = []

    def port(self) -> int:
        """Of a node, whether or not it lives."""
        return self.choose.choice(self.nodes).port

    def acknowledge(self, text: str, told: audit.Acknowledged) -> None:
        """A sender knows that its message is there. Raises Refused when it was told something else before."""
        before = self.acknowledged.setdefault(text, told)
        if before != told:
            raise Refused(f"{text!r} was acknowledged as {before}, then as {told}")
        while self._awaited and len(self.acknowledged) >= self._awaited[0][0]:
            self._awaited.pop(0)[1].set()

    async def until(self, messages: int) -> None:
        """Wait until so many are acknowledged."""
        if len(self.acknowledged) < messages:
            event = asyncio.Event()
            self._awaited = sorted([*self._awaited, (messages, event)], key=lambda one: one[0])
            await event.wait()

    async def send(self, stream: str, text: str, send: Send) -> None:
        """Send under one key until it is acknowledged, and now and then once more."""
        key, pause = str(uuid.uuid4()), 0.05
        again = self.choose.random() < INTERRUPTED
        while True:
            try:
                told = await send(stream, key, text)
            except DOUBT:
                told = None
            if told is not None:
                self.acknowledge(text, told)
                if not again:
                    return
                again = False
                continue
            self.counts["doubts"] += 1
            await asyncio.sleep(pause * self.choose.random())
            pause = min(2.0, pause * 2)


def _client(who: crowd.Person) -> httpx.AsyncClient:
    headers = {"Authorization": f"Bearer {who.token}"}
    return httpx.AsyncClient(trust_env=False, timeout=ANSWER_S, headers=headers)


def _messages(soak: Soak, stream: str) -> str:
    return f"http://127.0.0.1:{soak.port()}/api/v1/conversations/{stream[2:]}/messages"


async def by_rest(soak: Soak, who: crowd.Person, stream: str, texts: Sequence[str]) -> None:
    """Send these by REST, one after the other. Raises Refused."""
    async with _client(who) as client:

        async def send(stream: str, key: str, text: str) -> audit.Acknowledged | None:
            url, body = _messages(soak, stream), {"client_msg_id": key, "text": text}
            limit = soak.choose.random() * 0.02 if soak.choose.random() < INTERRUPTED else ANSWER_S
            async with asyncio.timeout(limit):
                answer = await client.post(url, json=body)
            if answer.status_code >= 500:
                return None
            if answer.status_code not in (200, 201):
                raise Refused(f"{answer.status_code} {answer.text}")
            found = answer.json()
            soak.counts["repeated"] += answer.status_code == 200
            soak.counts["by REST"] += answer.status_code == 201
            return audit.Acknowledged(stream, found["seq"], found["id"])

        for text in texts:
            await soak.send(stream, text, send)


async def by_socket(soak: Soak, who: crowd.Person, stream: str, texts: Sequence[str]) -> None:
    """Send these over a socket, which is opened anew when it breaks. Raises Refused."""
    wire: peers.Wire | None = None

    async def send(stream: str, key: str, text: str) -> audit.Acknowledged | None:
        nonlocal wire
        if wire is None or wire.closed is not None:
            wire = None
            wire = await peers.dial(soak.port(), who.token)
        limit = soak.choose.random() * 0.02 if soak.choose.random() < INTERRUPTED else ANSWER_S
        try:
            async with asyncio.timeout(limit):
                message = {"type": "text", "text": text}
                answer = await wire.ask("send", stream=stream, client_msg_id=key, message=message)
        except TimeoutError:
            wire.close()
            wire = None
            raise
        if answer["t"] == "error" and answer["code"] == "internal":
            return None
        if answer["t"] != "sent":
            raise Refused(str(answer))
        soak.counts["repeated"] += answer["duplicate"]
        soak.counts["by socket"] += not answer["duplicate"]
        return audit.Acknowledged(stream, answer["seq"], answer["message_id"])

    for text in texts:
        await soak.send(stream, text, send)
    if wire is not None:
        wire.close()


class Reader:
    """Somebody who follows every conversation, and what they have heard."""

    def __init__(self, soak: Soak, who: crowd.Person) -> None:
        self.soak, self.who = soak, who
        self.logs: dict[str, list[audit.Entry]] = {stream: [] for stream in soak.streams}
        self._moved = time.monotonic()
        self._complete = asyncio.Event()

    def place(self, stream: str) -> int:
        """The last entry of a stream that they have."""
        return self.logs[stream][-1].seq if self.logs[stream] else 0

    def look(self) -> None:
        """Find out whether they have everything."""
        ends = self.soak.ends
        if ends and all(self.place(stream) >= end for stream, end in ends.items()):
            self._complete.set()

    @property
    def over(self) -> bool:
        """Whether there is nothing more to hear, or for too long nothing has come."""
        return self._complete.is_set() or (bool(self.soak.ends) and time.monotonic() - self._moved > STILL_S)

    async def read(self) -> None:
        """Connect and resume until it is over."""
        self._moved = time.monotonic()
        while not self.over:
            self.soak.counts["visits"] += 1
            try:
                await self._visit()
            except DOUBT:
                await asyncio.sleep(0.2 * self.soak.choose.random())
            self.look()

    async def _visit(self) -> None:
        """Hear what comes until the connection breaks, is broken off, or there is no more."""
        early: list[bytes] | None = []  # what comes before it is clear where it begins

        def heard(wire: peers.Wire, payload: bytes) -> None:
            if not payload.startswith(b'{"t":"event"'):
                peers.listen(wire, payload)
            elif early is not None:
                early.append(payload)
            elif wire.closed is None:
                self._note(payload)
                if self.soak.choose.random() < BROKEN:
                    wire.closed = 1006
                    wire.close()

        client = f"reader-{self.who.id.hex[-8:]}/1"
        wire = await peers.dial(self.soak.port(), self.who.token, heard=heard, client=client)
        try:
            await self._resume(wire)
            waiting, early = early, None
            for payload in waiting:
                self._note(payload)
            while wire.closed is None and not self.over:
                self.look()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(0.2):
                        await self._complete.wait()
        finally:
            wire.close()

    async def _resume(self, wire: peers.Wire) -> None:
        """Follow everything from where they are; what is too long for a socket to replay is fetched."""
        wanted = {stream: {"after_seq": self.place(stream)} for stream in self.logs}
        async with asyncio.timeout(ANSWER_S):
            answer = await wire.ask("subscribe", streams=wanted)
        if answer["t"] != "subscribed":
            raise ConnectionError(str(answer))
        if "denied" in answer:
            raise Refused(str(answer))
        for stream, found in answer["streams"].items():
            if found["status"] == "gap":
                self.soak.counts["gaps"] += 1
                await self._fetch(stream, found["seq"])

    def _note(self, payload: bytes) -> None:
        frame = json.loads(payload)
        message = frame["data"]["message"]
        self.logs[frame["stream"]].append(audit.Entry(frame["seq"], message["id"], message["text"]))
        self.soak.counts["deliveries"] += 1
        self._moved = time.monotonic()

    async def _fetch(self, stream: str, upto: int) -> None:
        """Read by REST what is behind their place and up to this one."""
        found: list[audit.Entry] = []
        after, cursor = self.place(stream), ""
        async with _client(self.who) as client:
            url = _messages(self.soak, stream)
            while cursor is not None and (not found or found[-1].seq > after + 1):
                asked = {"limit": "100", **({"cursor": cursor} if cursor else {})}
                page = (await client.get(url, params=asked)).raise_for_status().json()
                found += [audit.Entry(one["seq"], one["id"], one["text"]) for one in page["data"]]
                cursor = page["next_cursor"]
        self.logs[stream] += [one for one in reversed(found) if after < one.seq <= upto]
        self._moved = time.monotonic()
