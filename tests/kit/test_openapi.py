"""OpenAPI documents: what routes and their annotations say, and examples that fit their own schemas."""

import functools
import json
from collections.abc import Iterator
from datetime import datetime, time
from decimal import Decimal
from typing import Annotated, Any, ClassVar, Generic, Literal, TypeVar
from uuid import UUID

import jsonschema
import msgspec
import pytest
from msgspec import UNSET, Meta, UnsetType
from openapi_spec_validator import validate

from majlis import main
from majlis.kit import http
from majlis.kit.errors import Refused
from majlis.kit.http import Api, PageQuery, Request, Upload, access, openapi
from majlis.kit.http.examples import Examples
from majlis.kit.http.schemas import Schemas
from majlis.surfaces import documents
from tests.kit.doors import Door

T = TypeVar("T")


class Fault(msgspec.Struct):
    """What was wrong."""

    code: str
    fields: dict[str, str]
    id: str


class Toy(Door):
    """The surface of these tests."""

    error_type = Fault

    def render(self, refused: Refused, request: Request) -> Fault:
        return Fault(refused.code, {f.field: f.code for f in refused.fields}, request.id)


class Place(msgspec.Struct):
    """Where."""

    lat: float
    lng: float


class Thing(msgspec.Struct):
    """A thing as it is read."""

    id: UUID
    kind: Literal["zebra", "ant"]
    title: str | None
    price: Decimal
    made_at: datetime
    opens: time | None
    at: Place | None
    passed_on: Place | msgspec.Raw | None
    parts: "list[Thing]"
    whole: "Thing | None" = None
    note: str | UnsetType = UNSET


class ThingIn(msgspec.Struct, kw_only=True):
    """A thing as it is written."""

    not_writable: ClassVar[frozenset[str]] = frozenset({"id", "made_at"})

    title: Annotated[str, Meta(min_length=1, max_length=20, examples=["Kite"])]
    at: Place | None = None
    count: Annotated[int, Meta(ge=5)] = 5
    color: Annotated[str, Meta(max_length=7)] | None | UnsetType = UNSET


class Find(PageQuery, kw_only=True):
    """Which things."""

    q: Annotated[str, Meta(max_length=50, description="words")]
    kind: list[Literal["zebra", "ant"]] | None = None
    exact: bool = False


api = Api("toys")


@api.get("/things", policy=access.optional)
async def things(app: Any, query: Find) -> http.Listing[Thing]:
    """Find things.

    In more words, over
    two lines.
    """
    raise NotImplementedError


@api.post("/things", policy=access.user, status=201, limit="post", max_files=3, errors=(409,))
async def add(app: Any, body: ThingIn, files: list[Upload]) -> Thing:
    """Add a thing."""
    raise NotImplementedError


@api.put("/things/{thing_id}", policy=access.moderator)
async def change(app: Any, thing_id: UUID, body: ThingIn) -> Thing:
    """Change a thing."""
    raise NotImplementedError


@api.delete("/things/{thing_id}", policy=access.user, status=204)
async def remove(app: Any, thing_id: UUID) -> None:
    """Remove a thing."""
    raise NotImplementedError


@api.post("/pictures", policy=access.strong, max_files=1, multipart_only=True)
async def picture(app: Any, file: Upload) -> Thing:
    """Add a picture."""
    raise NotImplementedError


@api.get("/files/{path...}", policy=access.internal, content_type="text/plain")
async def words(app: Any, path: str) -> Any:
    """Plain words."""
    raise NotImplementedError


@api.get("/secret", policy=access.none, documented=False)
async def secret(app: Any) -> Thing:
    """Nobody is told."""
    raise NotImplementedError


def made(*apis: Api, **options: Any) -> dict[str, Any]:
    return openapi.document(Toy(apis or (api,)), version="1.2.3", **options)


@functools.cache
def toy() -> dict[str, Any]:
    return made()


@functools.cache
def native() -> dict[str, Any]:
    return documents.document(main.surfaces()[0])


def operation(path: str, method: str) -> dict[str, Any]:
    return dict(toy()["paths"][path][method])


def schema(name: str) -> dict[str, Any]:
    return dict(toy()["components"]["schemas"][name])


@pytest.mark.parametrize("document", [toy, native])
def test_the_document_is_valid(document: Any) -> None:
    validate(document())


def test_names_can_be_read() -> None:
    assert set(toy()["components"]["schemas"]) == {"Fault", "Place", "Thing", "ThingIn", "ThingListing"}
    listing = schema("ThingListing")["properties"]["data"]
    assert listing == {"type": "array", "items": {"$ref": "#/components/schemas/Thing"}}


def test_the_same_name_in_two_features_is_told_apart() -> None:
    class Made(msgspec.Struct):
        """One."""

        a: int

    one = Made
    one.__module__ = "majlis.features.kites.model"

    class Made(msgspec.Struct):  # type: ignore[no-redef]
        """Another."""

        b: int

    Made.__module__ = "majlis.features.bells.model"
    one.__qualname__ = Made.__qualname__ = "Made"
    schemas = Schemas([one, Made])
    assert schemas.of(one) == {"$ref": "#/components/schemas/KitesMade"}
    assert schemas.of(Made) == {"$ref": "#/components/schemas/BellsMade"}
    assert schemas.components["BellsMade"]["properties"] == {"b": {"type": "integer"}}


def test_names_that_cannot_be_told_apart_are_refused() -> None:
    class Box(msgspec.Struct, Generic[T]):
        """Holds one."""

        inside: T

    class Ant(msgspec.Struct):
        """One."""

    one = Ant

    class Ant(msgspec.Struct):  # type: ignore[no-redef]
        """Another."""

    with pytest.raises(TypeError, match="AntBox"):
        Schemas([Box[one], Box[Ant]])  # type: ignore[valid-type]


def test_the_path_and_the_query_become_parameters() -> None:
    (path,) = operation("/things/{thing_id}", "delete")["parameters"]
    assert (
        path["in"] == "path" and path["required"] and path["schema"] == {"type": "string", "format": "uuid"}
    )
    (rest,) = operation("/files/{path}", "get")["parameters"]
    assert rest["schema"]["type"] == "string"
    query = {found["name"]: found for found in operation("/things", "get")["parameters"]}
    assert list(query) == ["limit", "cursor", "offset", "q", "kind", "exact"]
    assert query["q"]["required"] and query["q"]["description"] == "words"
    assert "required" not in query["kind"]
    assert query["kind"]["schema"] == {"type": "array", "items": {"enum": ["ant", "zebra"], "type": "string"}}
    assert query["cursor"]["schema"] == {"type": "string", "maxLength": 500}
    assert query["limit"]["schema"]["default"] == 20
    assert "Find" not in toy()["components"]["schemas"]


def test_a_body_is_json_or_a_form_or_both() -> None:
    json_only = operation("/things/{thing_id}", "put")["requestBody"]
    assert list(json_only["content"]) == ["application/json"] and json_only["required"]
    both = operation("/things", "post")["requestBody"]["content"]
    assert set(both) == {"application/json", "multipart/form-data"}
    form = both["multipart/form-data"]["schema"]
    assert form["properties"]["images"] == {"type": "array", "items": openapi.FILE, "maxItems": 3}
    assert form["properties"]["title"] == schema("ThingIn")["properties"]["title"]
    assert form["required"] == ["title"]
    form_only = operation("/pictures", "post")["requestBody"]
    assert list(form_only["content"]) == ["multipart/form-data"] and form_only["required"]
    picture = form_only["content"]["multipart/form-data"]["schema"]
    assert picture == {"type": "object", "properties": {"file": openapi.FILE}, "required": ["file"]}
    assert openapi.FILE["format"] == "binary"


@pytest.mark.parametrize(
    "path, method, statuses",
    [
        ("/things", "get", "200 400 401 422 429"),
        ("/things", "post", "201 400 401 409 413 415 422 429"),
        ("/things/{thing_id}", "put", "200 400 401 403 404 413 415 422 429"),
        ("/things/{thing_id}", "delete", "204 401 404 429"),
        ("/pictures", "post", "200 400 401 403 413 415 422 429"),
        ("/files/{path}", "get", "200 403 404 429"),
    ],
)
def test_answers_follow_from_the_policy_and_what_is_sent(path: str, method: str, statuses: str) -> None:
    assert list(operation(path, method)["responses"]) == statuses.split()


def test_what_is_not_throttled_has_no_429() -> None:
    free = made(throttled=lambda route: route.path != "/things")
    assert "429" not in free["paths"]["/things"]["get"]["responses"]
    assert "429" in free["paths"]["/pictures"]["post"]["responses"]


def test_answers_hold_what_the_handler_returns() -> None:
    assert "content" not in operation("/things/{thing_id}", "delete")["responses"]["204"]
    assert list(operation("/files/{path}", "get")["responses"]["200"]["content"]) == ["text/plain"]
    listing = operation("/things", "get")["responses"]["200"]["content"]["application/json"]
    assert listing["schema"] == {"$ref": "#/components/schemas/ThingListing"}


def test_refusals_have_the_shape_of_the_surface() -> None:
    ref = operation("/things", "post")["responses"]["422"]["$ref"]
    shared = toy()["components"]["responses"][ref.rpartition("/")[2]]
    body = shared["content"]["application/json"]
    assert body["schema"] == {"$ref": "#/components/schemas/Fault"}
    assert body["example"]["code"] == "invalid" and body["example"]["fields"] == {"email": "required"}
    late = toy()["components"]["responses"]["TooManyRequests"]
    assert "Retry-After" in late["headers"]


def test_policies_limits_and_words_are_told() -> None:
    listed = operation("/things", "get")
    assert listed["security"] == [{}, {"bearer": []}]
    assert listed["summary"] == "Find things."
    assert listed["description"] == "In more words, over two lines."
    added = operation("/things", "post")
    assert added["security"] == [{"bearer": []}]
    assert added["x-policy"] == "user" and added["x-rate-limit"] == "post"
    assert {"$ref": "#/components/parameters/IdempotencyKey"} in added["parameters"]
    assert operation("/files/{path}", "get")["security"] == []
    assert toy()["components"]["securitySchemes"]["bearer"]["scheme"] == "bearer"
    assert [tag["name"] for tag in toy()["tags"]] == ["toys"]
    assert toy()["tags"][0]["description"] == __doc__


def test_ids_are_unique_and_undocumented_routes_absent() -> None:
    assert operation("/things", "get")["operationId"] == "toys_things"
    assert "/secret" not in toy()["paths"]
    ids = [o["operationId"] for item in native()["paths"].values() for o in item.values()]
    assert len(set(ids)) == len(ids)


def test_one_function_on_two_paths_gets_two_ids() -> None:
    twice = Api("twice")
    twice.get("/api/v1/old", policy=access.none)(things)
    twice.get("/api/v1/new", policy=access.none)(things)
    paths = made(twice)["paths"]
    ids = {path: item["get"]["operationId"] for path, item in paths.items()}
    assert ids == {"/api/v1/new": "twice_things", "/api/v1/old": "twice_things_old"}


def test_a_route_that_does_not_say_what_it_returns_is_refused() -> None:
    vague = Api("vague")

    @vague.get("/vague", policy=access.none)
    async def anything(app: Any) -> http.Answer:
        raise NotImplementedError

    with pytest.raises(TypeError, match="GET /vague"):
        made(vague)


def test_a_value_passed_on_unread_shows_its_struct() -> None:
    wanted = [{"$ref": "#/components/schemas/Place"}, {"type": "null"}]
    assert schema("Thing")["properties"]["passed_on"] == {"anyOf": wanted}


def test_times_have_formats_and_null_is_a_type() -> None:
    found = schema("Thing")["properties"]
    assert found["made_at"] == {"type": "string", "format": "date-time"}
    assert found["opens"] == {"type": ["string", "null"], "format": "time-local"}
    assert found["title"] == {"type": ["string", "null"]}


def test_answers_always_hold_what_has_a_default_and_requests_need_not() -> None:
    answer = schema("Thing")
    assert "whole" in answer["required"] and "note" not in answer["required"]
    assert "default" not in answer["properties"]["whole"]
    request = schema("ThingIn")
    assert request["required"] == ["title"] and request["properties"]["count"]["default"] == 5
    assert request["x-not-writable"] == ["id", "made_at"]


def test_examples_of_requests_hold_what_is_needed_and_a_little_more() -> None:
    content = operation("/things", "post")["requestBody"]["content"]
    assert content["application/json"]["example"] == {"title": "Kite", "count": 5, "color": "#2e7d32"}


def test_examples_end_where_a_type_holds_itself() -> None:
    example = operation("/things/{thing_id}", "put")["responses"]["200"]["content"]["application/json"][
        "example"
    ]
    assert example["whole"] is None and example["parts"] == []


def test_the_same_name_gives_the_same_value() -> None:
    examples = Examples(toy()["components"]["schemas"])
    ref = {"$ref": "#/components/schemas/Thing"}
    assert examples.of(ref) == examples.of(ref)
    (path,) = operation("/things/{thing_id}", "delete")["parameters"]
    assert examples.of(ref)["id"] == path["example"]


def contents(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every body of a document: (where, media type object)."""
    for path, item in document["paths"].items():
        for method, found in item.items():
            for kind, body in found.get("requestBody", {}).get("content", {}).items():
                yield f"{method} {path} request {kind}", body
            for status, answer in found["responses"].items():
                for kind, body in answer.get("content", {}).items():
                    yield f"{method} {path} {status} {kind}", body
    for name, answer in document["components"]["responses"].items():
        for body in answer["content"].values():
            yield name, body


@pytest.mark.parametrize("document", [toy, native])
def test_every_body_has_an_example_that_fits_its_schema(document: Any) -> None:
    whole = document()
    wrong, count = [], 0
    for where, body in contents(whole):
        if "example" not in body:
            if body["schema"].get("type") != "string":
                wrong.append(f"{where}: no example")
            continue
        count += 1
        validator = jsonschema.Draft202012Validator({**body["schema"], "components": whole["components"]})
        wrong += [
            f"{where} {list(error.absolute_path)}: {error.message}"
            for error in validator.iter_errors(body["example"])
        ]
    assert not wrong, "\n".join(wrong)
    assert count > 5


def test_the_check_of_examples_can_fail() -> None:
    body = {**operation("/things/{thing_id}", "put")["requestBody"]["content"]["application/json"]}
    validator = jsonschema.Draft202012Validator({**body["schema"], "components": toy()["components"]})
    assert validator.is_valid(body["example"])
    assert not validator.is_valid({**body["example"], "count": 4})


def test_the_text_is_stable_and_sorted() -> None:
    text = openapi.encode(made())
    assert text == openapi.encode(made()) and text.endswith("}\n")
    read = json.loads(text)
    assert list(read["paths"]) == sorted(read["paths"])
    assert list(read["components"]["schemas"]) == sorted(read["components"]["schemas"])
