"""The keys under which secrets in rows are sealed."""

from typing import Any

import click

from majlis.cli import common


@click.group(invoke_without_command=True, short_help="Keys of sealed values: which are in use, rotate.")
@click.pass_context
def keys(context: click.Context) -> None:
    """List how many sealed values there are under each key. Values themselves are never shown.

    To change the key: put a new one at the end of MAJLIS_SECRET_KEY at every process and restart them; then put it
    first and restart; then rotate; then drop the old one, once nothing is under it and old tokens have run out.

    \b
    majlis keys
    majlis keys rotate
    """
    if context.invoked_subcommand is not None:
        return
    settings = common.read()
    from majlis.kit import sealed

    async def run(app: Any) -> tuple[str, dict[sealed.Column, dict[str, int]]]:
        async with app.db.read() as tx:
            return app.sealer.kid, await sealed.counts(tx)

    newest, counts = common.with_app(settings, run)
    click.echo(f"The newest key is {newest}.")
    rows = [
        (f"{c.table}.{c.column}", kid, many) for c, found in counts.items() for kid, many in found.items()
    ]
    if rows:
        common.table(["column", "key", "values"], rows)


@keys.command()
def rotate() -> None:
    """Seal anew under the newest key whatever an older one sealed, while the server runs.

    Stopped in the middle, it goes on where it was. Exits with 1 where something could not be opened: its key is not
    among the settings any more.
    """
    settings = common.read()
    from majlis.kit import sealed

    async def run(app: Any) -> list[sealed.Resealed]:
        return [await sealed.reseal(app.db, app.sealer, column) for column in sealed.columns]

    results = common.with_app(settings, run)
    common.table(
        ["column", "sealed anew", "cannot be opened"],
        [(f"{one.column.table}.{one.column.column}", one.done, one.lost) for one in results],
    )
    if any(one.lost for one in results):
        common.fail("Some values cannot be opened by any of the keys.")
