"""The process that decodes pictures: small, limited, and with nothing in it worth stealing.

Run as `python -m majlis.vendors.image_worker`; it serves jobs from stdin to stdout until stdin ends.
"""

import logging
import os
import resource
import signal
import sys
from typing import BinaryIO

import pyvips

from majlis.vendors.image_wire import FORMATS, KINDS, MAX_PIXELS, REPLY, REQUEST, Format, Kind, Verdict

MEMORY = 1024 * 1024 * 1024  # bytes of address space; 40 megapixels at their worst were seen to need 570 MB
CPU_SECONDS = 15  # per job, below the wall clock that the server grants
NICENESS = 5

WIDTH = 1200
TALLEST = 16383  # WebP holds no longer edge
THUMBNAIL = 320
THUMBNAILS = {Kind.EVENT: 300}  # where they are of another size
QUALITY = 80
THUMBNAIL_QUALITY = 70
CROPPED = {Kind.AVATAR: (400, 400), Kind.COVER: (1600, 900)}

ALLOWED = (
    "VipsForeignLoadJpegBuffer",
    "VipsForeignLoadPngBuffer",
    "VipsForeignLoadWebpBuffer",
    "VipsForeignLoadNsgifBuffer",
    "VipsForeignSaveWebpBuffer",
)


class TooManyPixels(Exception):
    """The header promises more than MAX_PIXELS."""


def confine() -> None:
    """Give up what decoding does not need; a decoder that is taken over finds little left."""
    logging.disable()  # libvips repeats words of the picture in its warnings
    for operation in ("VipsForeignLoad", "VipsForeignSave"):
        pyvips.operation_block_set(operation, True)
    for operation in ALLOWED:
        pyvips.operation_block_set(operation, False)
    pyvips.cache_set_max(0)
    os.nice(NICENESS)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    _warm_up()
    # From here on nothing can be opened: no file, no socket.
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, 0))


def convert(data: bytes, format: Format, kind: Kind) -> tuple[bytes, int, int, bytes]:
    """The picture as WebP, its width and height, and its thumbnail.

    Raises TooManyPixels by the header alone, and pyvips.Error when it cannot be read to its end.
    """
    image = _open(data, format)
    if image.width * image.height > MAX_PIXELS:
        raise TooManyPixels
    turned = image.get_typeof("orientation") != 0 and 5 <= int(image.get("orientation")) <= 8
    fitted = _cropped(data, image, format, kind, turned) if kind in CROPPED else _inside(image)
    # Held in memory because it is read twice, and 8-bit sRGB because that is all that WebP has.
    fitted = fitted.colourspace("srgb").cast("uchar").copy_memory()
    edge = THUMBNAILS.get(kind, THUMBNAIL)
    thumbnail = fitted.thumbnail_image(edge, height=edge, size="down", no_rotate=True)
    return (
        fitted.webpsave_buffer(Q=QUALITY, keep="none"),
        fitted.width,
        fitted.height,
        thumbnail.webpsave_buffer(Q=THUMBNAIL_QUALITY, keep="none"),
    )


def serve(source: BinaryIO, sink: BinaryIO) -> None:
    """Answer jobs until the source ends."""
    while len(header := source.read(REQUEST.size)) == REQUEST.size:
        format, kind, length = REQUEST.unpack(header)
        data = source.read(length)
        _allow_cpu()
        try:
            picture, width, height, thumbnail = convert(data, FORMATS[format], KINDS[kind])
        except TooManyPixels:
            sink.write(REPLY.pack(Verdict.TOO_MANY_PIXELS, 0, 0, 0, 0))
        except pyvips.Error:
            sink.write(REPLY.pack(Verdict.UNREADABLE, 0, 0, 0, 0))
        else:
            sink.write(REPLY.pack(Verdict.DONE, width, height, len(picture), len(thumbnail)))
            sink.write(picture)
            sink.write(thumbnail)
        sink.flush()


def main() -> None:
    """Serve on the standard streams."""
    os.closerange(3, 65536)  # whatever came down from the server by mistake
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)  # the server ends this process, after its requests have drained
    sink = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # a library that prints must not break the frames
    confine()
    serve(sys.stdin.buffer, sink)


def _open(data: bytes, format: Format, shrink: int = 1) -> pyvips.Image:
    """The first frame, undecoded; reading it fails on any damage rather than fill in grey."""
    match format:
        case Format.JPEG:
            return pyvips.Image.jpegload_buffer(data, access="sequential", fail_on="error", shrink=shrink)
        case Format.PNG:
            return pyvips.Image.pngload_buffer(data, access="sequential", fail_on="error")
        case Format.WEBP:
            return pyvips.Image.webpload_buffer(data, access="sequential", fail_on="error", page=0, n=1)
        case Format.GIF:
            return pyvips.Image.gifload_buffer(data, access="sequential", fail_on="error", page=0, n=1)


def _inside(image: pyvips.Image) -> pyvips.Image:
    """Upright, in sRGB, at most WIDTH wide and never enlarged."""
    return image.thumbnail_image(WIDTH, height=TALLEST, size="down", output_profile="srgb")


def _cropped(data: bytes, image: pyvips.Image, format: Format, kind: Kind, turned: bool) -> pyvips.Image:
    """Upright, in sRGB, cut around the centre to exactly the dimensions of its kind."""
    width, height = CROPPED[kind]
    across, down = (height, width) if turned else (width, height)
    shrink = _free_shrink(min(image.width / across, image.height / down)) if format is Format.JPEG else 1
    if shrink > 1:
        image = _open(data, format, shrink=shrink)
    # Cut before resizing: a strip one pixel wide would else be enlarged to billions of them.
    cut_width = max(1, min(image.width, round(image.height * across / down)))
    cut_height = max(1, min(image.height, round(image.width * down / across)))
    left, top = (image.width - cut_width) // 2, (image.height - cut_height) // 2
    if top > 0 and format in (Format.JPEG, Format.PNG):
        # Rows below the cut would never be decoded, and damage there never found.
        _open(data, format, shrink=shrink).avg()
    image = image.crop(left, top, cut_width, cut_height)
    return image.thumbnail_image(width, height=height, size="both", crop="centre", output_profile="srgb")


def _free_shrink(scale: float) -> int:
    """How far the JPEG decoder may shrink by averaging blocks, which leaves a factor of two to Lanczos."""
    return next((shrink for shrink in (8, 4, 2) if scale >= 2 * shrink), 1)


def _allow_cpu() -> None:
    """Let this job use CPU_SECONDS from now; past them the kernel ends the process with SIGXCPU."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    limit = int(used.ru_utime + used.ru_stime) + 1 + CPU_SECONDS
    resource.setrlimit(resource.RLIMIT_CPU, (limit, resource.RLIM_INFINITY))


def _warm_up() -> None:
    """Have every library opened that the work needs, while files can still be opened."""
    small = pyvips.Image.black(8, 8, bands=3).copy(interpretation="srgb")
    convert(small.webpsave_buffer(), Format.WEBP, Kind.AVATAR)


if __name__ == "__main__":
    main()
