"""Commands that make things: demo, new."""

import click

from majlis.cli import common


@click.command(short_help="Fill the place with a town.")
@click.option(
    "--users", type=click.IntRange(1, 100_000), default=300, show_default=True, help="How many people."
)
@click.option("--seed", type=int, default=7, show_default=True, help="The same seed makes the same town.")
@click.option(
    "--force", is_flag=True, help="Among people who are here already, too; everybody's password is known."
)
def demo(users: int, seed: int, force: bool) -> None:
    """Fill the place with a town: people, posts, comments, likes and follows, to look at.

    Prints a sign-in to try. Runs beside a server, or before the first start; never in production.

    \b
    majlis demo
    majlis demo --users 2000 --seed 11
    """
    settings = common.read()
    if settings.mode == "production":
        common.fail("This is a production server; a demo town has no place here.")
    from majlis import demo as town
    from majlis import serving
    from majlis.kit import log

    log.configure("warning", "text")
    with common.told(), serving.beside(settings) as url:
        serving.migrate(url)
        town.fill(settings, url, users=users, seed=seed, force=force)


@click.group(short_help="Start a new feature.")
def new() -> None:
    """Start something new in a checkout of the source.

    \b
    majlis new feature badges
    """


@new.command(short_help="Write a feature that works, to be changed.")
@click.argument("name")
@click.option("--tier", metavar="FEATURE", help="Beside which feature it stands.  [comments]")
def feature(name: str, tier: str | None) -> None:
    """Write a feature NAME (a noun in the plural) that works, to be changed into what is wanted.

    Puts it on the tier of FEATURE in pyproject.toml and docs/architecture.md.

    \b
    majlis new feature badges
    majlis new feature parcels --tier posts
    """
    from majlis import scaffold

    try:
        written = scaffold.feature(scaffold.checkout(), name, tier or "comments")
    except scaffold.Refusal as error:
        raise click.UsageError(str(error)) from error
    for path in written:
        click.echo(f"wrote {path}")
    click.echo(f"Next: make openapi check, then .venv/bin/pytest tests/features/{name}")
