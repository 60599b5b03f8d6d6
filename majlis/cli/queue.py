"""What waits to be looked at: mail of development, background jobs."""

import shutil
import sys
from typing import Any

import click
from rich.text import Text

from majlis.cli import common


@click.group(invoke_without_command=True, short_help="Read the mail of development.")
@click.option(
    "-n", "--number", type=click.IntRange(1), default=20, show_default=True, help="How many to list."
)
@click.pass_context
def mail(context: click.Context, number: int) -> None:
    """List the mail that was written into the data folder, newest first.

    \b
    majlis mail
    majlis mail show last
    """
    if context.invoked_subcommand is not None:
        return
    settings = common.read()
    from majlis.vendors import mail as letters

    if settings.mail_url:
        common.fail("Mail goes out by the server of MAJLIS_MAIL_URL; nothing is kept here.")
    folder = letters.mail_folder(settings)
    found = letters.listing(folder, number)
    if not found:
        click.echo(f"No mail in {folder}.")
        return
    common.table(["id", "date", "to", "subject"], [(m.id, m.date, m.to, m.subject) for m in found], wrap=(3,))


@mail.command()
@click.argument("id")
def show(id: str) -> None:
    """Print one mail: ID as listed, or `last`."""
    settings = common.read()
    from majlis.vendors import mail as letters

    folder = letters.mail_folder(settings)
    newest = letters.listing(folder, 1) if id == "last" else []
    with common.told():
        letter = letters.show(folder, newest[0].id if newest else id)
    click.echo(f"Date: {letter.date}\nTo: {letter.to}\nSubject: {letter.subject}\n\n{letter.text}")


STATES = {"queued": "waiting", "picked": "running", "failed": "held"}
SHOWN = 50


@click.group(invoke_without_command=True, short_help="Background jobs: list, retry, drop.")
@click.pass_context
def jobs(context: click.Context) -> None:
    """List background jobs that wait, and those held because they failed too often.

    \b
    majlis jobs
    majlis jobs retry 17 18
    majlis jobs retry --all
    majlis jobs drop 17
    """
    if context.invoked_subcommand is not None:
        return
    settings = common.read()
    from majlis.kit import inspection

    async def run(app: Any) -> tuple[list[inspection.Count], list[inspection.Held]]:
        async with app.db.read() as tx:
            return await inspection.counts(tx), await inspection.held(tx, SHOWN)

    counts, held = common.with_app(settings, run)
    if not counts:
        click.echo("No jobs wait, none is held.")
        return
    rows = [(c.job, STATES.get(c.status, c.status), c.jobs, f"{c.oldest:%Y-%m-%d %H:%M:%S}") for c in counts]
    common.table(["job", "state", "count", "oldest"], rows)
    if held:
        details = [(j.id, j.job, j.attempts + 1, _words(j.payload), Text(j.error or "", "red")) for j in held]
        common.table(["id", "held job", "tries", "payload", "what was said"], details, wrap=(3, 4))
        total = sum(c.jobs for c in counts if c.status == "failed")
        click.echo(
            f"{total} held{f', the first {SHOWN} shown' if total > SHOWN else ''}: majlis jobs retry, or drop"
        )


def _words(payload: bytes | None) -> str:
    text = (payload or b"").decode(errors="replace")
    width = max(20, shutil.get_terminal_size().columns // 4) if sys.stdout.isatty() else 200
    return text if len(text) <= width else text[: width - 1] + "…"


@jobs.command()
@click.argument("ids", nargs=-1, type=int)
@click.option("--all", "every", is_flag=True, help="All that are held.")
def retry(ids: tuple[int, ...], every: bool) -> None:
    """Queue held jobs again."""
    if bool(ids) == every:
        raise click.UsageError("Name jobs, or say --all.")
    settings = common.read()
    from majlis.kit import jobs as stored

    async def run(app: Any) -> int:
        async with app.db.tx() as tx:
            return await stored.retry(tx, None if every else list(ids))

    _say(common.with_app(settings, run), ids, "queued again")


@jobs.command()
@click.argument("ids", nargs=-1, type=int, required=True)
def drop(ids: tuple[int, ...]) -> None:
    """Delete held jobs. What they should have done is never done."""
    settings = common.read()
    from majlis.kit import jobs as stored

    async def run(app: Any) -> int:
        async with app.db.tx() as tx:
            return int(await tx.run(stored.DROP, list(ids)))

    _say(common.with_app(settings, run), ids, "dropped")


def _say(done: int, ids: tuple[int, ...], what: str) -> None:
    click.echo(f"{done} {what}.")
    if done < len(ids):
        common.fail(f"{len(ids) - done} of the jobs named are not held.")
