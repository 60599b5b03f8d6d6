"""The HTTP layer on a small server of its own: routing, strict input, answers, limits."""

import asyncio
import gzip
import json
import re
import uuid
from collections.abc import Callable, Iterator
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, ClassVar
from uuid import UUID

import asyncpg
import brotli
import httpx
import msgspec
import pytest
from msgspec import Meta

from majlis import main
from majlis.kit import http, page
from majlis.kit.errors import Invalid
from majlis.kit.geo import Point
from majlis.kit.http import Server, Upload, access, binding
from majlis.kit.http import server as serving
from majlis.kit.http.router import Router
from majlis.kit.me import Me
from tests import world as worlds
from tests.kit.doors import MAX_BODY, USERS, serve

TIMEOUT_S = 60.0
USER = USERS["good"]


class Address(msgspec.Struct):
    """A nested part of a body."""

    city: Annotated[str, Meta(max_length=10)]
    place: Point | None = None


class Thing(msgspec.Struct, kw_only=True):
    """A body with a bit of everything."""

    not_writable: ClassVar[frozenset[str]] = frozenset({"id", "owner"})

    name: Annotated[str, Meta(min_length=1, max_length=10)]
    count: Annotated[int, Meta(ge=0)]
    price: float | None = None
    cost: Decimal | None = None
    at: datetime | None = None
    address: Address | None = None
    more: Annotated[list[Address], Meta(max_length=3)] = []
    data: dict[str, Any] | None = None


class Search(http.PageQuery, kw_only=True):
    """A query string."""

    words: list[Annotated[str, Meta(max_length=5)]] = msgspec.field(default_factory=list)
    exact: bool = False


class Saying(msgspec.Struct):
    """What a form brought."""

    name: str
    files: list[str]


api = http.Api("things")


@api.get("/things/{thing_id}", policy=access.none)
async def get_thing(thing_id: UUID) -> dict[str, str]:
    return {"id": str(thing_id)}


@api.get("/things", policy=access.none)
async def find_things(query: Search) -> dict[str, Any]:
    at = page.decode("things", query.cursor, tuple[int]) if query.cursor else (0,)
    return {"limit": query.limit, "words": query.words, "exact": query.exact, "at": at[0]}


@api.post("/things", policy=access.none, status=201)
async def add_thing(body: Thing) -> Thing:
    return body


@api.put("/names/{name}", policy=access.none)
async def put_name(name: str) -> dict[str, str]:
    return {"name": name}


@api.get("/big", policy=access.none)
async def get_big() -> list[str]:
    return ["the same words over and over"] * 200


@api.get("/slow", policy=access.none)
async def get_slow() -> None:
    await asyncio.sleep(600)


@api.get("/broken", policy=access.none)
async def get_broken() -> None:
    raise RuntimeError("canary: the password is hunter2")


@api.get("/given-up/{sqlstate}", policy=access.none)
async def get_given_up(sqlstate: str) -> None:
    raise asyncpg.PostgresError.new({"C": sqlstate, "M": "canary: the password is hunter2"})


@api.get("/mine", policy=access.user)
async def get_mine(me: Me) -> dict[str, str]:
    return {"id": str(me.user())}


@api.delete("/things/{thing_id}", policy=access.none, status=204)
async def delete_thing(thing_id: UUID) -> None:
    return None


@api.post("/forms", policy=access.none, max_files=2)
async def post_form(body: Address, files: list[Upload]) -> Saying:
    return Saying(body.city, [file.name for file in files])


@api.post("/pictures", policy=access.none, max_files=1, multipart_only=True)
async def post_picture(file: Upload) -> Saying:
    return Saying(file.field, [file.name])


def server(max_body: int = MAX_BODY, timeout_s: float = TIMEOUT_S) -> Server:
    return serve(api, timeout_s=timeout_s, max_body=max_body)


class Client:
    """Requests to the small server."""

    def __init__(self, runner: asyncio.Runner, timeout_s: float) -> None:
        self.runner = runner
        transport = httpx.ASGITransport(app=server(timeout_s=timeout_s))
        self.http = httpx.AsyncClient(transport=transport, base_url="http://toy")

    def __call__(self, method: str, path: str, **options: Any) -> httpx.Response:
        return self.runner.run(self.http.request(method, path, **options))

    def post(
        self, content: bytes | Any, kind: str = "application/json", path: str = "/things"
    ) -> httpx.Response:
        data = content if isinstance(content, bytes) else json.dumps(content).encode()
        return self("POST", path, content=data, headers={"Content-Type": kind})


@pytest.fixture(params=[TIMEOUT_S])
def client(runner: asyncio.Runner, request: pytest.FixtureRequest) -> Iterator[Client]:
    page.configure(worlds.SECRET)
    made = Client(runner, request.param)
    yield made
    runner.run(made.http.aclose())


# ---- routing


def test_routes_go_static_first_and_come_back() -> None:
    router = Router()
    paths = ["/a/b/c", "/a/{x}/d", "/{y}/b/e", "/a/{z...}", "/a/{x}"]
    for path in paths:
        router.add("GET", path, path)
    router.add("DELETE", "/a/b", "delete a/b")

    def found(path: str, method: str = "GET") -> Any:
        return router.find(method, path)

    assert found("/a/b/c") == ("/a/b/c", {})
    assert found("/a/b/d") == ("/a/{x}/d", {"x": "b"}), "static b leads nowhere: the parameter is tried"
    assert found("/a/b/e") == ("/a/{z...}", {"z": "b/e"})
    assert found("/q/b/e") == ("/{y}/b/e", {"y": "q"})
    assert found("/a/b/x/y") == ("/a/{z...}", {"z": "b/x/y"})
    assert found("/a/b") == ("/a/{x}", {"x": "b"}), "another method's static node does not hide the parameter"
    assert found("/a/b", "DELETE") == ("delete a/b", {})
    assert found("/q") is None
    assert router.methods("/a/b") == ["GET", "DELETE"]
    with pytest.raises(ValueError, match="twice"):
        router.add("GET", "/a/{other}", "again")


def test_a_route_needs_a_policy_and_known_parameters() -> None:
    own = http.Api("own")
    with pytest.raises(TypeError, match="policy"):
        own.get("/x")(find_things)  # type: ignore[call-arg]

    async def unknown(what: int) -> None:
        return None

    async def untaken() -> None:
        return None

    async def number(thing: int) -> None:
        return None

    for path, handler, words in (
        ("/x", unknown, "what"),
        ("/x/{thing}", untaken, "thing"),
        ("/x/{thing}", number, "UUID or str"),
    ):
        with pytest.raises(TypeError, match=words):
            own.get(path, policy=access.none)(handler)
    with pytest.raises(TypeError, match="colour"):
        own.get("/x", policy=access.none, colour="red")(untaken)


# ---- input


def test_broken_json_is_400(client: Client) -> None:
    for content in (
        b"{",
        b'{"name": }',
        b'{"name": "a" "count": 1}',
        b"\xff\xfe",
        b'{"name": "\xff", "count": 1}',
    ):
        answer = client.post(content)
        assert (answer.status_code, answer.json()["code"]) == (400, "bad_json"), content


def test_every_wrong_field_is_named_at_once(client: Client) -> None:
    answer = client.post(
        {
            "name": "much too long a name",
            "price": "dear",
            "at": "yesterday",
            "address": {"city": 5, "place": {"lat": 91, "lng": 0}},
            "more": [{"city": "Herat"}, {}, {"city": "a" * 11}],
        }
    )
    assert answer.status_code == 422
    wanted = ["name", "count", "price", "at", "address.city", "address.place", "more[1].city", "more[2].city"]
    assert list(answer.json()["fields"]) == wanted
    assert answer.json()["fields"]["count"] == "required"


def test_an_empty_body_misses_every_needed_field(client: Client) -> None:
    for content in (b"", b"  ", b"{}"):
        answer = client.post(content)
        assert answer.status_code == 422
        assert answer.json()["fields"] == {"name": "required", "count": "required"}


def test_other_shapes_than_an_object_are_422(client: Client) -> None:
    for content in (b"[]", b"null", b'"x"', b"5"):
        assert client.post(content).status_code == 422, content


def test_fields_of_the_server_are_refused(client: Client) -> None:
    answer = client.post({"name": "a", "count": 1, "id": str(uuid.uuid4()), "owner": "me"})
    assert answer.status_code == 422
    assert answer.json()["fields"] == {"id": "not_writable", "owner": "not_writable"}
    assert client.post({"name": "a", "count": 1, "unknown": 1}).status_code == 201


DEEP = b'{"name": "a", "count": 1, "data": ' + b'{"a":' * 5000 + b"1" + b"}" * 5000 + b"}"
STRANGE = [
    b'{"name": "a\\u0000", "count": 1}',
    b'{"name": "\\ud800", "count": 1}',
    b'{"name": "\\udc00\\ud800", "count": 1}',
    b'{"name": "a", "count": 1, "price": NaN}',
    b'{"name": "a", "count": 1, "price": Infinity}',
    b'{"name": "a", "count": 1, "price": 1e999}',
    b'{"name": "a", "count": 1e999}',
    b'{"name": "a", "count": 1.5}',
    b'{"name": "a", "count": ' + b"9" * 500 + b"}",
    b'{"name": "a", "count": 9223372036854775808}',
    b'{"name": "a", "count": true}',
    b'{"name": "a", "count": 1, "data": {"\\u0001": 1}}',
    b'{"name": "a", "count": 1, "data": {"x": [["\\u0007"]]}}',
    b'{"name": "a", "count": 1, "data": {"x": ' + b"[" * 50 + b"]" * 50 + b"}}",
    b'{"name": "a", "count": 1, "data": ' + b"[" * 400 + b"]" * 400 + b"}",
    b'{"name": "a", "count": -1}',
    b'{"name": "a", "count": 1, "at": "0000-00-00T00:00:00Z"}',
    b'{"name": "a", "count": 1, "at": "0001-01-01T00:00:00+14:00"}',
    b'{"name": "a", "count": 1, "at": "9999-12-31T23:59:59-14:00"}',
    b'{"name": "a", "count": 1, "cost": "1e-999999"}',
    b'{"name": "a", "count": 1, "cost": "1e999999"}',
    b'{"name": "a", "count": 1, "cost": "NaN"}',
    b'{"name": "a", "count": 1, "address": {"city": "a", "place": {"lat": 1e308, "lng": 1}}}',
    b'{"name": {"a": 1}, "count": [1], "more": {"a": 1}, "address": [1]}',
]


@pytest.mark.parametrize("content", STRANGE, ids=range(len(STRANGE)))
def test_strange_values_are_refused_in_words(client: Client, content: bytes) -> None:
    answer = client.post(content)
    assert answer.status_code in (400, 422), answer.text
    if answer.status_code == 422:
        assert answer.json()["fields"], "no field is named"


def test_deep_nesting_is_refused(runner: asyncio.Runner) -> None:
    roomy = server(2 * len(DEEP))

    async def post() -> int:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app=roomy), base_url="http://toy") as one:
            answer = await one.post("/things", content=DEEP, headers={"Content-Type": "application/json"})
            return answer.status_code

    assert runner.run(post()) in (400, 422)


class Renamed(msgspec.Struct, rename="camel"):
    """A body of a door whose contract writes in camelCase."""

    ticket_price: str


def test_what_no_field_may_hold_is_named_as_it_was_sent() -> None:
    with pytest.raises(Invalid) as refused:
        binding.check([Renamed("\x00")])
    assert [fault.field for fault in refused.value.fields] == ["[0].ticketPrice"]


def test_control_characters_name_their_field(client: Client) -> None:
    answer = client.post({"name": "a\x00", "count": 1, "more": [{"city": "b\x1b"}], "data": {"x": ["\x7f"]}})
    assert answer.json()["fields"] == {
        "name": "control_character",
        "more[0].city": "control_character",
        "data.x[0]": "control_character",
    }
    assert client.post({"name": "a\n\t\r", "count": 1}).status_code == 201


def test_other_types_than_json_are_415(client: Client) -> None:
    good = b'{"name": "a", "count": 1}'
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""):
        assert client.post(good, kind).status_code == 415, kind
    for kind in ("application/json", "Application/JSON; charset=utf-8", "application/merge-patch+json"):
        assert client.post(good, kind).status_code == 201, kind


def test_paths_that_hold_no_id_are_404(client: Client) -> None:
    assert client("GET", f"/things/{USER}").json() == {"id": str(USER)}
    for path in (
        "/things/5",
        "/things/me",
        f"/things/{USER}x",
        "/things/%00",
        "/things/" + "z" * 36,
        "/nowhere",
    ):
        answer = client("GET", path)
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found"), path
    assert client("PUT", "/names/Amina").json() == {"name": "Amina"}
    assert client("PUT", "/names/a%00b").status_code == 404


def test_query_strings_are_typed(client: Client) -> None:
    assert client("GET", "/things").json() == {"limit": 20, "words": [], "exact": False, "at": 0}
    answer = client("GET", "/things?limit=5&words=a&words=b&exact=true&cursor=&more=1")
    assert answer.json() == {"limit": 5, "words": ["a", "b"], "exact": True, "at": 0}
    answer = client("GET", "/things?limit=0&words=a&words=abcdefg&exact=perhaps&offset=-1")
    assert answer.status_code == 422
    assert set(answer.json()["fields"]) == {"limit", "words[1]", "exact", "offset"}
    for raw in ("limit=9e999", "limit=%00", "words=%00", "words=%ff", "words=%ed%a0%80", "limit=١"):
        assert client("GET", f"/things?{raw}").status_code in (400, 422), raw
    assert client("GET", "/things?" + "&".join(["words=a"] * 300)).status_code == 400


def test_a_cursor_of_another_list_is_400(client: Client) -> None:
    assert client("GET", f"/things?cursor={page.encode('things', 5)}").json()["at"] == 5
    for cursor in (
        page.encode("others", 5),
        page.encode("things", "x"),
        "x",
        "%00",
        "ä",
        page.encode("things", 5)[:-1],
    ):
        answer = client("GET", "/things", params={"cursor": cursor})
        assert answer.status_code in (400, 422), cursor
        if "\0" not in cursor:
            assert answer.json()["code"] == "bad_cursor", cursor


# ---- bodies


class Wire:
    """One ASGI request, told what is asked of it."""

    def __init__(self, path: str, chunks: list[bytes], headers: dict[str, str], method: str = "POST") -> None:
        self.left = list(chunks)
        self.asked = 0
        self.sent: list[dict[str, Any]] = []
        raw = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
        self.scope = {
            "type": "http", "method": method, "path": path, "query_string": b"", "headers": raw,
            "client": ("127.0.0.1", 1), "http_version": "1.1", "scheme": "http", "root_path": "",
        }  # fmt: skip

    async def receive(self) -> dict[str, Any]:
        self.asked += 1
        if not self.left:
            return {"type": "http.disconnect"}
        return {"type": "http.request", "body": self.left.pop(0), "more_body": bool(self.left)}

    async def send(self, message: dict[str, Any]) -> None:
        self.sent.append(message)

    def run(self, runner: asyncio.Runner) -> int:
        runner.run(server()(self.scope, self.receive, self.send))
        return int(self.sent[0]["status"])


JSON = {"Content-Type": "application/json"}


def test_a_declared_length_over_the_limit_is_refused_unread(runner: asyncio.Runner) -> None:
    wire = Wire("/things", [b"x" * 5000], {**JSON, "Content-Length": "5000"})
    assert wire.run(runner) == 413
    assert wire.asked == 0


def test_an_undeclared_length_is_read_to_the_limit_only(runner: asyncio.Runner) -> None:
    wire = Wire("/things", [b"x" * 500] * 40, JSON)
    assert wire.run(runner) == 413
    assert wire.asked == MAX_BODY // 500 + 1


def test_a_body_at_the_limit_is_read(runner: asyncio.Runner) -> None:
    body = b'{"name": "a", "count": 1}'
    wire = Wire("/things", [body + b" " * (MAX_BODY - len(body))], {**JSON, "Content-Length": str(MAX_BODY)})
    assert wire.run(runner) == 201


def test_a_client_that_leaves_gets_nothing(runner: asyncio.Runner) -> None:
    wire = Wire("/things", [], JSON)
    runner.run(server()(wire.scope, wire.receive, wire.send))
    assert wire.sent == []


def test_forms(client: Client) -> None:
    parts = [("pictures", ("a.jpg", b"1")), ("pictures", ("b.jpg", b"2"))]
    answer = client(
        "POST", "/forms", data={"city": "Herat", "place": '{"lat": 34.3, "lng": 62.2}'}, files=parts
    )
    assert answer.json() == {"name": "Herat", "files": ["a.jpg", "b.jpg"]}
    answer = client("POST", "/forms", data={"place": '{"lat": 340, "lng": 62.2}'}, files=parts)
    assert answer.json()["fields"].keys() == {"city", "place"}
    assert client("POST", "/forms", data={"city": "a"}, files=[*parts, parts[0]]).status_code == 400
    assert client("POST", "/pictures", files={"file": ("c.jpg", b"3")}).json() == {
        "name": "file",
        "files": ["c.jpg"],
    }
    assert client("POST", "/pictures").json()["code"] == "no_file"
    assert client.post(b"{}", path="/pictures").status_code == 415
    for kind, content in (
        ("multipart/form-data", b"x"),
        ("multipart/form-data; boundary=", b"x"),
        ("multipart/form-data; boundary=x", b"--x\r\nnonsense"),
        ("multipart/form-data; boundary=x", b"--x\r\nContent-Disposition: form-data\r\n\r\na\r\n--x--\r\n"),
    ):
        assert client.post(content, kind, "/pictures").status_code == 400, (kind, content)


# ---- answers


def test_unchanged_answers_are_304(client: Client) -> None:
    first = client("GET", "/big")
    etag = first.headers["etag"]
    assert re.fullmatch(r'W/"[0-9a-f]{32}"', etag)
    for given in (etag, etag.removeprefix("W/"), f'"other", {etag}', "*"):
        again = client("GET", "/big", headers={"If-None-Match": given})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", etag), given
    assert client("GET", "/big", headers={"If-None-Match": '"other"'}).status_code == 200
    assert "etag" not in client.post({"name": "a", "count": 1}).headers


def test_head_is_get_without_the_body(client: Client) -> None:
    get, head = client("GET", "/big"), client("HEAD", "/big")
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-type"] == get.headers["content-type"]
    assert head.headers["etag"] == get.headers["etag"]
    assert client("HEAD", "/nowhere").status_code == 404


def test_other_methods_are_405_and_options_tells(client: Client) -> None:
    refused = client("PATCH", "/things")
    assert (refused.status_code, refused.headers["allow"]) == (405, "GET, POST, OPTIONS")
    told = client("OPTIONS", "/things")
    assert (told.status_code, told.content, told.headers["allow"]) == (204, b"", "GET, POST, OPTIONS")
    assert client("OPTIONS", "/nowhere").status_code == 404


def test_deletions_answer_without_a_body(client: Client) -> None:
    answer = client("DELETE", f"/things/{USER}")
    assert (answer.status_code, answer.content) == (204, b"")
    assert "content-type" not in answer.headers


@pytest.mark.parametrize(
    "accepted, used",
    [
        ("br, gzip", "br"),
        ("gzip", "gzip"),
        ("gzip;q=0.5, br;q=0", "gzip"),
        ("identity", None),
        ("zstd", None),
    ],
)
def test_large_answers_are_compressed(client: Client, accepted: str, used: str | None) -> None:
    plain = client("GET", "/big", headers={"Accept-Encoding": "identity"}).content

    async def raw() -> tuple[httpx.Headers, bytes]:
        async with client.http.stream("GET", "/big", headers={"Accept-Encoding": accepted}) as answer:
            return answer.headers, b"".join([chunk async for chunk in answer.aiter_raw()])

    headers, body = client.runner.run(raw())
    assert headers.get("content-encoding") == used
    assert headers["vary"] == "Accept-Encoding"
    assert int(headers["content-length"]) == len(body)
    unpack: dict[str | None, Callable[[bytes], bytes]] = {
        "br": brotli.decompress,
        "gzip": gzip.decompress,
        None: bytes,
    }
    assert unpack[used](body) == plain
    if used:
        assert len(body) < len(plain) / 4


def test_small_answers_are_not_compressed(client: Client) -> None:
    answer = client("GET", "/things", headers={"Accept-Encoding": "br, gzip"})
    assert "content-encoding" not in answer.headers


def test_requests_have_an_id(client: Client) -> None:
    assert client("GET", "/things", headers={"X-Request-ID": "abc-1_2"}).headers["x-request-id"] == "abc-1_2"
    for bad in ("", "a b", "a" * 65, "<script>"):
        made = client("GET", "/nowhere", headers={"X-Request-ID": bad})
        assert made.headers["x-request-id"] != bad
        assert UUID(made.headers["x-request-id"]).version == 7
        assert made.json()["id"] == made.headers["x-request-id"]


@pytest.mark.parametrize("client", [0.05], indirect=True)
def test_what_takes_too_long_is_503(client: Client) -> None:
    answer = client("GET", "/slow")
    assert (answer.status_code, answer.json()["code"]) == (503, "timeout")
    assert answer.headers["x-limit"] == "9"


def test_faults_are_500_without_details(client: Client) -> None:
    answer = client("GET", "/broken")
    assert (answer.status_code, answer.json()["code"]) == (500, "internal")
    assert "hunter2" not in answer.text and "RuntimeError" not in answer.text
    assert answer.json()["id"] == answer.headers["x-request-id"]


@pytest.mark.parametrize("sqlstate, status", [("40P01", 503), ("40001", 503), ("40003", 500), ("23505", 500)])
def test_who_gave_way_in_the_database_may_come_again(
    client: Client, monkeypatch: pytest.MonkeyPatch, sqlstate: str, status: int
) -> None:
    said: list[str] = []
    for level in ("warning", "error"):
        monkeypatch.setattr(serving.logger, level, lambda event, level=level, **_: said.append(level))
    answer = client("GET", f"/given-up/{sqlstate}")
    code, after, level = {503: ("unavailable", "1", "warning"), 500: ("internal", None, "error")}[status]
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert (answer.headers.get("retry-after"), said) == (after, [level])
    assert "hunter2" not in answer.text


def test_callers_are_known_before_the_body_is_read(client: Client, runner: asyncio.Runner) -> None:
    assert client("GET", "/mine", headers={"Authorization": "Bearer good"}).json() == {"id": str(USER)}
    assert client("GET", "/mine", headers={"Authorization": "bearer  good "}).status_code == 200
    for header in (
        {},
        {"Authorization": "Bearer bad"},
        {"Authorization": "Basic good"},
        {"Authorization": "Bearer"},
    ):
        answer = client("GET", "/mine", headers=header)
        assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer"), header


def test_answers_carry_the_callers_limits(client: Client) -> None:
    assert client("GET", "/things").headers["x-limit"] == "9"
    assert client("GET", "/mine").headers["x-limit"] == "9"


# ---- across origins


def ask(
    runner: asyncio.Runner, folder: Path, origins: str, method: str, origin: str, **headers: str
) -> httpx.Response:
    settings = worlds.settings_for(folder, "postgresql:///nowhere", cors_origins=origins, log_level="error")
    built = main.build(settings, settings.database_url)

    async def run() -> httpx.Response:
        transport = httpx.ASGITransport(app=built)
        async with httpx.AsyncClient(transport=transport, base_url="http://majlis.test") as one:
            return await one.request(method, "/nowhere", headers={"Origin": origin, **headers})

    return runner.run(run())


@pytest.mark.rule("afrochat:R24")
def test_origins_come_from_settings(runner: asyncio.Runner, tmp_path: Path) -> None:
    ours = "https://app.example.org"
    asked = {
        "Access-Control-Request-Method": "PUT",
        "Access-Control-Request-Headers": "authorization,content-type",
    }
    told = ask(runner, tmp_path, ours, "OPTIONS", ours, **asked)
    assert (told.status_code, told.headers["access-control-allow-origin"]) == (200, ours)
    assert "PUT" in told.headers["access-control-allow-methods"]
    assert ask(runner, tmp_path, ours, "OPTIONS", "https://evil.example", **asked).status_code == 400
    assert ask(runner, tmp_path, ours, "GET", ours).headers["access-control-allow-origin"] == ours
    other = ask(runner, tmp_path, ours, "GET", "https://evil.example")
    assert "access-control-allow-origin" not in other.headers
    assert "access-control-allow-credentials" not in other.headers
    assert "access-control-allow-origin" not in ask(runner, tmp_path, "", "GET", ours).headers
