"""Uploaded pictures: checked, and turned into WebP by processes that can be lost without harm."""

import asyncio
import os
import signal
import sys
from typing import Self

import msgspec

from majlis.kit.errors import Malformed, TooLarge, Unavailable, UnsupportedType
from majlis.vendors.image_wire import (
    FORMATS,
    KINDS,
    MAX_PIXELS,
    MAX_REPLY,
    REPLY,
    REQUEST,
    Format,
    Verdict,
    sniff,
)
from majlis.vendors.image_wire import Kind as Kind

MAX_BYTES = 10 * 1024 * 1024
MIME_TYPE = "image/webp"
WORKER = "majlis.vendors.image_worker"
BUFFER = 1024 * 1024  # bytes read ahead from a child
TIMEOUT_S = 20.0  # for one picture
ENDED_S = 1.0  # until it is known how a child ended

# How a child ends when the picture is to blame: out of CPU time or memory, or a decoder that crashed.
BLAMED = {-signal.SIGXCPU, -signal.SIGSEGV, -signal.SIGBUS, -signal.SIGABRT, -signal.SIGTRAP, -signal.SIGILL}


class Processed(msgspec.Struct, frozen=True):
    """A picture as it is stored; width and height are those of `data`, in pixels."""

    data: bytes
    width: int
    height: int
    thumbnail: bytes
    mime_type: str


class ImagePool:
    """Processes pictures in child processes, which start at the first picture and end when none come.

    `timeout` is seconds for one picture once its turn has come (`TIMEOUT_S`), `max_waiting` how many may wait for a turn,
    `idle` seconds after which children that have nothing to do are ended.
    """

    def __init__(
        self,
        workers: int | None = None,
        *,
        timeout: float | None = None,
        max_waiting: int = 16,
        jobs_per_child: int = 100,
        idle: float = 60.0,
    ) -> None:
        self.workers = workers or (2 if len(os.sched_getaffinity(0)) > 2 else 1)
        self.timeout = TIMEOUT_S if timeout is None else timeout
        self.max_waiting = max_waiting
        self.jobs_per_child = jobs_per_child
        self.idle = idle
        self._turns = asyncio.Semaphore(self.workers)
        self._waiting = 0
        self._children: set[_Child] = set()
        self._free: list[_Child] = []
        self._endings: set[asyncio.Task[None]] = set()
        self._idle_timer: asyncio.TimerHandle | None = None
        self._closed = False

    async def process(self, data: bytes, kind: Kind) -> Processed:
        """The picture and its thumbnail as WebP without metadata.

        Malformed `unreadable_image` when it cannot be read, UnsupportedType when it is not JPEG, PNG, WebP
        or GIF, TooLarge past 10 MiB or 40 megapixels, Unavailable when too many wait or a child was lost.
        """
        format = _checked(data)
        if self._closed or (self._turns.locked() and self._waiting >= self.max_waiting):
            raise Unavailable("Too many pictures are waiting.", headers={"Retry-After": "5"})
        self._waiting += 1
        try:
            await self._turns.acquire()
        finally:
            self._waiting -= 1
        try:
            return await self._process(data, format, kind)
        finally:
            self._turns.release()

    def children(self) -> list[int]:
        """The process ids of the children there are."""
        return [child.process.pid for child in self._children]

    async def aclose(self) -> None:
        """End every child; whoever still waits for a picture is told Unavailable."""
        self._closed = True
        self._stop_idle_timer()
        for child in self._children:
            child.kill()
        for _ in range(self.workers):  # those at work notice, and hand back their turn
            await self._turns.acquire()
        self._end_free()
        await asyncio.gather(*self._endings)
        for _ in range(self.workers):
            self._turns.release()

    async def _process(self, data: bytes, format: Format, kind: Kind) -> Processed:
        child = await self._take()
        try:
            async with asyncio.timeout(self.timeout):
                return await child.process_picture(data, format, kind)
        except TimeoutError as error:
            raise Unavailable("The picture took too long.", headers={"Retry-After": "5"}) from error
        except (asyncio.IncompleteReadError, ConnectionError) as error:
            if await child.ended() in BLAMED:
                raise _unreadable() from error
            raise Unavailable("The picture could not be processed now.") from error
        finally:
            # A child that was interrupted is in the middle of an answer to nobody.
            if child.busy or child.jobs >= self.jobs_per_child:
                self._end(child)
            else:
                self._give_back(child)

    async def _take(self) -> "_Child":
        """A child to work with: one that is free and alive, or else a new one."""
        if self._closed:
            raise Unavailable("The server is stopping.")
        self._stop_idle_timer()
        while self._free:
            child = self._free.pop()
            if child.process.returncode is None:
                return child
            self._end(child)
        try:
            child = await _Child.start()
        except OSError as error:
            raise Unavailable("No process could be started for the picture.") from error
        self._children.add(child)
        return child

    def _give_back(self, child: "_Child") -> None:
        self._free.append(child)
        self._stop_idle_timer()
        self._idle_timer = asyncio.get_running_loop().call_later(self.idle, self._end_free)

    def _stop_idle_timer(self) -> None:
        if self._idle_timer is not None:
            self._idle_timer.cancel()

    def _end_free(self) -> None:
        while self._free:
            self._end(self._free.pop())

    def _end(self, child: "_Child") -> None:
        """End a child; a task of its own sees to its remains, so that no cancellation can interrupt that."""
        self._children.discard(child)
        child.kill()
        task = asyncio.create_task(child.bury())
        self._endings.add(task)
        task.add_done_callback(self._endings.discard)


class _Child:
    """One process of image_worker; `busy` from the first byte of a job to the last of its answer."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdin is not None and process.stdout is not None
        self.process = process
        self.stdin = process.stdin
        self.stdout = process.stdout
        self.jobs = 0
        self.busy = False

    @classmethod
    async def start(cls) -> Self:
        """A new process. Its environment has none of the server's secrets."""
        environment = {
            "PYTHONPATH": os.pathsep.join(path or os.getcwd() for path in sys.path),
            "MALLOC_ARENA_MAX": "1",
            "VIPS_CONCURRENCY": "1",
            "VIPS_DISC_THRESHOLD": "2g",  # it may open no file, so nothing spills into one
        }
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-P",
            "-m",
            WORKER,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env=environment,
            limit=BUFFER,
        )
        return cls(process)

    async def process_picture(self, data: bytes, format: Format, kind: Kind) -> Processed:
        """Send one job and read its answer. IncompleteReadError or ConnectionError when the child is lost."""
        self.jobs += 1
        self.busy = True
        self.stdin.write(REQUEST.pack(FORMATS.index(format), KINDS.index(kind), len(data)))
        self.stdin.write(data)
        await self.stdin.drain()
        header = await self.stdout.readexactly(REPLY.size)
        verdict, width, height, length, thumbnail_length = REPLY.unpack(header)
        if length + thumbnail_length > MAX_REPLY:
            raise ConnectionError("a child announced more than a picture can be")
        picture = await self.stdout.readexactly(length)
        thumbnail = await self.stdout.readexactly(thumbnail_length)
        self.busy = False
        if verdict == Verdict.TOO_MANY_PIXELS:
            raise TooLarge(f"Pictures may have {MAX_PIXELS // 1_000_000} megapixels.", code="too_many_pixels")
        # What a child answers is believed no more than what a client sends.
        if verdict != Verdict.DONE or not sniff(picture) is sniff(thumbnail) is Format.WEBP:
            raise _unreadable()
        return Processed(picture, width, height, thumbnail, MIME_TYPE)

    async def ended(self) -> int:
        """How the child ended, the negative signal when by one; 0 where nobody knows yet."""
        try:
            async with asyncio.timeout(ENDED_S):
                return await self.process.wait()
        except TimeoutError:
            return 0

    def kill(self) -> None:
        """End it now, without waiting."""
        if self.process.returncode is None:
            try:
                self.process.kill()
            except ProcessLookupError:
                return  # it was faster

    async def bury(self) -> None:
        """Wait until it has ended, and close its pipes."""
        self.stdin.close()
        await self.process.communicate()


def _checked(data: bytes) -> Format:
    """The format of what may be a picture; refuses what can be told without decoding."""
    if not data:
        raise _unreadable()
    if len(data) > MAX_BYTES:
        raise TooLarge(f"Pictures may have {MAX_BYTES // (1024 * 1024)} MiB.", code="image_too_large")
    format = sniff(data)
    if format is None:
        raise UnsupportedType("Pictures may be JPEG, PNG, WebP or GIF.", code="unsupported_image")
    return format


def _unreadable() -> Malformed:
    return Malformed("The picture cannot be read.", code="unreadable_image")
