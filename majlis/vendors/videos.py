"""Uploaded videos: told by their bytes, kept as they are, and looked into by a process that can be lost without harm.

Looking into them takes PyAV (`pip install majlis[video]`); without it a video has no poster, dimensions or duration.
"""

import asyncio
import os
import sys
from contextlib import suppress
from importlib.util import find_spec
from typing import IO, Literal

import msgspec

from majlis.kit import log
from majlis.kit.errors import TooLarge, UnsupportedType

logger = log.get("majlis.videos")
WORKER = "majlis.vendors.video_worker"
SECONDS = 15.0  # for one video
MOST = 32 * 1024 * 1024  # bytes of an answer
HEAD = 64  # bytes that tell a video
PIECE = 1024 * 1024  # bytes of a video in memory at a time
APPLE = b"qt  "
BRANDS = (b"isom", b"iso2", b"iso4", b"iso5", b"iso6", b"mp41", b"mp42", b"avc1", b"M4V ", b"MSNV", b"dash")
MimeType = Literal["video/mp4", "video/webm", "video/quicktime"]
SUFFIXES: dict[str, str] = {"video/mp4": ".mp4", "video/webm": ".webm", "video/quicktime": ".mov"}
READERS: dict[MimeType, str] = {"video/mp4": "mp4", "video/webm": "webm", "video/quicktime": "mov"}
NAMES: dict[MimeType, str] = {"video/mp4": "MP4", "video/webm": "WebM", "video/quicktime": "MOV"}


class Terms(msgspec.Struct, frozen=True):
    """Which videos are taken, and of how many bytes."""

    kinds: tuple[MimeType, ...] = ("video/mp4", "video/webm")
    most: int = 10 * 1024 * 1024


USUAL = Terms()


class Looks(msgspec.Struct):
    """What a video is like: pixels, and seconds where it says."""

    width: int
    height: int
    seconds: float | None


class Clip(msgspec.Struct):
    """A video as it came, and what is known of it; the poster is a JPEG."""

    file: IO[bytes]
    size: int
    mime_type: MimeType
    looks: Looks | None = None
    poster: bytes | None = None


def sniff(data: bytes) -> MimeType | None:
    """The format by the first bytes; None when it is none of those that are known."""
    if data[4:8] == b"ftyp" and data[8:12] in BRANDS:
        return "video/mp4"
    if data[4:8] == b"ftyp" and data[8:12] == APPLE:
        return "video/quicktime"
    if data.startswith(b"\x1a\x45\xdf\xa3") and b"\x42\x82\x84webm" in data[:HEAD]:
        return "video/webm"
    return None


_turn = asyncio.Semaphore(1)  # one at a time: each takes a core for a moment


async def look(file: IO[bytes], terms: Terms = USUAL) -> Clip:
    """The video with its poster, as far as it can be looked into. Raises UnsupportedType or TooLarge (10 MiB)."""
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    kind = sniff(file.read(HEAD))
    if kind is None or kind not in terms.kinds:
        taken = " or ".join(NAMES[one] for one in terms.kinds)
        raise UnsupportedType(f"Videos may be {taken}.", code="unsupported_video")
    if size > terms.most:
        raise TooLarge(f"Videos may have {terms.most // (1024 * 1024)} MiB.", code="video_too_large")
    if find_spec("av") is None:
        return Clip(file, size, kind)
    async with _turn:
        answer = await _ask(file, kind)
    head, _, poster = answer.partition(b"\n")
    try:
        looks = msgspec.json.decode(head, type=Looks)
    except msgspec.DecodeError:
        logger.info("a video could not be looked into", bytes=size, type=kind)
        return Clip(file, size, kind)
    return Clip(file, size, kind, looks, poster if poster.startswith(b"\xff\xd8\xff") else None)


async def _ask(file: IO[bytes], kind: MimeType) -> bytes:
    """What a process says of the video; nothing when it fails or takes too long."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-P", "-m", WORKER, READERS[kind],
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
        env={"PYTHONPATH": os.pathsep.join(path or os.getcwd() for path in sys.path), "MALLOC_ARENA_MAX": "1"},
    )  # fmt: skip
    try:
        async with asyncio.timeout(SECONDS):
            assert process.stdin is not None and process.stdout is not None
            answer, _ = await asyncio.gather(process.stdout.read(), _tell(process.stdin, file))
            await process.wait()
    except TimeoutError:
        return b""
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return answer if process.returncode == 0 and len(answer) <= MOST else b""


async def _tell(pipe: asyncio.StreamWriter, file: IO[bytes]) -> None:
    """Write a file to a process, which may have seen enough before its end."""
    file.seek(0)
    with suppress(BrokenPipeError, ConnectionResetError):
        while piece := await asyncio.to_thread(file.read, PIECE):
            pipe.write(piece)
            await pipe.drain()
        pipe.close()
        await pipe.wait_closed()
