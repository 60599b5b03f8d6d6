"""JSON Schemas of the Structs of a surface, under names that people can read."""

import re
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec
from msgspec import inspect as shapes

Schema = dict[str, Any]
REF = "#/components/schemas/{name}"


class Schemas:
    """The schemas of some types, and the components they refer to."""

    def __init__(self, types: Iterable[Any]) -> None:
        """Raises TypeError when two types would get the same name."""
        wanted = list(types)
        structs = _structs(shapes.multi_type_info(wanted))
        _refuse_twins([_of_generic(struct) for struct in structs if _of_generic(struct)])
        # Asked for as well, a Struct answers with a reference, which tells its name.
        found, components = msgspec.json.schema_components([*wanted, *structs], ref_template=REF)
        given = [schema["$ref"].rpartition("/")[2] for schema in found[len(wanted) :]]
        called = [_readable(struct, old) for struct, old in zip(structs, given, strict=True)]
        _refuse_twins(called)
        names = dict(zip(given, called, strict=True))
        for (struct, info), old in zip(structs.items(), given, strict=True):
            _amend_struct(struct, info, components[old])
        self.components: dict[str, Schema] = {
            names[old]: _renamed(part, names) for old, part in components.items()
        }
        self._by_type = [(kind, _renamed(schema, names)) for kind, schema in zip(wanted, found, strict=False)]

    def of(self, kind: Any) -> Schema:
        """The schema of one of the types given at first."""
        return next(schema for known, schema in self._by_type if known == kind)

    def resolve(self, schema: Schema) -> Schema:
        """The component that a schema refers to, or the schema itself."""
        return self.components[schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema


def used(parts: Any, components: dict[str, Schema]) -> set[str]:
    """The names of the components that these parts of a document refer to, directly or not."""
    found: set[str] = set()
    waiting = [parts]
    while waiting:
        for name in set(_references(waiting.pop())) - found:
            found.add(name)
            waiting.append(components[name])
    return found


def _references(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        ref = part.get("$ref")
        if isinstance(ref, str) and ref.startswith(REF.format(name="")):
            yield ref.rpartition("/")[2]
        for value in part.values():
            yield from _references(value)
    elif isinstance(part, list):
        for value in part:
            yield from _references(value)


def _structs(infos: Iterable[shapes.Type]) -> dict[Any, shapes.StructType]:
    """Every Struct that these types contain, by its class."""
    found: dict[Any, shapes.StructType] = {}
    waiting = list(infos)
    while waiting:
        info = waiting.pop(0)
        if isinstance(info, shapes.StructType):
            if info.cls not in found:
                found[info.cls] = info
                waiting.extend(field.type for field in info.fields)
        elif isinstance(info, shapes.Metadata):
            waiting.append(info.type)
        elif isinstance(info, shapes.CollectionType):
            waiting.append(info.item_type)
        elif isinstance(info, shapes.TupleType):
            waiting.extend(info.item_types)
        elif isinstance(info, shapes.DictType):
            waiting.append(info.value_type)
        elif isinstance(info, shapes.UnionType):
            waiting.extend(info.types)
    return found


def _refuse_twins(names: list[str]) -> None:
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise TypeError(f"several Structs would be called {', '.join(twice)}; rename one")


def _readable(struct: Any, name: str) -> str:
    """A Struct's own name; with the feature in front where two features share it."""
    if generic := _of_generic(struct):
        return generic
    if "." in name:
        *_, owner, _, own = name.split(".")
        return owner.title() + own
    return name


def _of_generic(struct: Any) -> str:
    """`PostListing` for a Listing of Posts; nothing for what is not generic."""
    arguments = getattr(struct, "__args__", ())
    inner = "".join(_title(getattr(part, "__name__", str(part))) for part in arguments)
    return f"{inner}{struct.__origin__.__name__}" if arguments else ""


def _title(text: str) -> str:
    return "".join(word[:1].upper() + word[1:] for word in re.findall(r"\w+", text))


def _renamed(part: Any, names: dict[str, str]) -> Any:
    if isinstance(part, dict):
        ref = part.get("$ref")
        if isinstance(ref, str):
            return {**part, "$ref": REF.format(name=names[ref.rpartition("/")[2]])}
        return {key: _renamed(value, names) for key, value in part.items()}
    if isinstance(part, list):
        return [_renamed(value, names) for value in part]
    return part


def _amend_struct(struct: Any, info: shapes.StructType, schema: Schema) -> None:
    """Say of a Struct what its schema leaves out."""
    schema.pop("title", None)  # the component's name says it
    if not schema.get("required", True):
        del schema["required"]
    for field in info.fields:
        _amend(field.type, schema["properties"][field.encode_name])
    refused = getattr(struct, "not_writable", None)
    if refused:
        schema["x-not-writable"] = sorted(refused)


def _amend(info: shapes.Type, schema: Schema) -> None:
    """Give times their format, and take from alternatives the one that is only passed on unread (Raw)."""
    while isinstance(info, shapes.Metadata):
        info = info.type
    if isinstance(info, shapes.DateTimeType):
        schema["format"] = "date-time"
    elif isinstance(info, shapes.TimeType) and info.tz is not True:
        schema["format"] = "time-local"
    elif isinstance(info, shapes.LiteralType) and all(isinstance(value, str) for value in info.values):
        schema["type"] = "string"
    elif isinstance(info, shapes.CollectionType):
        _amend(info.item_type, schema.get("items", {}))
    elif isinstance(info, shapes.DictType):
        _amend(info.value_type, schema.get("additionalProperties", {}))
    elif isinstance(info, shapes.UnionType):
        # msgspec puts what is neither Struct nor null first, in the order of the union.
        plain = [
            part for part in info.types if not isinstance(_bare(part), shapes.StructType | shapes.NoneType)
        ]
        for part, option in zip(plain, schema.get("anyOf", ()), strict=False):
            _amend(part, option)
        if "anyOf" in schema:
            options = _simpler([option for option in schema.pop("anyOf") if option])
            schema.update(options[0] if len(options) == 1 else {"anyOf": options})


def _simpler(options: list[Schema]) -> list[Schema]:
    """A plain value or null as one schema of two types."""
    if len(options) == 2 and options[1] == {"type": "null"} and isinstance(options[0].get("type"), str):
        plain = {**options[0], "type": [options[0]["type"], "null"]}
        return [{**plain, "enum": [*plain["enum"], None]} if "enum" in plain else plain]
    return options


def _bare(info: shapes.Type) -> shapes.Type:
    while isinstance(info, shapes.Metadata):
        info = info.type
    return info
