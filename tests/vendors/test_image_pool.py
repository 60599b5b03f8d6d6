"""The processes that pictures are made in: what they may do, and what becomes of a request that loses one."""

import asyncio
import contextlib
import os
import resource
import signal
import subprocess
import sys
import time
import zlib
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
import pyvips
import uvloop

from majlis.kit.errors import Malformed, Refused, TooLarge, Unavailable
from majlis.vendors.images import ImagePool, Kind, Processed
from tests.vendors.pictures import BLUE, RED, forty_megapixels, plain, pool_of, processed, twelve_megapixels

CEILING_S = 60.0
Run = Callable[[Coroutine[Any, Any, Any]], Any]


@pytest.fixture(params=[asyncio.run, uvloop.run], ids=["asyncio", "uvloop"])
def run(request: pytest.FixtureRequest) -> Run:
    """Both event loops there are: each has its own way with processes."""
    chosen: Run = request.param
    return chosen


async def until(true: Callable[[], bool]) -> None:
    """Until it is true."""
    async with asyncio.timeout(CEILING_S):
        while not true():  # noqa: ASYNC110  nothing tells
            await asyncio.sleep(0.01)


async def stopped(pool: ImagePool) -> int:
    """A child that stands still, so that what it is given next is never done."""
    await pool.process(plain(9, 9, RED).pngsave_buffer(), Kind.POST)  # so that there is a child
    [pid] = pool.children()
    os.kill(pid, signal.SIGSTOP)
    return pid


def claiming(size: int) -> list[bytes]:
    """Small files of each format whose headers promise size x size pixels."""
    png = bytearray(plain(8, 8, RED).pngsave_buffer())
    png[16:24] = size.to_bytes(4, "big") * 2
    png[29:33] = zlib.crc32(png[12:29]).to_bytes(4, "big")
    jpeg = bytearray(plain(8, 8, RED).jpegsave_buffer())
    at = jpeg.index(b"\xff\xc0") + 5
    jpeg[at : at + 4] = size.to_bytes(2, "big") * 2
    gif = bytearray(plain(8, 8, RED).gifsave_buffer())
    gif[6:10] = size.to_bytes(2, "little") * 2
    at = gif.index(b"\x2c\x00\x00\x00\x00\x08\x00\x08\x00") + 5
    gif[at : at + 4] = size.to_bytes(2, "little") * 2
    return [bytes(png), bytes(jpeg), bytes(gif)]


def test_bombs_are_refused_by_their_header() -> None:
    async def body() -> None:
        async with pool_of() as pool:
            for bomb in claiming(60_000):
                with pytest.raises(TooLarge) as refused:
                    await pool.process(bomb, Kind.POST)
                assert refused.value.code == "too_many_pixels"
            status = Path(f"/proc/{pool.children()[0]}/status").read_text()
            peak = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))
            assert peak < 100_000  # kB: nothing was decoded

    asyncio.run(body())


def test_an_animation_promising_too_much_is_refused_and_the_next_picture_served() -> None:
    frames = pyvips.Image.arrayjoin([plain(50, 40, RED), plain(50, 40, BLUE)], across=1).copy()
    frames.set_type(pyvips.GValue.gint_type, "page-height", 40)
    bomb = bytearray(frames.webpsave_buffer())
    at = bomb.index(b"VP8X") + 12
    bomb[at : at + 6] = (16_000 - 1).to_bytes(3, "little") * 2
    refused, fine = processed((bytes(bomb), Kind.POST), (plain(9, 9, RED).pngsave_buffer(), Kind.POST))
    assert isinstance(refused, TooLarge | Malformed)
    assert isinstance(fine, Processed)


def test_the_event_loop_never_waits_for_a_picture(run: Run) -> None:
    data = twelve_megapixels()

    async def body() -> int:
        async with pool_of() as pool:
            ticks = 0
            task = asyncio.create_task(pool.process(data, Kind.POST))
            while not task.done():
                await asyncio.sleep(0.005)
                ticks += 1
            result = await task
            assert (result.width, result.height) == (1200, 900)
            return ticks

    assert run(body()) >= 10, "a loop that waited would have turned once or twice"


def test_no_process_exists_before_the_first_picture_and_none_after_a_pause(run: Run) -> None:
    async def body() -> None:
        async with pool_of(idle=0.05) as pool:
            assert pool.children() == []
            await pool.process(plain(9, 9, RED).pngsave_buffer(), Kind.POST)
            [pid] = pool.children()
            await until(lambda: pool.children() == [])
            await until(lambda: not Path(f"/proc/{pid}").exists())
            await pool.process(plain(9, 9, RED).pngsave_buffer(), Kind.POST)

    run(body())


def test_a_child_is_replaced_after_its_share_of_jobs() -> None:
    async def body() -> None:
        async with pool_of(jobs_per_child=2) as pool:
            data = plain(9, 9, RED).pngsave_buffer()
            await pool.process(data, Kind.POST)
            [first] = pool.children()
            await pool.process(data, Kind.POST)
            assert pool.children() == []
            await pool.process(data, Kind.POST)
            assert pool.children() != [first]

    asyncio.run(body())


async def killed_at_work(pool: ImagePool, number: int) -> Refused:
    """What a request is told whose child gets a signal in the middle."""
    pid = await stopped(pool)
    task = asyncio.create_task(pool.process(plain(9, 9, RED).pngsave_buffer(), Kind.POST))
    await asyncio.sleep(0.05)
    assert pool.children() == [pid]
    os.kill(pid, number)
    with contextlib.suppress(ProcessLookupError):  # it may be gone already
        os.kill(pid, signal.SIGCONT)
    with pytest.raises(Refused) as refused:
        await task
    assert pool.children() == []
    return refused.value


@pytest.mark.parametrize(
    "number, kind",
    [
        (signal.SIGKILL, Unavailable),
        (signal.SIGXCPU, Malformed),
        (signal.SIGSEGV, Malformed),
        (signal.SIGABRT, Malformed),
    ],
)
def test_a_lost_child_costs_one_request_only(run: Run, number: int, kind: type[Refused]) -> None:
    async def body() -> None:
        async with pool_of() as pool:
            assert isinstance(await killed_at_work(pool, number), kind)
            await pool.process(plain(9, 9, RED).pngsave_buffer(), Kind.POST)

    run(body())


def test_a_child_that_died_while_idle_costs_nothing(run: Run) -> None:
    async def body() -> None:
        async with pool_of() as pool:
            data = plain(9, 9, RED).pngsave_buffer()
            await pool.process(data, Kind.POST)
            os.kill(pool.children()[0], signal.SIGKILL)
            await until(lambda: pool._free[0].process.returncode is not None)
            await pool.process(data, Kind.POST)

    run(body())


def test_signals_meant_for_the_server_do_not_end_a_job() -> None:
    async def body() -> None:
        async with pool_of() as pool:
            await pool.process(plain(9, 9, RED).pngsave_buffer(), Kind.POST)
            task = asyncio.create_task(pool.process(forty_megapixels(), Kind.POST))
            await asyncio.sleep(0.1)
            for number in (signal.SIGINT, signal.SIGTERM):
                os.kill(pool.children()[0], number)
            assert (await task).width == 1200

    asyncio.run(body())


def test_a_picture_that_takes_too_long_is_given_up_and_its_child_ended() -> None:
    async def body() -> None:
        async with pool_of() as pool:
            data = plain(9, 9, RED).pngsave_buffer()
            await stopped(pool)
            usual, pool.timeout = pool.timeout, 0.05
            with pytest.raises(Unavailable):
                await pool.process(data, Kind.POST)
            assert pool.children() == []
            pool.timeout = usual
            await pool.process(data, Kind.POST)

    asyncio.run(body())


def test_a_request_that_goes_away_takes_its_job_along(run: Run) -> None:
    async def body() -> None:
        async with pool_of() as pool:
            await stopped(pool)
            task = asyncio.create_task(pool.process(forty_megapixels(), Kind.POST))
            await asyncio.sleep(0.05)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert pool.children() == []
            result = await pool.process(plain(9, 9, RED).pngsave_buffer(), Kind.POST)
            assert (result.width, result.height) == (9, 9)

    run(body())


def test_only_so_many_may_wait() -> None:
    async def body() -> list[Processed | BaseException]:
        async with pool_of(max_waiting=2) as pool:
            jobs = [pool.process(twelve_megapixels(), Kind.AVATAR) for _ in range(6)]
            return await asyncio.gather(*jobs, return_exceptions=True)

    results = asyncio.run(body())
    assert [type(result) for result in results] == [Processed] * 3 + [Unavailable] * 3
    refused = results[-1]
    assert isinstance(refused, Unavailable)
    assert refused.headers["Retry-After"]


def test_two_workers_work_at_once_and_no_third() -> None:
    async def body() -> None:
        async with pool_of(2) as pool:
            jobs = [asyncio.create_task(pool.process(twelve_megapixels(), Kind.POST)) for _ in range(4)]
            await until(lambda: len(pool.children()) == 2)
            assert [result.width for result in await asyncio.gather(*jobs)] == [1200] * 4
            assert len(pool.children()) == 2

    asyncio.run(body())


def test_closing_ends_work_and_waiting_alike(run: Run) -> None:
    async def body() -> None:
        pool = ImagePool(1)
        pid = await stopped(pool)
        jobs = [asyncio.create_task(pool.process(forty_megapixels(), Kind.POST)) for _ in range(3)]
        await asyncio.sleep(0.05)
        await pool.aclose()
        assert not Path(f"/proc/{pid}").exists()
        results = await asyncio.gather(*jobs, return_exceptions=True)
        assert [type(result) for result in results] == [Unavailable] * 3
        with pytest.raises(Unavailable):
            await pool.process(plain(9, 9, RED).pngsave_buffer(), Kind.POST)

    run(body())


def test_a_child_is_limited_and_knows_no_secret(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAJLIS_SECRET_KEY", "canary-in-the-environment")
    inherited = os.open("/dev/null", os.O_RDONLY)
    os.set_inheritable(inherited, True)

    async def body() -> None:
        async with pool_of() as pool:
            await pool.process(plain(9, 9, RED).pngsave_buffer(), Kind.POST)
            [pid] = pool.children()
            assert b"canary" not in Path(f"/proc/{pid}/environ").read_bytes()
            assert resource.prlimit(pid, resource.RLIMIT_AS) == (1 << 30, 1 << 30)
            assert resource.prlimit(pid, resource.RLIMIT_CORE) == (0, 0)
            assert resource.prlimit(pid, resource.RLIMIT_NOFILE) == (0, 0)
            assert 1 <= resource.prlimit(pid, resource.RLIMIT_CPU)[0] <= 30
            assert os.getpriority(os.PRIO_PROCESS, pid) == min(19, os.getpriority(os.PRIO_PROCESS, 0) + 5)
            assert {int(name) for name in os.listdir(f"/proc/{pid}/fd")} == {0, 1, 2, 3}

    try:
        run(body())
    finally:
        os.close(inherited)


ABANDONING = """
import asyncio, os
import pyvips
from majlis.vendors.images import ImagePool, Kind

async def body():
    pool = ImagePool(1)
    await pool.process(pyvips.Image.black(9, 9).pngsave_buffer(), Kind.POST)
    print(pool.children()[0], flush=True)
    os.kill(os.getpid(), 9)

asyncio.run(body())
"""


def test_a_server_that_is_killed_leaves_no_child_behind() -> None:
    environment = {"PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", ABANDONING]
    ended = subprocess.run(command, check=False, env=environment, capture_output=True, text=True, timeout=120)
    assert ended.returncode == -signal.SIGKILL, ended.stderr
    child = Path(f"/proc/{int(ended.stdout)}/stat")
    deadline = time.monotonic() + CEILING_S
    while child.exists() and child.read_text().rpartition(")")[2].split()[0] != "Z":
        assert time.monotonic() < deadline
        time.sleep(0.05)


CONFINED = """
import sys
import pyvips
from majlis.vendors import image_worker
loaded = {name.partition(".")[0] for name in sys.modules}
assert not loaded & {"asyncio", "msgspec", "ssl", "socket"}, loaded
picture = pyvips.Image.black(64, 64, bands=3).copy(interpretation="srgb")
tiff, jpeg = picture.tiffsave_buffer(), picture.jpegsave_buffer()
svg = b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>'
pyvips.Image.svgload_buffer(svg).avg(), pyvips.Image.tiffload_buffer(tiff).avg()
picture.jpegsave(sys.argv[1])
image_worker.confine()
pyvips.Image.jpegload_buffer(jpeg).avg()
attempts = {
    "svg": lambda: pyvips.Image.svgload_buffer(svg).avg(),
    "tiff": lambda: pyvips.Image.tiffload_buffer(tiff).avg(),
    "guess": lambda: pyvips.Image.new_from_buffer(svg, "").avg(),
    "file": lambda: pyvips.Image.jpegload(sys.argv[1]).avg(),
    "write": lambda: picture.jpegsave(sys.argv[1]),
    "raw": lambda: pyvips.Image.rawload(sys.argv[1], 1, 1, 1).avg(),
    "memory": lambda: pyvips.Image.black(40000, 40000).copy_memory(),
}
for name, attempt in attempts.items():
    try:
        attempt()
    except pyvips.Error:
        print(name)
try:
    open(sys.argv[1])
except OSError:
    print("open")
"""


def test_the_worker_can_load_nothing_else_and_open_nothing(tmp_path: Path) -> None:
    command = [sys.executable, "-c", CONFINED, str(tmp_path / "picture.jpg")]
    environment = {"PYTHONPATH": os.pathsep.join(sys.path), "VIPS_DISC_THRESHOLD": "8g"}
    ended = subprocess.run(command, check=False, env=environment, capture_output=True, text=True, timeout=120)
    assert ended.returncode == 0, ended.stderr
    refused = ["svg", "tiff", "guess", "file", "write", "raw", "memory", "open"]
    assert ended.stdout.split() == refused, ended.stderr
