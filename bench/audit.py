"""What must hold of messages after whatever happened: nothing acknowledged is lost, nothing is there twice."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

import asyncpg


class Acknowledged(NamedTuple):
    """What a sender was told of a message."""

    stream: str
    seq: int
    message_id: str


class Entry(NamedTuple):
    """An entry of a log that tells of a message, as stored or as somebody heard of it."""

    seq: int
    message_id: str
    text: str


Logs = Mapping[str, Sequence[Entry]]  # by stream, in the order in which they are stored, or came


class Verdict(NamedTuple):
    """How many of what must not be; and words about the first few."""

    lost: int
    duplicated: int
    holes: int
    differing: int
    words: list[str]

    @property
    def good(self) -> bool:
        """Whether everything holds."""
        return not (self.lost or self.duplicated or self.holes or self.differing)


class Stored(NamedTuple):
    """What the database has: the logs, messages beside them, and where each log ends by its own count."""

    logs: Logs
    messages: Logs
    heads: Mapping[str, int]


async def stored(url: str, streams: Sequence[str]) -> Stored:
    """Read these conversations."""
    ids = [UUID(stream[2:]) for stream in streams]
    connection = await asyncpg.connect(url)
    try:
        events = await connection.fetch(
            "SELECT conversation_id, seq, message_id, payload->'message'->>'text' AS text FROM conversation_events"
            " WHERE conversation_id = ANY($1) ORDER BY conversation_id, seq", ids,
        )  # fmt: skip
        rows = await connection.fetch(
            "SELECT conversation_id, seq, id AS message_id, text FROM messages"
            " WHERE conversation_id = ANY($1) ORDER BY conversation_id, seq", ids,
        )  # fmt: skip
        ends = await connection.fetch("SELECT id, last_seq FROM conversations WHERE id = ANY($1)", ids)
    finally:
        await connection.close()
    heads = {f"c_{row['id']}": int(row["last_seq"]) for row in ends}
    return Stored(_logs(events, streams), _logs(rows, streams), heads)


def _logs(rows: Sequence[asyncpg.Record], streams: Sequence[str]) -> Logs:
    found: dict[str, list[Entry]] = {stream: [] for stream in streams}
    for row in rows:
        entry = Entry(int(row["seq"]), str(row["message_id"]), row["text"])
        found[f"c_{row['conversation_id']}"].append(entry)
    return found


def judge(acknowledged: Mapping[str, Acknowledged], there: Stored, readers: Mapping[str, Logs]) -> Verdict:
    """Compare what senders were told (by text, which each message has for itself) and readers heard with what is there.

    Lost: acknowledged, but not at its place in the log, or not heard by a reader. Duplicated: more than once in the
    log, in the table or with a reader. Holes: places from 1 to the end of a log that hold nothing, and what is out
    of order. Differing: a log, its messages and its count do not agree, or a reader heard something else.
    """
    words: list[str] = []
    lost = duplicated = holes = differing = 0
    for text, told in acknowledged.items():
        log = there.logs[told.stream]
        if not (0 < told.seq <= len(log)) or log[told.seq - 1] != Entry(told.seq, told.message_id, text):
            lost += 1
            words.append(f"lost: {text!r}, acknowledged at {told.seq} of {told.stream}")
    for name, logs in {"the log": there.logs, "the table": there.messages, **readers}.items():
        for stream, log in logs.items():
            twice = sum(count - 1 for count in Counter(entry.text for entry in log).values())
            end = there.heads[stream]
            missing = len({*range(1, end + 1)} - {entry.seq for entry in log})
            astray = sum(entry.seq != place for place, entry in enumerate(log, 1)) if not missing else 0
            other = len({*log} - {*there.logs[stream]}) + (there.logs[stream] != log and not missing)
            duplicated, holes = duplicated + twice, holes + missing + astray
            differing += other
            lost += missing if name in readers else 0
            if twice or missing or astray or other:
                words.append(
                    f"{name}, {stream}: {twice} twice, {missing} missing, {astray} astray, {other} differing"
                )
    return Verdict(lost, duplicated, holes, differing, words[:20])
