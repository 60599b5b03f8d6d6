"""What the server and its picture process say to each other: plain bytes in fixed frames.

Frames rather than pickles, because whoever takes over a decoder must not get to run code in the server.
"""

import enum
import struct

MAX_PIXELS = 40_000_000
MAX_REPLY = 32 * 1024 * 1024  # bytes of both pictures of a reply

REQUEST = struct.Struct("!BBI")  # position in Format, position in Kind, bytes that follow
REPLY = struct.Struct("!BIIII")  # Verdict, width, height, bytes of the picture, bytes of the thumbnail


class Kind(enum.Enum):
    """What a picture is for; decides its dimensions."""

    AVATAR = "avatar"
    COVER = "cover"
    POST = "post"
    COMMENT = "comment"
    BUSINESS = "business"
    GENERIC = "generic"
    EVENT = "event"


class Format(enum.Enum):
    """The picture formats that are taken."""

    JPEG = "image/jpeg"
    PNG = "image/png"
    WEBP = "image/webp"
    GIF = "image/gif"


class Verdict(enum.IntEnum):
    """How a job ended."""

    DONE = 0
    UNREADABLE = 1
    TOO_MANY_PIXELS = 2


KINDS = tuple(Kind)
FORMATS = tuple(Format)


def sniff(data: bytes) -> Format | None:
    """The format by the first bytes; None when it is not one that is taken."""
    if data.startswith(b"\xff\xd8\xff"):
        return Format.JPEG
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return Format.PNG
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return Format.WEBP
    if data.startswith((b"GIF87a", b"GIF89a")):
        return Format.GIF
    return None
