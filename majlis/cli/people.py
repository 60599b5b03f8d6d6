"""Accounts, for operators: create, promote, suspend."""

import secrets
import sys
from typing import Any, cast
from uuid import UUID

import click

from majlis.cli import common
from majlis.kit.me import Me, Role

ROLES = click.Choice(["user", "moderator", "admin"])


@click.group(short_help="Create, promote, suspend accounts.")
def user() -> None:
    """Create accounts, give them roles, suspend them. Works beside a running server, within two seconds.

    \b
    majlis user create amina@example.org --role admin
    majlis user promote amina@example.org --role moderator
    majlis user suspend spammer@example.org
    majlis user suspend spammer@example.org --undo
    """


@user.command()
@click.argument("email")
@click.option("--password", help="Asked for at a terminal, else made up and printed.")
@click.option("--role", type=ROLES, default="user", show_default=True)
@click.option("--first-name")
@click.option("--last-name")
def create(
    email: str, password: str | None, role: str, first_name: str | None, last_name: str | None
) -> None:
    """Create an account with a confirmed address."""
    settings = common.read()
    from majlis.features.identity import service as identity
    from majlis.features.profiles import service as profiles

    made = ""
    if password is None and sys.stdin.isatty():
        password = str(click.prompt("Password", hide_input=True, confirmation_prompt=True))
    elif password is None:
        password = made = f"{secrets.token_urlsafe(12)}-Aa1"

    async def run(app: Any) -> UUID:
        address = identity.normal_email(email)
        identity.check_strength(password)
        hashed = await identity.hash_password(password)
        async with app.db.tx() as tx:
            account = await identity.create(tx, Me.system, address, hashed, verified=True, role=role)
            await profiles.create(tx, Me.system, account.id, first_name, last_name)
            return account.id

    click.echo(f"{email} is {common.with_app(settings, run)}, {role}.")
    if made:
        click.echo(f"Password: {made}")


@user.command()
@click.argument("email")
@click.option("--role", type=ROLES, required=True)
def promote(email: str, role: str) -> None:
    """Give an account a role, higher or lower."""
    settings = common.read()
    from majlis.features.sessions import service as sessions

    async def run(app: Any) -> None:
        async with app.db.tx() as tx:
            await sessions.set_role(app, tx, Me.system, email, cast(Role, role))

    common.with_app(settings, run)
    click.echo(f"{email} is {role} now.")


@user.command()
@click.argument("email")
@click.option("--undo", is_flag=True, help="Open the account again.")
def suspend(email: str, undo: bool) -> None:
    """Close an account: nobody can sign in to it, and its sessions end."""
    settings = common.read()
    from majlis.features.sessions import service as sessions

    async def run(app: Any) -> None:
        async with app.db.tx() as tx:
            await sessions.suspend(app, tx, Me.system, email, not undo)

    common.with_app(settings, run)
    click.echo(f"{email} is {'open again' if undo else 'suspended'}.")
