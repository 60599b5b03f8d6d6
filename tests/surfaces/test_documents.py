"""The front page and the docs page: what they say, and that nothing comes from elsewhere."""

import json
import re
from pathlib import Path

import httpx
import pytest

from majlis import __version__, main
from majlis.surfaces import documents, unbuilt
from majlis.surfaces.native import GROUPS
from tests.world import World, server_of

BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
OUTSIDE = re.compile(r"""(?:https?:)?//[\w.-]+""")
STATIC = Path(documents.__file__).parent / "static"


def links(html: str) -> list[str]:
    return re.findall(r'(?:src|href)="([^"]+)"', html)


def test_a_program_gets_json(world: World) -> None:
    answer = world.get("/")
    assert answer.headers["content-type"] == "application/json"
    assert answer.json() == {
        "name": "Majlis",
        "version": __version__,
        "mode": "development",
        "docs": "/docs",
        "openapi": "/openapi.json",
        "health": "/health",
    }
    assert "accept" in answer.headers["vary"].lower()


def test_a_browser_gets_a_page_that_says_where_to_go(world: World) -> None:
    answer = world.get("/", headers=BROWSER)
    assert answer.headers["content-type"].startswith("text/html")
    assert "accept" in answer.headers["vary"].lower()
    assert {"/docs", "/openapi.json", "/health"} <= set(links(answer.text))
    assert __version__ in answer.text and "development" in answer.text
    assert "curl -s http://majlis.test/api/v1/auth/register" in answer.text
    assert str(world.app.settings.data_path() / "mail") in answer.text


def test_the_front_page_names_the_other_doors(world: World) -> None:
    found = links(world.get("/", headers=BROWSER).text)
    for door in main.surfaces()[1:]:
        assert f"{door.mount}/docs" in found
        assert world.get(f"{door.mount}/docs").status_code == 200


def test_groups_of_routes_are_described_whoever_adds_to_them() -> None:
    native = main.own_surfaces()[0]
    tags = {tag["name"]: tag["description"] for tag in documents.document(native)["tags"]}
    assert set(GROUPS) <= set(tags), "a group that is gone"
    assert all(tags[name] == words for name, words in GROUPS.items())


@pytest.mark.settings(mail_url="smtp://mail.example.org")
def test_the_folder_of_mail_is_named_only_where_mail_is_written_into_it(world: World) -> None:
    assert str(world.app.settings.data_path()) not in world.get("/", headers=BROWSER).text


@pytest.mark.settings(mode="production", public_url="https://hamsaya.example.org")
def test_production_tells_nothing_of_its_machine(world: World) -> None:
    text = world.get("/", headers=BROWSER).text
    assert str(world.app.settings.data_path()) not in text and "majlis demo" not in text
    assert "curl -s https://hamsaya.example.org/api/v1/auth/register" in text


@pytest.mark.parametrize("host", ['"><script>alert(1)</script>', "evil.example/path", "a b", "$(id)"])
def test_a_made_up_host_is_not_repeated(world: World, host: str) -> None:
    answer = world.get("/", headers={**BROWSER, "Host": host})
    assert answer.status_code == 200
    assert host not in answer.text and "<script>alert" not in answer.text
    assert f"curl -s {world.app.settings.base_url()}/api" in answer.text


@pytest.mark.parametrize("path", ["/", "/docs"])
def test_everything_a_page_needs_is_served_here(world: World, path: str) -> None:
    page = world.get(path, headers=BROWSER)
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy and "unsafe" not in policy and "http" not in policy
    needed = [link for link in links(page.text) if not link.startswith("#")]
    assert needed and all(link.startswith("/") and not link.startswith("//") for link in needed)
    for link in needed:
        assert world.get(link, headers=BROWSER).status_code == 200, link
    assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\bstyle=|\bon\w+=", page.text), (
        "the policy forbids these"
    )


@pytest.mark.parametrize("path", ["/", "/docs"])
def test_no_outside_host_stands_in_a_page(world: World, path: str) -> None:
    found = set(OUTSIDE.findall(world.get(path, headers=BROWSER).text))
    assert found <= {"http://majlis.test"}


@pytest.mark.parametrize("name", documents.OWN)
def test_no_outside_host_stands_in_our_files(name: str) -> None:
    found = set(OUTSIDE.findall((STATIC / name).read_text()))
    assert found <= {"http://www.w3.org"}, "the name space of SVG is no address"


def test_the_style_of_swagger_fetches_nothing(world: World) -> None:
    style = world.get("/docs/static/swagger-ui.css").text
    assert not [
        url for url in re.findall(r"url\(([^)]*)\)", style) if not url.strip("\"'").startswith("data:")
    ]
    assert "@import" not in style


@pytest.mark.rule("afrochat:R34")
def test_the_docs_page_asks_nobody_to_validate(world: World) -> None:
    script = world.get("/docs/static/docs.js").text
    assert "validatorUrl: null" in script


@pytest.mark.parametrize(
    "name",
    [
        "swagger-ui-standalone-preset.js",
        "index.css",
        "..%2Fcore.py",
        "%2e%2e",
        "%2e%2e%2ftemplates%2fdocs.html",
        "docs.html",
        "nothing",
    ],
)
def test_only_what_the_pages_need_is_served(world: World, name: str) -> None:
    assert world.get(f"/docs/static/{name}").status_code == 404


def test_files_are_packed_and_kept(world: World) -> None:
    (link,) = [link for link in links(world.get("/docs").text) if "bundle" in link]
    packed = world.request("GET", link, headers={"Accept-Encoding": "br"})
    assert packed.headers["content-encoding"] == "br"
    assert "immutable" in packed.headers["cache-control"] and "?" in link
    plain = world.get(link, headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert packed.content == plain.content, "httpx unpacks"
    assert int(packed.headers["content-length"]) < len(plain.content) / 3
    assert world.get(link, headers={"Accept-Encoding": "br;q=0, gzip"}).headers["content-encoding"] == "gzip"
    again = world.get(link, headers={"If-None-Match": packed.headers["etag"]})
    assert again.status_code == 304 and not again.content


def test_a_file_asked_for_without_its_fingerprint_is_asked_for_again(world: World) -> None:
    assert world.get("/docs/static/majlis.css").headers["cache-control"] == "no-cache"


@pytest.mark.rule("afrochat:R34")
def test_the_document_is_the_one_of_the_surface(world: World) -> None:
    answer = world.get("/openapi.json", headers={"Accept-Encoding": "identity"})
    assert answer.headers["content-type"] == "application/json"
    served = answer.json()
    assert served == json.loads(json.dumps(documents.document(main.surfaces()[0])))
    listed = {(method.upper(), path) for path, item in served["paths"].items() for method in item}
    routes = [route for api in world.server.surfaces[-1].apis for route in api.routes if route.documented]
    assert listed == {(route.method, route.path.replace("...}", "}")) for route in routes}
    again = world.get("/openapi.json", headers={"If-None-Match": answer.headers["etag"]})
    assert again.status_code == 304


def test_an_operation_that_is_not_built_says_so(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unbuilt, "TABLE", "\nPOST /api/v1/kites/{kite_id}\nGET /api/v1/posts/{other_name}\n")
    monkeypatch.setattr("tests.world.doors", main.surfaces)  # made anew
    transport = httpx.ASGITransport(app=server_of(world.app))
    http = httpx.AsyncClient(transport=transport, base_url="http://majlis.test")

    def ask(method: str, path: str) -> httpx.Response:
        return world.go(http.request(method, path))

    answer = ask("POST", "/api/v1/kites/7")
    assert answer.status_code == 501
    assert answer.json()["error"]["code"] == "not_implemented"
    assert ask("DELETE", "/api/v1/kites/7").status_code == 405
    assert ask("GET", "/api/v1/posts/7").status_code == 404, "what is built is served all the same"
    paths = [path for surface in main.surfaces() for path in documents.document(surface)["paths"]]
    assert "/api/v1/kites/{kite_id}" not in paths
