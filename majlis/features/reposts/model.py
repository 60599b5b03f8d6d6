"""Nouns of reposts."""

import msgspec


class RepostState(msgspec.Struct):
    """Whether the caller reposts it, and how many do."""

    reposted_by_me: bool
    total_reposts: int
