"""What is made of rows, remembered for as long as the rows are what they were."""

from collections import OrderedDict
from collections.abc import Hashable, Iterable
from typing import Generic, TypeVar

T = TypeVar("T")


def version(row: str) -> str:
    """SQL: the version of a row as one text."""
    return f"{row}.xmin::text || {row}.ctid::text"


class Versions(Generic[T]):
    """Values by key and version, at most `most` of them; the one not asked for the longest leaves first.

    A query that selects versions next to what it is about tells whether a value still holds, so nothing needs to be
    told of changes, in no process. A version of a row is its xmin and its ctid: a transaction that changes a row
    twice keeps the first, and no other transaction shares it.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._values: OrderedDict[Hashable, tuple[Hashable, T]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._values)

    def get(self, key: Hashable, version: Hashable) -> T | None:
        """The value if it is of this version."""
        return self.each([(key, version)])[0]

    def each(self, wanted: Iterable[tuple[Hashable, Hashable]]) -> list[T | None]:
        """The same for several keys with their versions."""
        values, result = self._values, list[T | None]()
        for key, version in wanted:
            found = values.get(key)
            if found is None or found[0] != version:
                result.append(None)
            else:
                values.move_to_end(key)
                result.append(found[1])
        return result

    def put(self, key: Hashable, version: Hashable, value: T) -> T:
        """Remember a value, which nobody may change any more; the value."""
        self._values[key] = version, value
        self._values.move_to_end(key)
        if len(self._values) > self._most:
            self._values.popitem(last=False)
        return value
