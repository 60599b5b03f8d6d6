"""Types that asyncpg does not know as we want them."""

import struct
from typing import Any

import msgspec

from majlis.kit.geo import Point


def _decode_jsonb(data: bytes) -> msgspec.Raw:
    return msgspec.Raw(data[1:])  # the first byte is the format's version, 1


def _encode_jsonb(value: Any) -> bytes:
    return b"\x01" + (bytes(value) if isinstance(value, msgspec.Raw) else msgspec.json.encode(value))


def _decode_point(data: bytes) -> Point:
    lng, lat = struct.unpack("!dd", data)
    return Point(lat, lng)


def _encode_point(value: Point) -> bytes:
    return struct.pack("!dd", value.lng, value.lat)


async def prepare_connection(connection: Any) -> None:
    """Teach a connection our types: json and jsonb as Raw, point as Point."""
    await connection.set_type_codec(
        "json", schema="pg_catalog", encoder=str.encode, decoder=msgspec.Raw, format="binary"
    )
    await connection.set_type_codec(
        "jsonb", schema="pg_catalog", encoder=_encode_jsonb, decoder=_decode_jsonb, format="binary"
    )
    await connection.set_type_codec(
        "point", schema="pg_catalog", encoder=_encode_point, decoder=_decode_point, format="binary"
    )
