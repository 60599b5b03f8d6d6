"""The process that looks into a video: one job, limits on what it may use, and nothing in it worth stealing.

Run as `python -m majlis.vendors.video_worker`: a video on stdin; on stdout a line of JSON, then the poster as JPEG.
"""

import io
import json
import resource
import sys
from fractions import Fraction
from typing import Any

import av

MEMORY = 1024 * 1024 * 1024  # bytes of address space
CPU_SECONDS = 10
MAX_PIXELS = 40_000_000
FRAMES = 50  # looked at before a video counts as one without pictures


def confine() -> None:
    """Give up what decoding does not need: from here on nothing can be opened, no file and no socket."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, 0))


def describe(source: Any, kind: str) -> tuple[dict[str, Any], bytes]:
    """Width, height and seconds, with its first picture as JPEG. Raises av.FFmpegError for what is no such video."""
    with av.open(source, format=kind) as video:
        stream = video.streams.video[0]
        stream.thread_type = "NONE"
        width, height = stream.codec_context.width, stream.codec_context.height
        if not 0 < width * height <= MAX_PIXELS:
            raise ValueError("too many pixels, or none")
        seconds = None if video.duration is None else video.duration / av.time_base
        for _, frame in zip(range(FRAMES), video.decode(stream), strict=False):
            return {"width": width, "height": height, "seconds": seconds}, _jpeg(frame)
    raise ValueError("no picture")


def _jpeg(frame: Any) -> bytes:
    encoder: Any = av.CodecContext.create("mjpeg", "w")
    picture = frame.reformat(format="yuvj420p")
    encoder.width, encoder.height, encoder.pix_fmt = picture.width, picture.height, "yuvj420p"
    encoder.time_base = Fraction(1, 25)
    picture.pts = 0
    packets = [*encoder.encode(picture), *encoder.encode(None)]
    return bytes(packets[0])


def warm_up() -> None:
    """Have everything loaded that the work needs, while files can still be opened."""
    small = io.BytesIO()
    with av.open(small, "w", format="mp4") as video:
        stream: Any = video.add_stream("mpeg4", rate=1)
        stream.width, stream.height, stream.pix_fmt = 16, 16, "yuv420p"
        frame = av.VideoFrame(16, 16, "yuv420p")
        video.mux([*stream.encode(frame), *stream.encode(None)])
    describe(io.BytesIO(small.getvalue()), "mp4")


def main() -> None:
    """One job."""
    av.logging.set_level(None)
    kind = sys.argv[1]
    warm_up()
    confine()
    found, poster = describe(io.BytesIO(sys.stdin.buffer.read()), kind)
    sys.stdout.buffer.write(json.dumps(found).encode() + b"\n" + poster)
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
