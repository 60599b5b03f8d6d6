"""The console: what it is made of, that nothing comes from elsewhere, and that what its scripts ask for is served."""

import re
from pathlib import Path

import pytest

from majlis.kit.http import Route
from majlis.surfaces import console
from tests.world import World

STATIC = Path(console.__file__).parent / "static"
SCRIPTS = sorted(path.name for path in STATIC.glob("*.js"))
ADDRESS = re.compile(r"""(?:src|href)="(/[^"]+)\"""")
CALL = re.compile(r"""(?:api|send)\(\s*"([A-Z]+)",\s*(?:"|`)(/api/[^"`]*|\$\{CASES\}[^"`]*)""")
PATH = re.compile(r"""["`](/api/v1/[a-z/-]+)""")


def source(name: str) -> str:
    return (STATIC / name).read_text("utf-8")


@pytest.mark.rule("x18:R46")
def test_the_panel_is_one_page_with_all_its_sections(world: World) -> None:
    """The queue and people for moderators, and the numbers and the trail for admins: the admin panel of the rule."""
    answer = world.get("/console")
    assert answer.status_code == 200 and answer.headers["content-type"].startswith("text/html")
    assert set(ADDRESS.findall(answer.text)) == {
        "/docs/static/favicon.svg", "/docs/static/majlis.css", "/console/static/console.css",
        "/console/static/console.js",
    }  # fmt: skip
    for section in ("queue", "people", "words", "numbers", "trail"):
        assert f'["{section}", ' in source("console.js")
    for path in ADDRESS.findall(answer.text):
        assert world.get(path).status_code == 200


def test_nothing_comes_from_elsewhere_and_nothing_is_inline(world: World) -> None:
    answer = world.get("/console")
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy and "unsafe" not in policy and "frame-ancestors 'none'" in policy
    assert (
        answer.headers["referrer-policy"] == "no-referrer" and answer.headers["cache-control"] == "no-cache"
    )
    assert not re.search(r"<style|\son\w+=|\sstyle=|<script(?![^>]*\ssrc=)", answer.text)
    for path in STATIC.iterdir():
        text = path.read_text("utf-8")
        assert not re.search(r"https?://|[\"'(]//", text), path.name
        # What people wrote is never read as markup.
        assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(", text), (
            path.name
        )


def test_scripts_are_served_as_such_and_are_not_fetched_again_unchanged(world: World) -> None:
    for name in SCRIPTS:
        answer = world.get(f"/console/static/{name}")
        assert answer.headers["content-type"].startswith("text/javascript"), name
        again = world.get(f"/console/static/{name}", headers={"If-None-Match": answer.headers["etag"]})
        assert again.status_code == 304
        for other in re.findall(r'from "\./([^"]+)"', answer.text):
            assert other in SCRIPTS
    for name in ("console.html", "nothing.js", "..%2fpage.py", "%2e%2e%2fpage.py"):
        assert world.get(f"/console/static/{name}").status_code == 404


def test_what_the_scripts_ask_for_is_served(world: World) -> None:
    routes = [(route.method, route.path.split("/")) for route in _routes(world)]

    def served(method: str, path: str) -> bool:
        parts = re.sub(r"\$\{(?!CASES\})[^}]*\}", "{}", path).partition("?")[0].split("/")
        return any(
            one == method
            and len(known) == len(parts)
            and all(
                ours in (theirs, "{}") or theirs[:1] == "{" for ours, theirs in zip(parts, known, strict=True)
            )
            for one, known in routes
        )

    calls = [call for name in SCRIPTS for call in CALL.findall(source(name))]
    assert len(calls) >= 12
    for method, path in calls:
        assert served(method, path.replace("${CASES}", "/api/v1/moderation/cases")), (method, path)
    named = {path for name in SCRIPTS for path in PATH.findall(source(name))}
    known = {route.path for route in _routes(world)}
    assert all(any(one.startswith(path.rstrip("/")) for one in known) for path in named), named


def test_it_can_be_used_without_a_mouse_or_eyes() -> None:
    """Landmarks, a way past the navigation, words that are read out, and names for everything that is filled in."""
    page, scripts = source("console.html"), "".join(source(name) for name in SCRIPTS)
    for part in ('lang="en"', "<main", "<nav", 'class="skip"', 'role="status"', 'role="alert"', "<noscript>"):
        assert part in page
    assert 'aria-label="Sections"' in page and '"aria-current"' in scripts
    for part in ('h("caption"', 'scope: "col"', 'scope: "row"', "main.focus()"):
        assert part in scripts
    fields = re.findall(r'h\("(?:input|select|textarea)"', scripts)
    assert len(fields) == len(re.findall(r"\bfield\((?!label)", scripts))
    assert ":focus-visible" in source("console.css")


def _routes(world: World) -> list[Route]:
    return world.server.routes
