"""Strict input: JSON, query and form values as Structs, with every wrong field named."""

import functools
import inspect
import math
import types
import typing
from datetime import datetime
from decimal import Decimal
from typing import Any, TypeVar, Union, cast, get_args, get_origin
from urllib.parse import parse_qsl

import msgspec
from msgspec import NODEFAULT, UNSET, UnsetType

from majlis.kit.errors import FieldFault, Invalid, Malformed

T = TypeVar("T")
NESTED = (dict, list, tuple, msgspec.Struct)
MAX_DEPTH = 32
MAX_INT = 2**63 - 1  # what a database takes
MAX_DIGITS = 1000  # of a decimal number, before the point and behind it; likewise
CONTROL = frozenset(chr(c) for c in range(32) if c not in (9, 10, 13)) | {"\x7f"}


def json_body(data: bytes, type: type[T]) -> T:
    """The body as this Struct. Raises Malformed for broken JSON, Invalid naming each wrong field."""
    if not data.strip():
        data = b"{}"
    refused = getattr(type, "not_writable", None)
    try:
        if refused:
            _refuse(msgspec.json.decode(data, type=dict[str, msgspec.Raw]), refused)
        value = msgspec.json.decode(data, type=type)
    except msgspec.ValidationError:
        loose = _loose(data)
        raise Invalid(fields=_listed(list(faults(type, loose, "", strict=True)))) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Malformed("The body is not valid JSON.", code="bad_json") from error
    check(value)
    return value


def _loose(data: bytes) -> Any:
    try:
        return msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Malformed("The body is not valid JSON.", code="bad_json") from error


def _refuse(given: dict[str, Any], refused: frozenset[str]) -> None:
    wrong = [
        FieldFault(name, "not_writable", "This field is set by the server.")
        for name in given
        if name in refused
    ]
    if wrong:
        raise Invalid("Some fields cannot be set.", fields=wrong)


def _listed(found: list[FieldFault]) -> list[FieldFault]:
    return found or [FieldFault("", "invalid", "The body has the wrong shape.")]


def query(raw: bytes, type: type[T]) -> T:
    """The query string as this Struct; a parameter that may repeat is a list field."""
    try:
        pairs = parse_qsl(raw.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=200)
    except ValueError as error:
        raise Malformed("The query string cannot be read.", code="bad_query") from error
    return from_pairs([(name, value) for name, value in pairs if value != ""], type)


def from_pairs(pairs: list[tuple[str, str]], type: type[T], *, json_values: bool = False) -> T:
    """Name-value pairs as this Struct. In forms, nested values may be written as JSON."""
    kinds = _kinds(cast(Any, type))
    given: dict[str, Any] = {}
    for name, text in pairs:
        kind = kinds.get(name)
        if kind is None:
            given.setdefault(name, text)
        elif kind == "text":
            given[name] = text
        elif kind == "list" and not (json_values and text.startswith("[")):
            given.setdefault(name, []).append(_from_text(text, json_values))
        else:
            given[name] = _from_text(text, json_values)
    refused = getattr(type, "not_writable", None)
    if refused:
        _refuse(given, refused)
    try:
        value = msgspec.convert(given, type, strict=False)
    except msgspec.ValidationError:
        raise Invalid(fields=_listed(list(faults(type, given, "", strict=False)))) from None
    check(value)
    return value


@functools.cache
def _kinds(type: Any) -> dict[str, str]:
    """Whether each field of a Struct is a list, text, or another value. Kept: looking takes its time."""
    return {field.encode_name: _kind(field.type) for field in msgspec.structs.fields(type)}


def _kind(type: Any) -> str:
    parts = _parts(type)
    if any(get_origin(part) is list for part in parts):
        return "list"
    return "text" if str in parts else "value"


def _from_text(value: str, json_values: bool) -> Any:
    if json_values and value[:1] in ("{", "["):
        try:
            return msgspec.json.decode(value)
        except msgspec.DecodeError:
            return value
    return value


def _parts(type: Any) -> list[Any]:
    """The alternatives of a union, without annotations."""
    if get_origin(type) is typing.Annotated:
        type = get_args(type)[0]
    if get_origin(type) in (Union, types.UnionType):
        return [part for arg in get_args(type) for part in _parts(arg)]
    return [type]


def faults(type: Any, value: Any, path: str, *, strict: bool) -> typing.Iterator[FieldFault]:
    """What is wrong with a value, field by field."""
    structs = [part for part in _parts(type) if inspect.isclass(part) and issubclass(part, msgspec.Struct)]
    if structs and isinstance(value, dict):
        yield from _struct_faults(structs[0], value, path, strict)
        return
    lists = [part for part in _parts(type) if get_origin(part) is list]
    if lists and isinstance(value, list) and get_args(lists[0]):
        before = 0
        for index, item in enumerate(value[:1000]):
            for fault in faults(get_args(lists[0])[0], item, f"{path}[{index}]", strict=strict):
                before += 1
                yield fault
        if before:
            return
    try:
        msgspec.convert(value, type, strict=strict)
    except msgspec.ValidationError as error:
        yield FieldFault(path, "invalid", _message(error))


def _struct_faults(
    struct: Any, value: dict[str, Any], path: str, strict: bool
) -> typing.Iterator[FieldFault]:
    found = False
    for field in msgspec.structs.fields(struct):
        name = field.encode_name
        at = f"{path}.{name}" if path else name
        if name not in value:
            if field.default is NODEFAULT and field.default_factory is NODEFAULT:
                found = True
                yield FieldFault(at, "required", "This field is required.")
            continue
        for fault in faults(field.type, value[name], at, strict=strict):
            found = True
            yield fault
    if not found:
        try:
            msgspec.convert(value, struct, strict=strict)
        except msgspec.ValidationError as error:
            yield FieldFault(path, "invalid", _message(error))


def _message(error: msgspec.ValidationError) -> str:
    text = str(error).split(" - at `", 1)[0]
    return text if text.endswith(".") else text + "."


def check(value: Any) -> None:
    """Refuse what no field may hold: control characters, NaN, infinity, huge numbers. Raises Invalid."""
    if isinstance(value, msgspec.Struct) and all(map(_simple, msgspec.structs.astuple(value))):
        return  # nearly always, and in a fraction of the time
    wrong = list(_unclean(value, "", 0))
    if wrong:
        raise Invalid(fields=wrong)


def _simple(value: Any) -> bool:
    """Whether this is a single value with which nothing is wrong."""
    return value is None or (not isinstance(value, NESTED) and _wrong_with(value) is None)


def _unclean(value: Any, path: str, depth: int) -> typing.Iterator[FieldFault]:
    if isinstance(value, msgspec.Struct):
        for name, sent in zip(value.__struct_fields__, value.__struct_encode_fields__, strict=True):
            item = getattr(value, name)
            if item is not None and item is not UNSET and item is not True and item is not False:
                yield from _unclean(item, f"{path}.{sent}" if path else sent, depth + 1)
    elif not isinstance(value, NESTED):
        wrong = _wrong_with(value)
        if wrong:
            yield FieldFault(path, *wrong)
    elif depth > MAX_DEPTH:
        yield FieldFault(path, "too_deep", "This is nested too deeply.")
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _unclean(key, path, depth + 1)
            yield from _unclean(item, f"{path}.{key}", depth + 1)
    else:
        for index, item in enumerate(cast("list[Any] | tuple[Any, ...]", value)):
            yield from _unclean(item, f"{path}[{index}]", depth + 1)


def _wrong_with(value: Any) -> tuple[str, str] | None:
    """(code, words) of what no single value may be."""
    if isinstance(value, str):
        if not CONTROL.isdisjoint(value):
            return "control_character", "Control characters are not allowed."
        if not value.isprintable() and any("\ud800" <= c <= "\udfff" for c in value):
            return "lone_surrogate", "The text is not valid Unicode."
    elif isinstance(value, int):
        if not -MAX_INT <= value <= MAX_INT:
            return "out_of_range", "This number is too large."
    elif (isinstance(value, float) and not math.isfinite(value)) or (
        isinstance(value, Decimal) and not value.is_finite()
    ):
        return "not_finite", "This must be a finite number."
    elif isinstance(value, Decimal) and not _storable(value):
        return "out_of_range", "This number is too large, or has too many digits."
    elif isinstance(value, datetime) and not 1 < value.year < 9999:
        # In another zone it may lie beyond what there are dates for.
        return "out_of_range", "There is no such time."
    return None


def _storable(value: Decimal) -> bool:
    """Whether a database takes a number, however it is written."""
    _, digits, exponent = value.as_tuple()
    return isinstance(exponent, int) and exponent >= -MAX_DIGITS and len(digits) + exponent <= MAX_DIGITS


def given(value: Any) -> dict[str, Any]:
    """The fields of a partial update that were present, null ones included."""
    return {
        name: item
        for name in value.__struct_fields__
        if not isinstance(item := getattr(value, name), UnsetType)
    }
