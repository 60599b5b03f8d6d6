"""What a file is, by its first bytes; what a client calls it counts for nothing."""

import re

import filetype

from majlis.vendors.files import UNKNOWN_TYPE

HEAD = 8192  # bytes that are looked at
TEXT = "text/plain"
_OTHER_NAMES = {
    "audio/x-flac": "audio/flac",
    "audio/x-wav": "audio/wav",
    "image/x-icon": "image/vnd.microsoft.icon",
}
# No text has these; a page break and an escape may be in one.
_BINARY = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")


def sniff(head: bytes) -> str:
    """The media type of a file by its first HEAD bytes: never one that a browser runs as a page."""
    found = filetype.guess(head[:HEAD]) if head else None
    if found is not None:
        mime_type: str = found.mime
        return _OTHER_NAMES.get(mime_type, mime_type)
    return TEXT if _is_text(head[:HEAD]) else UNKNOWN_TYPE


def _is_text(head: bytes) -> bool:
    for cut in range(4):  # the last letter may go on behind the head
        try:
            return bool(head) and _BINARY.search(head[: len(head) - cut].decode()) is None
        except UnicodeDecodeError:
            continue
    return False
