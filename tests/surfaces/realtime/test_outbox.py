"""What waits for a peer is bounded, and nobody who adds to it ever waits."""

import asyncio
from typing import Any

import pytest

from majlis.kit.http.sockets import Closed, Socket
from majlis.surfaces.realtime import outbox
from majlis.surfaces.realtime.outbox import BYTES, EPHEMERAL, FRAMES, Outbox


class Peer(Socket):
    """A peer of which the test says when it takes a frame."""

    def __init__(self) -> None:
        self.got: list[bytes] = []
        self.taking = asyncio.Event()
        self.direct = False

    async def say(self, text: bytes) -> None:
        await self.taking.wait()
        self.got.append(text)

    def say_now(self, text: bytes) -> bool:
        if self.direct:
            self.got.append(text)
        return self.direct


class Box:
    """An outbox with its peer, and how often it was found full."""

    def __init__(self) -> None:
        self.peer = Peer()
        self.full = 0
        self.box = Outbox(self.peer, self._full)

    def _full(self) -> None:
        self.full += 1
        self.box.take()


@pytest.mark.rule("afrochat:R17", "afrochat:D9")
def test_a_frame_too_many_is_noticed_at_once(runner: asyncio.Runner) -> None:
    async def main() -> None:
        one = Box()
        for n in range(FRAMES):
            one.box.put(b"%d" % n)
        assert (len(one.box), one.full) == (FRAMES, 0)
        one.box.put(b"one more")
        assert (len(one.box), one.full) == (0, 1)

    runner.run(main())


def test_so_are_bytes_too_many(runner: asyncio.Runner) -> None:
    async def main() -> None:
        one = Box()
        for _ in range(4):
            one.box.put(b"a" * (BYTES // 4))
        assert (len(one.box), one.full) == (4, 0)
        one.box.put(b"a")
        assert one.full == 1

    runner.run(main())


def test_at_half_ephemerals_are_dropped_and_nothing_else(runner: asyncio.Runner) -> None:
    async def main() -> None:
        one = Box()
        one.box.put(b"typing", EPHEMERAL)
        for n in range(FRAMES // 2 - 1):
            one.box.put(b"%d" % n)
        one.box.put(b"typing again", EPHEMERAL)
        one.box.put(b"durable")
        frames = one.box.take()
        assert b"typing" in frames and b"typing again" not in frames and frames[-1] == b"durable"

    runner.run(main())


def test_frames_come_in_order_and_what_waits_is_not_overtaken(runner: asyncio.Runner) -> None:
    async def main() -> None:
        one = Box()
        writing = asyncio.create_task(one.box.run())
        one.box.put(b"1")
        one.box.put(b"2")
        await asyncio.sleep(0)
        one.peer.direct = True  # the peer takes more, but these two still wait
        one.box.put(b"3")
        assert one.peer.got == []
        one.peer.taking.set()
        while len(one.box):  # noqa: ASYNC110  nothing else tells
            await asyncio.sleep(0)
        one.box.put(b"4")
        assert one.peer.got == [b"1", b"2", b"3", b"4"]
        writing.cancel()

    runner.run(main())


def test_whoever_reads_from_a_log_waits_for_room(runner: asyncio.Runner) -> None:
    async def main() -> None:
        one = Box()
        writing = asyncio.create_task(one.box.run())
        for n in range(FRAMES // 2):
            one.box.put(b"%d" % n)
        waiting = asyncio.create_task(one.box.eased())
        for _ in range(5):
            await asyncio.sleep(0)
        assert not waiting.done()
        one.peer.taking.set()
        await waiting
        assert len(one.box) < FRAMES // 2
        writing.cancel()

    runner.run(main())


def test_a_peer_that_takes_nothing_is_given_up(
    runner: asyncio.Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "STALE_S", 0.01)

    async def main() -> None:
        one = Box()
        one.box.put(b"never taken")
        await one.box.run()  # ends by itself
        assert one.full == 1

    runner.run(main())


def test_it_ends_with_the_connection(runner: asyncio.Runner) -> None:
    class Gone(Peer):
        async def say(self, text: bytes) -> None:
            raise Closed

    async def main() -> Any:
        box = Outbox(Gone(), lambda: None)
        box.put(b"a")
        with pytest.raises(Closed):
            await box.run()

    runner.run(main())
