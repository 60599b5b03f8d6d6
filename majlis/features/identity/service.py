"""Verbs of accounts: create, check and change passwords, confirm addresses, delete.

Sessions are not known here; whoever ends or begins one stands above.
"""

import asyncio
import math
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

import email_validator

from majlis.features.identity import store
from majlis.features.identity.facts import (
    AccountCreated,
    AccountDeleted,
    AccountErased,
    AccountSuspended,
    EmailVerified,
    PasswordChanged,
    ResetRequested,
    RoleChanged,
    VerificationRequested,
)
from majlis.features.identity.model import (
    Account,
    AccountLocked,
    AddressChanged,
    BadCredentials,
    BadToken,
    Deactivated,
    EmailTaken,
    NoPassword,
    Proven,
    UsedPassword,
    WeakPassword,
    WrongPassword,
)
from majlis.kit import clock, crypto, facts, ids, limits, passwords
from majlis.kit.db import Database, Reader, Tx
from majlis.kit.errors import FieldFault, Invalid, NotFound
from majlis.kit.me import Me

VERIFICATION_LIFE = timedelta(hours=24)
RESET_LIFE = timedelta(hours=1)
LOCK_AFTER = 5
LOCK_FOR = timedelta(minutes=15)


def normal_email(value: str, field: str = "email") -> str:
    """The address as it is stored: trimmed, its domain in lower case. Raises Invalid."""
    try:
        checked = email_validator.validate_email(
            value.strip(), check_deliverability=False, test_environment=True, allow_smtputf8=True
        )
    except email_validator.EmailNotValidError as error:
        raise Invalid.field(field, str(error), "bad_email") from None
    if len(checked.normalized) > 255:
        raise Invalid.field(field, "An address has at most 255 characters.", "bad_email")
    return checked.normalized


def tried_email(value: str) -> str:
    """The address that somebody signs in with, as it is stored; what is none stays as it is, and nobody's."""
    try:
        return normal_email(value)
    except Invalid:
        return value.strip()


def check_strength(password: str, field: str = "password", *, plain: bool = False) -> None:
    """Raises WeakPassword naming what is missing (rules 55 and 57); plain: only the length counts."""
    password = passwords.canonical(password)
    needed = {"at least 8 characters": len(password) >= 8}
    kinds = {
        "an upper-case letter": any(c.isupper() for c in password),
        "a lower-case letter": any(c.islower() for c in password),
        "a digit": any(c.isdigit() for c in password),
        "a special character": any(not c.isalnum() and not c.isspace() for c in password),
    }
    missing = [words for words, there in (needed if plain else needed | kinds).items() if not there]
    if missing:
        raise WeakPassword(field, f"A password needs {', '.join(missing)}.")
    if len(password.encode()) > passwords.MAX_BYTES:
        raise WeakPassword(field, f"A password has at most {passwords.MAX_BYTES} bytes.")


def check_new(email: str, password: str, *, plain: bool = False) -> str:
    """The address of a new account as it is stored. Raises Invalid naming each of the two that is wrong."""
    wrong: list[FieldFault] = []
    address = ""
    try:
        address = normal_email(email)
    except Invalid as refused:
        wrong += refused.fields
    try:
        check_strength(password, plain=plain)
    except WeakPassword as refused:
        if not wrong:
            raise
        wrong += refused.fields
    if wrong:
        raise Invalid(fields=wrong)
    return address


async def hash_password(password: str) -> str:
    """The bcrypt hash; takes about a quarter of a second of a core, off the event loop."""
    return await passwords.make(password)


async def create(
    tx: Tx, me: Me, email: str, password_hash: str | None, *, verified: bool = False, role: str = "user"
) -> Account:
    """A new account. The caller has checked the password. Raises EmailTaken."""
    now = clock.now()
    account = await tx.one(store.INSERT, ids.new(), email, password_hash, verified, role, now)
    if account is None:
        raise EmailTaken()
    if password_hash is not None:
        await tx.run(store.REMEMBER_PASSWORD, account.id, password_hash, now)
    await facts.emit(tx, AccountCreated(account.id))
    return account


async def get(tx: Reader, me: Me, user_id: UUID) -> Account:
    """One's own account, or anybody's for the system and moderators. Raises NotFound."""
    if me.id != user_id and not me.is_system:
        me.require_role("moderator")
    account = await tx.one(store.BY_ID, user_id)
    if account is None:
        raise NotFound()
    return account


async def find(tx: Reader, me: Me, email: str) -> Account | None:
    """The account with this address, for flows that tell the caller nothing of it."""
    return await tx.one(store.BY_EMAIL, email)


async def check_login(db: Database, me: Me, email: str, password: str, ip: str) -> Proven:
    """The account of these credentials. Raises BadCredentials or AccountLocked (rules 58, 59).

    Failures count per account and address, so that nobody can lock out somebody else. An unknown address
    takes as long and locks in the same way as a known one. A password that was kept at a lower cost than is asked for
    now is kept at that from then on.
    """
    place = limits.ip_key(ip)
    async with db.tx() as tx:
        found = await tx.last(store.CREDENTIALS, email, place)
    if found is None:
        raise LookupError("a query of one row gave none")
    _refuse_locked(found.locked_until)
    right = await passwords.matches(password, found.password_hash or passwords.absent())
    now, proven = clock.now(), None
    async with db.tx() as tx:
        # Others may have failed meanwhile, and then not even the right password counts.
        locked = await tx.one(store.HOLD_FAILURES, email, place, now)
        _refuse_locked(locked)
        if right and found.id is not None and found.password_hash is not None:
            if not found.mfa_enabled:  # else the sign-in has not worked yet: wrong codes count on
                await tx.run(store.CLEAR_FAILURES, email, place)
            proven = Proven(found.id, found.password_hash)
        else:
            await tx.run(store.FAILED, email, place, now, LOCK_AFTER, LOCK_FOR)
    if proven is None:
        raise BadCredentials()
    return await _strengthened(db, me, proven, password)


async def _strengthened(db: Database, me: Me, proven: Proven, password: str) -> Proven:
    """The same, kept at the cost that is asked for now. Raises BadCredentials if another was set meanwhile."""
    while passwords.weak(proven.password_hash):
        better = await passwords.make(password)
        # Alone, not with the count of failures: whoever sets a password holds the account first, then that.
        async with db.tx() as tx:
            if await tx.one(store.STRENGTHEN, proven.user_id, proven.password_hash, better) is not None:
                return Proven(proven.user_id, better)
            known = await tx.last(store.PASSWORD, proven.user_id)
        # Another sign-in was quicker, or the password is another one.
        if known is None or not await passwords.matches(password, known):
            raise BadCredentials()
        proven = Proven(proven.user_id, known)
    return proven


async def refuse_locked(tx: Tx, me: Me, email: str, ip: str) -> None:
    """Raises AccountLocked while sign-ins to this address are locked from there; holds the count (rule 59)."""
    locked = await tx.one(store.HOLD_FAILURES, email, limits.ip_key(ip), clock.now())
    _refuse_locked(locked)


async def note_sign_in(tx: Tx, me: Me, email: str, ip: str, *, worked: bool) -> None:
    """Count a failed second step of a sign-in like a failed first one, or clear the count (rules 58, 59)."""
    place = limits.ip_key(ip)
    if worked:
        await tx.run(store.CLEAR_FAILURES, email, place)
    else:
        await tx.run(store.FAILED, email, place, clock.now(), LOCK_AFTER, LOCK_FOR)


def _refuse_locked(until: datetime | None) -> None:
    left = timedelta(0) if until is None else until - clock.now()
    if left > timedelta(0):
        raise AccountLocked(headers={"Retry-After": str(math.ceil(left.total_seconds()))})


async def hold_proven(tx: Tx, me: Me, proven: Proven) -> None:
    """Keep a password from changing while somebody signs in by it. Raises BadCredentials if it has."""
    if await tx.one(store.HOLD_PASSWORD, proven.user_id) != proven.password_hash:
        raise BadCredentials()


async def hold(tx: Tx, me: Me, user_id: UUID) -> Account:
    """The account of somebody who signs in, which stays as it is until the transaction ends. Raises NotFound."""
    account = await tx.one(store.HOLD, user_id)
    if account is None:
        raise NotFound()
    return account


async def set_mfa(tx: Tx, me: Me, user_id: UUID, enabled: bool) -> None:
    """Note whether the account has a second factor."""
    await tx.run(store.SET_MFA, user_id, enabled, clock.now())


async def signed_in(tx: Tx, me: Me, user_id: UUID) -> None:
    """Note the latest sign-in."""
    await tx.run(store.SIGNED_IN, user_id, clock.now())


async def confirm_password(db: Database, me: Me, password: str) -> Proven:
    """Raises WrongPassword or NoPassword unless this is the caller's password."""
    async with db.tx() as tx:
        known = await tx.last(store.PASSWORD, me.user())
    if known is None:
        raise NoPassword()
    if not await passwords.matches(password, known):
        raise WrongPassword()
    return Proven(me.user(), known)


async def new_hash(db: Database, me: Me, user_id: UUID, password: str, field: str) -> str:
    """The hash of a password this account may take. Raises WeakPassword or UsedPassword (rule 56)."""
    check_strength(password, field)
    async with db.tx() as tx:
        earlier = await tx.all(store.PASSWORDS, user_id)
    # All at once: up to six runs of bcrypt in a row would take more than a second.
    comparing = asyncio.gather(*(passwords.matches(password, old) for old in earlier))
    hashed, same = await asyncio.gather(hash_password(password), comparing)
    if any(same):
        raise UsedPassword(field)
    return hashed


async def set_password(
    tx: Tx, me: Me, user_id: UUID, password_hash: str, *, instead_of: Proven | None = None
) -> None:
    """Store a hash made by `new_hash`, clear locks and open resets.

    Raises WrongPassword when the password is no longer the one it is to be set instead of.
    """
    held = await tx.one(store.HOLD_PASSWORD, user_id)
    if instead_of is not None and held != instead_of.password_hash:
        raise WrongPassword()
    now = clock.now()
    await tx.run(store.SET_PASSWORD, user_id, password_hash, now)
    await tx.run(store.REMEMBER_PASSWORD, user_id, password_hash, now)
    await tx.run(store.FORGET_PASSWORDS, user_id)
    await tx.run(store.UNLOCK, user_id)
    await tx.run(store.VOID_RESETS, user_id)
    await facts.emit(tx, PasswordChanged(user_id))


async def start_verification(tx: Tx, me: Me, account: Account) -> str:
    """A token that confirms the address for 24 hours; earlier unused ones are void (rule 16)."""
    token = crypto.token()
    await tx.run(store.VOID_VERIFICATIONS, account.id)
    expires = clock.now() + VERIFICATION_LIFE
    await tx.run(store.ADD_VERIFICATION, ids.new(), account.id, crypto.digest(token), account.email, expires)
    return token


async def request_verification(tx: Tx, me: Me, email: str) -> None:
    """Have another confirmation mailed soon, if the address is somebody's and needs one."""
    await facts.emit(tx, VerificationRequested(email))


async def request_reset(tx: Tx, me: Me, email: str) -> None:
    """Have a token that resets the password mailed soon, if the address is somebody's."""
    await facts.emit(tx, ResetRequested(email))


async def verify_email(tx: Tx, me: Me, token: str) -> tuple[UUID, str]:
    """Confirm the address of a token; returns whose it is, and which. Raises BadToken or AddressChanged."""
    used = await tx.one(store.USE_VERIFICATION, crypto.digest(token), clock.now())
    if used is None:
        raise BadToken()
    if await tx.one(store.SET_VERIFIED, used.user_id, used.email, clock.now()) is None:
        raise AddressChanged()
    await facts.emit(tx, EmailVerified(used.user_id))
    return used.user_id, used.email


async def confirm_address(tx: Tx, me: Me, account: Account) -> None:
    """Count the address of an account as confirmed: a company that its owner signs in by says so, or a reset shows it."""
    await tx.one(store.SET_VERIFIED, account.id, account.email, clock.now())
    await facts.emit(tx, EmailVerified(account.id))


async def set_provider(tx: Tx, me: Me, user_id: UUID, provider: str | None, subject: str | None) -> None:
    """Note by which company's account the owner signed in first; None when by none any more (rule 41)."""
    await tx.run(store.SET_PROVIDER, user_id, provider, subject, clock.now())


async def start_reset(tx: Tx, me: Me, user_id: UUID) -> str:
    """A token that resets the password within an hour; earlier ones are void."""
    token = crypto.token()
    await tx.run(store.VOID_RESETS, user_id)
    await tx.run(store.ADD_RESET, ids.new(), user_id, crypto.digest(token), clock.now() + RESET_LIFE)
    return token


async def reset_owner(tx: Tx, me: Me, token: str) -> UUID:
    """Whose password a reset token changes; locks the account and the token. Raises BadToken."""
    digest = crypto.digest(token)
    owner = await tx.one(store.RESET_OWNER, digest)
    if owner is None or not await tx.one(store.HOLD_RESET, digest, clock.now()):
        raise BadToken()
    return owner


async def set_phone(tx: Tx, me: Me, phone: str | None) -> None:
    """Change the caller's phone number, which is unconfirmed then."""
    await tx.run(store.SET_PHONE, me.user(), phone, clock.now())


async def delete(tx: Tx, me: Me, reason: str, details: str | None) -> None:
    """Soft delete the caller's account and keep the reason (rules 23, 24)."""
    user_id = me.user()
    email = await tx.one(store.DELETE, user_id, clock.now())
    if email is None:
        raise NotFound()
    await tx.run(store.ADD_REASON, ids.new(), user_id, reason, details)
    await facts.emit(tx, AccountDeleted(user_id, email))


async def erase(tx: Tx, me: Me, user_id: UUID, before: datetime) -> bool:
    """Remove an account that was deleted before then, with every row that refers to it (rule 25); whether it was."""
    me.require_role("admin")
    erased = await tx.run(store.ERASE, user_id, before) > 0
    if erased:
        await facts.emit(tx, AccountErased(user_id))
    return erased


async def set_role(tx: Tx, me: Me, email: str, role: Literal["user", "moderator", "admin"]) -> UUID:
    """Give an account a role; for operators. Raises NotFound. Sessions have the verb that counts at once."""
    me.require_role("admin")
    user_id = await tx.one(store.SET_ROLE, email, role, clock.now())
    if user_id is None:
        raise NotFound(f"There is no account {email}.")
    await facts.emit(tx, RoleChanged(user_id))
    return user_id


async def suspend(
    tx: Tx, me: Me, email: str, suspended: bool, *, until: datetime | None = None, reason: str | None = None
) -> UUID:
    """Close an account, for good or until then, or open it again; for moderators. Raises NotFound.

    The reason is told to whoever signs in. As `set_role`, see sessions.
    """
    me.require_role("moderator")
    now = clock.now()
    closed = (now, until, reason) if suspended else (None, None, None)
    user_id = await tx.one(store.SET_SUSPENDED, email, *closed, now)
    if user_id is None:
        raise NotFound(f"There is no account {email}.")
    await facts.emit(tx, AccountSuspended(user_id, suspended))
    return user_id


async def lift(tx: Tx, me: Me) -> list[UUID]:
    """Open every account again whose suspension is over; whose they are."""
    me.require_role("moderator")
    lifted = await tx.all(store.LIFT, clock.now())
    await facts.emit(tx, *(AccountSuspended(user_id, False) for user_id in lifted))
    return lifted


async def refuse_suspended(tx: Reader, me: Me, user_id: UUID) -> None:
    """Raises Deactivated, with the reason and the time, while an account is closed."""
    closed = await tx.one(store.SUSPENSION, user_id)
    if closed is not None:
        raise Deactivated.told(closed.until, closed.reason)
