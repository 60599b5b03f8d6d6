"""Commands that look at the program: openapi, routes, settings."""

import sys
from pathlib import Path
from typing import Any

import click
from rich.text import Text

from majlis.cli import common


@click.command(short_help="Write docs/openapi*.json.")
@click.option("--check", is_flag=True, help="Write nothing; exit 1 when the files differ from the code.")
@click.option(
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    help="Another folder than the checkout's docs/.",
)
def openapi(check: bool, output: Path | None) -> None:
    """Write docs/openapi.json, and docs/openapi.NAME.json of other surfaces, from the routes.

    \b
    majlis openapi
    majlis openapi --check
    """
    folder = output or _checkout() / "docs"
    texts = {folder / name: text for name, text in documents().items()}
    stale = [path for path in sorted(folder.glob("openapi*.json")) if path not in texts]
    if check:
        wrong = [difference(path, text) for path, text in texts.items()]
        wrong += [f"{path} belongs to no surface" for path in stale]
        if found := [line for line in wrong if line]:
            common.fail("\n".join([*found, "Write them anew: make openapi"]))
        click.echo(f"{len(texts)} up to date.")
        return
    folder.mkdir(parents=True, exist_ok=True)
    for path, text in texts.items():
        path.write_text(text)
        click.echo(f"wrote {path}")
    for path in stale:
        path.unlink()
        click.echo(f"removed {path}")


def documents() -> dict[str, str]:
    """File name to text of every surface's document; the native one comes without a name."""
    from majlis import main
    from majlis.kit.http import openapi as documented
    from majlis.surfaces import documents

    native, *others = main.surfaces()
    named = {"openapi.json": native, **{f"openapi.{surface.name}.json": surface for surface in others}}
    return {name: documented.encode(documents.document(surface)) for name, surface in named.items()}


def difference(path: Path, text: str) -> str:
    """What is wrong with a file that should hold this document; empty when nothing."""
    import json

    try:
        before = path.read_text()
    except FileNotFoundError:
        return f"{path} is missing"
    if before == text:
        return ""
    try:
        old = _operations(json.loads(before))
    except (ValueError, AttributeError):
        return f"{path} cannot be read"
    new = _operations(json.loads(text))
    said = [f"  + {name}" for name in new if name not in old]
    said += [f"  - {name}" for name in old if name not in new]
    said += [f"  ~ {name}" for name in new if name in old and old[name] != new[name]]
    return "\n".join([f"{path} differs from the code:", *(said[:20] or ["  ~ outside of the operations"])])


def _operations(document: dict[str, Any]) -> dict[str, Any]:
    found = {
        f"{method.upper()} {path}": value
        for path, item in document["paths"].items()
        for method, value in item.items()
    }
    return found | {f"schema {name}": value for name, value in document["components"]["schemas"].items()}


def _checkout() -> Path:
    import majlis

    root = Path(majlis.__file__).parent.parent
    if not (root / "pyproject.toml").exists():
        raise click.UsageError("Majlis is installed without its source; say --output FOLDER.")
    return root


@click.command(short_help="List every route.")
@click.option("--unbuilt", is_flag=True, help="List the operations that answer 501, too.")
def routes(unbuilt: bool) -> None:
    """List every route: method, path, policy, group, the feature it is in, and its limit.

    \b
    majlis routes
    majlis routes | grep comments
    """
    from majlis import main

    brought = {f"{one.module}.routes": one.label for one in main.all_features() if one.origin}
    rows = []
    for surface in main.surfaces():
        found = [route for api in surface.apis for route in api.routes]
        for route in sorted(found, key=lambda route: (route.path, route.method)):
            if route.api == "unbuilt" and not unbuilt:
                continue
            feature = route.module.removeprefix("majlis.").removeprefix("features.").removesuffix(".routes")
            path = surface.mount + route.path
            where = brought.get(route.module, feature)
            rows.append([route.method, path, route.policy.name, route.api, where, route.limit or ""])
    common.table(["method", "path", "policy", "group", "where", "limit"], rows)
    click.echo(f"{len(rows)} routes")


@click.command(short_help="List what other packages bring.")
def extensions() -> None:
    """List the features and doors that installed packages bring, and what is wrong with them. Exits 1 for that.

    The server loads what their entry points `majlis.features` and `majlis.surfaces` name.

    \b
    majlis extensions
    """
    from majlis import extensions as found
    from majlis import main

    rows = [
        [one.origin, "feature", one.name, ", ".join(one.above), str(len(one.migrations()))]
        for one in main.all_features()
        if one.origin
    ]
    doors = found.surfaces(main.own_surfaces())
    rows += [[origin, "door", door.name, door.mount, ""] for origin, door in doors]
    common.table(["package", "brings", "name", "builds on or is mounted at", "migrations"], rows)
    if faults := [fault for one in main.all_features() for fault in found.faults(one, main.all_features())]:
        common.fail("\n".join(faults))


@click.command(short_help="Print all settings and their sources.")
@click.option("--env", is_flag=True, help="As lines for a .env file; secrets are left out.")
def settings(env: bool) -> None:
    """Print every setting with its value, where that comes from, and what it does. Secrets are hidden.

    Sources, the later wins: default, .env, environment, command.

    \b
    majlis settings
    majlis settings --env > .env
    """
    from majlis import settings as configuration

    found, sources = common.read_all()
    rows = list(configuration.describe(found, sources))
    if env:
        for name, value, source, help in rows:
            given = source not in ("default", "data folder") and value != "•••"
            click.echo(f"# {help}\n{'' if given else '#'}{name}={'' if value == '•••' else value}\n")
        return
    shown = [
        (name, Text(value, "bold" if source != "default" else ""), source, Text(help, "dim"))
        for name, value, source, help in rows
    ]
    common.table(["variable", "value", "source", "what it does"], shown, wrap=(1, 3))
    if not sys.stdout.isatty():
        return
    click.echo(f"Data folder: {found.data_path()}")
