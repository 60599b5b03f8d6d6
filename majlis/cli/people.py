"""Accounts, for operators: create, promote, suspend, let in again."""

import secrets
import sys
from datetime import UTC, datetime
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
    majlis user suspend spammer@example.org --reason "The same advertisement every hour." --until 2026-12-24
    majlis user suspend spammer@example.org --undo
    majlis user reset-mfa amina@example.org
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
    from majlis.features.moderation import service as moderation

    async def run(app: Any) -> None:
        async with app.db.tx() as tx:
            await moderation.set_role(app, tx, Me.system, email, cast(Role, role))

    common.with_app(settings, run)
    click.echo(f"{email} is {role} now.")


@user.command()
@click.argument("email")
@click.option("--undo", is_flag=True, help="Open the account again.")
@click.option(
    "--reason", default="A decision of the operators.", show_default=True, help="Told to the person."
)
@click.option(
    "--until", type=click.DateTime(), help="When it opens again, in UTC; without it, by --undo only."
)
def suspend(email: str, undo: bool, reason: str, until: datetime | None) -> None:
    """Close an account: nobody can sign in to it, and its sessions end. Its owner gets a mail with the reason."""
    settings = common.read()
    from majlis.features.moderation import service as moderation

    end = None if until is None else until.replace(tzinfo=UTC)

    async def run(app: Any) -> None:
        async with app.db.tx() as tx:
            await moderation.suspend(app, tx, Me.system, email, not undo, reason, end)

    common.with_app(settings, run)
    click.echo(f"{email} is {'open again' if undo else 'suspended'}.")


@user.command("reset-mfa")
@click.argument("email")
@click.option("--passkeys", is_flag=True, help="Remove the passkeys too, as when the phone was stolen.")
def reset_mfa(email: str, passkeys: bool) -> None:
    """Drop the second factor of somebody who lost it, and end their sessions.

    The password alone signs in again then: be sure who asks. A mail tells the owner.
    """
    settings = common.read()
    from majlis.features.signin import service as signin

    async def run(app: Any) -> list[str]:
        async with app.db.tx() as tx:
            return await signin.reset_factors(app, tx, Me.system, email, passkeys_too=passkeys)

    dropped = common.with_app(settings, run)
    click.echo(f"{email}: {' and '.join(dropped) or 'nothing'} removed, signed out everywhere.")
