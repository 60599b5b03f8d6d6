"""The commands of `majlis`. Exit codes: 0 done, 1 failed, 2 wrong usage or settings."""

from typing import Any

import click

from majlis import __version__
from majlis.cli import (
    backup,
    common,
    database,
    develop,
    doctor,
    files,
    keys,
    look,
    people,
    push,
    queue,
    serve,
)
from majlis.kit.errors import BadExtension

HELP = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


class Commands(click.Group):
    """Says of an installed package that cannot be used what is wrong, wherever that is found out."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command. Exits 1 for such a package."""
        try:
            return super().invoke(ctx)
        except BadExtension as error:
            common.fail(str(error))


@click.group(
    cls=Commands,
    context_settings=HELP,
    epilog="Settings are MAJLIS_ variables or lines of .env: see `majlis settings`.",
)
@click.version_option(__version__, prog_name="majlis")
def main() -> None:
    """Majlis: one self-hosted social backend behind several doors.

    \b
    majlis serve          a server on http://127.0.0.1:8080, with a database of its own
    majlis demo           a town of people and posts to look at
    majlis check          whether all is well
    """


for command in (
    *(serve.serve, serve.work),
    *(database.migrate, backup.backup, backup.restore, files.upload, doctor.check),
    *(look.openapi, look.routes, look.extensions, look.settings),
    *(people.user, queue.mail, queue.jobs),
    push.push_key,
    keys.keys,
    *(develop.demo, develop.new),
):
    main.add_command(command)
