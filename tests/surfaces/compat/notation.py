"""The contracts' way of writing shapes, read as a check of values: contracts/*.yaml say it under `notation`."""

import functools
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import yaml

ROOT = Path(__file__).resolve().parents[3]
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z")
DECIMAL = re.compile(r"-?\d+(\.\d+)?")
LISTED = re.compile(r"\[(.+)\]!?.*")
CHOICE = re.compile(r"enum\(([^)]+)\)")
REFUSED = re.compile(r"(\d{3}) (.+)")
KINDS: Mapping[str, Any] = {
    "string": lambda value: isinstance(value, str),
    "uuid": lambda value: isinstance(value, str) and bool(UUID(value)),
    "int": lambda value: type(value) is int,
    "bool": lambda value: isinstance(value, bool),
    "number": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    "decimal": lambda value: isinstance(value, str) and DECIMAL.fullmatch(value) is not None,
    "time": lambda value: isinstance(value, str) and TIME.fullmatch(value) is not None,
    "date": lambda value: isinstance(value, str) and re.fullmatch(r"\d{4}-\d\d-\d\d", value) is not None,
    "object": lambda value: isinstance(value, dict),
    "null": lambda value: value is None,
    "any": lambda value: True,
}


class Operation(msgspec.Struct):
    """What a contract says of one operation."""

    id: str
    method: str
    path: str
    auth: str
    returns: dict[str, Any]
    query: dict[str, Any] = {}
    body: dict[str, Any] = {}
    errors: list[str] = []

    def refusals(self) -> set[tuple[int, str]]:
        """(status, word) of what is refused; without a word where the contract has a sentence in its place."""
        found = set()
        for line in self.errors:
            match = REFUSED.fullmatch(line)
            assert match is not None, line
            word = match[2].removesuffix(" with the failing index")
            found.add((int(match[1]), "" if "same body" in word else word))
        return found

    def parts(self) -> dict[str, Any]:
        """The fields of the body, or the parts of the form in its place."""
        return dict(self.body.get("multipart", self.body))

    def fits(self, path: str) -> bool:
        """Whether this is a path of the operation."""
        form = re.sub(r"\\\{[^}]*\\\}", r"[^/]+", re.escape(self.path))
        return re.fullmatch(form, path) is not None


class Contract:
    """One of contracts/*.yaml."""

    def __init__(self, name: str) -> None:
        document = yaml.safe_load((ROOT / "contracts" / f"{name}.yaml").read_text())
        self.shapes: dict[str, Any] = document["shapes"]
        self.mount: str = document["mount"]
        self.operations = {one["id"]: msgspec.convert(one, Operation) for one in document["operations"]}
        # "author, sender, receiver and readAt are left out when empty"
        notes = [*document["shapes"].get("shape_notes", ()), ""]
        match = re.fullmatch(r"(.+) are left out when empty", notes[0])
        self.may_lack = set(re.split(r", | and ", match[1])) if match else set()

    def faults(self, value: Any, notation: Any, at: str = "body") -> Iterator[str]:
        """Where a value is not what the notation says: fields that are missing or too many, other types."""
        if isinstance(notation, dict):
            yield from self._object(value, self._fields(notation), at)
        elif isinstance(notation, list):
            yield from self._list(value, notation[0], at)
        elif notation is None or isinstance(notation, bool | int):
            if value is not notation and value != notation:
                yield f"{at}: {value!r} is not {notation!r}"
        else:
            yield from self._named(value, notation, at)

    def _fields(self, notation: dict[str, Any]) -> dict[str, Any]:
        more = self._fields(self.shapes[notation["extends"]]) if "extends" in notation else {}
        return {**more, **{name: part for name, part in notation.items() if name != "extends"}}

    def _object(self, value: Any, fields: dict[str, Any], at: str) -> Iterator[str]:
        if not isinstance(value, dict):
            yield f"{at}: {value!r} is no object"
            return
        may_lack = self.may_lack | {name for name, part in fields.items() if "=" in str(part)}
        yield from (f"{at}.{name} is missing" for name in fields.keys() - value.keys() - may_lack)
        yield from (f"{at}.{name} is too many" for name in value.keys() - fields.keys())
        for name in fields.keys() & value.keys():
            yield from self.faults(value[name], fields[name], f"{at}.{name}")

    def _list(self, value: Any, notation: Any, at: str) -> Iterator[str]:
        if not isinstance(value, list):
            yield f"{at}: {value!r} is no list"
            return
        for index, one in enumerate(value):
            yield from self.faults(one, notation, f"{at}[{index}]")

    def _named(self, value: Any, notation: str, at: str) -> Iterator[str]:
        if notation.startswith("{"):
            yield from self._object(value, yaml.safe_load(notation), at)
            return
        if listed := LISTED.fullmatch(notation):
            yield from self._list(value, listed[1], at)
            return
        if choice := CHOICE.match(notation):
            if value not in choice[1].split("|") and not (notation.endswith("|null") and value is None):
                yield f"{at}: {value!r} is none of {choice[1]}"
            return
        names = re.split(r"[!= ]", notation)[0].split("|")
        if len(names) > 1 and value is None and "null" in names:
            return
        name = names[0]
        if name in self.shapes:
            yield from self.faults(value, self.shapes[name], at)
        elif not KINDS.get(name, KINDS["string"])(value):
            yield f"{at}: {value!r} is not {notation}"


@functools.cache
def contract(name: str) -> Contract:
    """A contract by name."""
    return Contract(name)
