"""Verbs of signing in by Google, Apple or Facebook: enter, link, unlink, and take back what was allowed.

An account of another company is known by its issuer and subject. The e-mail address decides once only, when it is
seen for the first time, and only if both sides have it confirmed.
"""

from uuid import UUID

import msgspec

from majlis.app import App
from majlis.features.filters import service as filters
from majlis.features.filters.model import RefusedWords
from majlis.features.identity import service as identity
from majlis.features.identity.model import Account, EmailTaken
from majlis.features.mfa import service as mfa
from majlis.features.oauth import store
from majlis.features.oauth.facts import IdentityLinked, IdentityUnlinked
from majlis.features.oauth.model import (
    PROVIDERS,
    AddressUnconfirmed,
    AppleBody,
    FacebookBody,
    GoogleBody,
    Identity,
    IdentityTaken,
    LastSignIn,
    LinkBody,
    LinkRequired,
    NoEmail,
    Provider,
    StillChanging,
)
from majlis.features.passkeys import service as passkeys
from majlis.features.profiles import service as profiles
from majlis.features.profiles.model import SignedIn
from majlis.features.sessions import service as sessions
from majlis.features.sessions.model import check_device
from majlis.kit import clock, facts, ids, limits, log
from majlis.kit.db import Reader, Tx
from majlis.kit.errors import FieldFault, Invalid, NotFound
from majlis.kit.me import Me, Origin
from majlis.vendors.oauth import BadProviderToken, Person, Proof, ProviderUnavailable

logger = log.get("majlis.oauth")
TRIES = 4  # of a sign-in that others overtake; each of them leaves something for the next try to find
LONGEST_NAME = 100


Body = GoogleBody | AppleBody | FacebookBody


class _Overtaken(Exception):
    """Somebody else wrote the same identity or address a moment before."""


class _Shown(msgspec.Struct, frozen=True):
    """Whom a provider vouches for, and Apple's refresh token if there is one."""

    provider: Provider
    person: Person
    refresh_token: str | None


async def google(app: App, me: Me, body: GoogleBody, origin: Origin) -> tuple[SignedIn, bool]:
    """Sign in by Google's token (rule 38); see `_enter`."""
    return await _enter(app, me, "google", Proof(token=body.id_token, nonce=body.nonce), body, origin)


async def apple(app: App, me: Me, body: AppleBody, origin: Origin) -> tuple[SignedIn, bool]:
    """Sign in by Apple's token and nonce (rule 39); see `_enter`."""
    proof = Proof(token=body.id_token, nonce=body.nonce, code=body.authorization_code)
    return await _enter(app, me, "apple", proof, body, origin)


async def facebook(app: App, me: Me, body: FacebookBody, origin: Origin) -> tuple[SignedIn, bool]:
    """Sign in by Facebook's token (rule 40); see `_enter`."""
    return await _enter(app, me, "facebook", Proof(token=body.access_token, nonce=body.nonce), body, origin)


async def _enter(
    app: App, me: Me, provider: Provider, proof: Proof, body: Body, origin: Origin
) -> tuple[SignedIn, bool]:
    """Tokens or a challenge, and whether the account is new.

    Raises ProviderDisabled, BadProviderToken, ProviderUnavailable; NoEmail, LinkRequired, Deactivated; RateLimited.
    """
    check_device(body.device_info)
    person = await app.oauth.get(provider).person(proof)
    await sessions.spend_attempt(app, provider, limits.auth_key(person.subject, origin.ip))
    if proof.code is not None:  # it counts once, and what is refused anyway must not cost it
        async with app.db.tx() as tx:
            await _owner(tx, me, provider, person)
    shown = _Shown(provider, person, await _refresh_token(app, person, proof.code))
    for _ in range(TRIES):
        try:
            async with app.db.tx() as tx:
                user_id, new = await _settle(app, tx, me, shown, body)
                outcome = await sessions.sign_in(app, tx, me, user_id, origin, body.device_info)
                return await profiles.signed_in(tx, me, user_id, outcome), new
        except (_Overtaken, EmailTaken):
            continue
    raise StillChanging()


async def _settle(app: App, tx: Tx, me: Me, shown: _Shown, body: Body) -> tuple[UUID, bool]:
    """The account to sign in to, with this identity, and whether it was made for it."""
    person = shown.person
    user_id, known = await _owner(tx, me, shown.provider, person)
    new = user_id is None
    if user_id is None:
        account = await identity.create(
            tx, me, _address(shown.provider, person), None, verified=person.email_verified
        )
        await profiles.create(tx, me, account.id, *await _names(tx, me, person, body))
    else:
        account = await _held(tx, me, user_id)
        # Looked at again: a reset that was on its way may have ended this way in.
        if await _owner(tx, me, shown.provider, person) != (user_id, known):
            raise _Overtaken
    if known is None:
        await _add(tx, me, account, shown, vouched=person.email_verified, told=not new)
    elif await tx.one(store.USED, known, _stored(person.email), False, clock.now()) is None:
        raise _Overtaken  # unlinked a moment ago
    await _keep_grant(app, tx, account.id, shown)
    return account.id, new


async def _owner(tx: Tx, me: Me, provider: Provider, person: Person) -> tuple[UUID | None, UUID | None]:
    """Whose sign-in this is, and the identity if it is known; nobody's is a new account's.

    Raises NoEmail or LinkRequired.
    """
    known = await tx.one(store.BY_SUBJECT, person.issuer, person.subject)
    if known is not None:
        # An address that nobody vouched for made this account. Its password came by mail, thus from whoever really
        # has the address; they may be somebody else.
        if known.has_password and not known.vouched:
            raise LinkRequired(provider)
        return known.user_id, known.id
    account = await identity.find(tx, me, _address(provider, person))
    if account is None:
        return None, None
    both = person.email_verified and account.email_verified
    # Another subject of the same company with this address: it was given to somebody else since.
    if not both or await tx.one(store.WITH_ISSUER, account.id, person.issuer) is not None:
        raise LinkRequired(provider)
    return account.id, None


async def _held(tx: Tx, me: Me, user_id: UUID) -> Account:
    """The account, which stays as it is for this transaction. Raises _Overtaken when it is gone."""
    try:
        return await identity.hold(tx, me, user_id)
    except NotFound:
        raise _Overtaken from None


def _address(provider: Provider, person: Person) -> str:
    """The address of the person as it is stored. Raises NoEmail."""
    try:
        return identity.normal_email(person.email or "")
    except Invalid:
        raise NoEmail(provider) from None


async def _names(tx: Tx, me: Me, person: Person, body: Body) -> tuple[str | None, str | None]:
    """What a new person is called: as the app says, else as the provider does. Raises RefusedWords for the app's.

    Names of the provider's that are not allowed here are left out: nobody could change them there and then.
    """
    asked = {"first_name": _name(body.first_name), "last_name": _name(body.last_name)}
    told = {"first_name": _name(person.first_name), "last_name": _name(person.last_name)}
    await filters.refuse(tx, me, asked)
    left_out: set[str] = set()
    try:
        await filters.refuse(tx, me, {name: told[name] for name in told if asked[name] is None})
    except RefusedWords as refused:
        left_out = {fault.field for fault in refused.fields}
    first, last = (asked[name] or (None if name in left_out else told[name]) for name in asked)
    return first, last


def _name(value: str | None) -> str | None:
    """A name as it may be stored."""
    return " ".join((value or "").replace("\0", " ").split())[:LONGEST_NAME] or None


async def _add(tx: Tx, me: Me, account: Account, shown: _Shown, *, vouched: bool, told: bool) -> Identity:
    """Link the identity to the account; its owner is told unless they do just that. Raises _Overtaken."""
    person = shown.person
    await tx.run(store.FREE, person.issuer, person.subject)
    added = await tx.one(
        store.ADD, ids.new(), account.id, shown.provider, person.issuer, person.subject, _stored(person.email),
        vouched, clock.now(),
    )  # fmt: skip
    if added is None:
        raise _Overtaken
    if account.oauth_provider is None:
        await identity.set_provider(tx, me, account.id, shown.provider, person.subject)
    if told:
        await facts.emit(tx, IdentityLinked(account.id, shown.provider))
    return added


def _stored(email: str | None) -> str | None:
    """An address to show its owner, or None for what is none."""
    return email if email and len(email) <= 255 and "\0" not in email else None


async def link(app: App, me: Me, provider: str, body: LinkBody) -> tuple[Identity, bool]:
    """Make this a way of signing in to the caller's account; and whether it was none before.

    Raises NotFound or Invalid for what is not of this provider; IdentityTaken, AddressUnconfirmed, RateLimited,
    BadAccess, and what `mfa.show_more` and the provider's `person` do.
    """
    user_id, (kind, proof) = me.user(), _proof(provider, body)
    await mfa.show_more(app, me, body.password)
    await sessions.spend_attempt(app, "link", str(user_id))
    person = await app.oauth.get(kind).person(proof)
    shown = _Shown(kind, person, await _refresh_token(app, person, proof.code))
    for _ in range(TRIES):
        try:
            async with app.db.tx() as tx:
                return await _link(app, tx, me, shown)
        except _Overtaken:
            continue
    raise StillChanging()


def _proof(provider: str, body: LinkBody) -> tuple[Provider, Proof]:
    kind = next((name for name in PROVIDERS if name == provider), None)
    if kind is None:
        raise NotFound()
    needed = {"google": ["id_token"], "apple": ["id_token", "nonce"], "facebook": ["access_token"]}[kind]
    missing = [name for name in needed if getattr(body, name) is None]
    if missing:
        raise Invalid(fields=[FieldFault(name, "required", "This field is required.") for name in missing])
    token = body.access_token if kind == "facebook" else body.id_token
    code = body.authorization_code if kind == "apple" else None
    return kind, Proof(token=token or "", nonce=body.nonce, code=code)


async def _link(app: App, tx: Tx, me: Me, shown: _Shown) -> tuple[Identity, bool]:
    person = shown.person
    account = await identity.hold(tx, me, me.user())
    await sessions.hold(tx, me)
    known = await tx.one(store.BY_SUBJECT, person.issuer, person.subject)
    if known is not None and known.user_id != account.id:
        raise IdentityTaken()
    if not account.email_verified:
        if not (person.email_verified and _same(person.email, account.email)):
            raise AddressUnconfirmed()
        await identity.confirm_address(tx, me, account)
        sessions.forget(app, tx, account.id)
    if known is None:
        found = await _add(tx, me, account, shown, vouched=True, told=True)
    else:
        used = await tx.one(store.USED, known.id, _stored(person.email), True, clock.now())
        if used is None:
            raise _Overtaken
        found = used
    await _keep_grant(app, tx, account.id, shown)
    return found, known is None


def _same(told: str | None, email: str) -> bool:
    return identity.tried_email(told or "").casefold() == email.casefold()


async def identities(tx: Reader, me: Me) -> list[Identity]:
    """What the caller can sign in by besides a password, the first linked first."""
    return await tx.all(store.LIST, me.user())


async def unlink(tx: Tx, me: Me, identity_id: UUID) -> None:
    """Stop signing in by this. Raises NotFound, or LastSignIn when nothing else is left."""
    account = await identity.hold(tx, me, me.user())
    own = await tx.all(store.OF_USER, account.id)
    gone = next((one for one in own if one.id == identity_id), None)
    if gone is None:
        raise NotFound()
    left = [one for one in own if one.id != identity_id]
    if not left and not account.has_password and not await passkeys.passkeys(tx, me):
        raise LastSignIn()
    await tx.run(store.REMOVE, identity_id)
    await tx.run(store.RETIRE_SUBJECT, account.id, gone.subject, clock.now())
    first = (left[0].provider, left[0].subject) if left else (None, None)
    await identity.set_provider(tx, me, account.id, *first)
    await facts.emit(tx, IdentityUnlinked(account.id, gone.provider))


async def _refresh_token(app: App, person: Person, code: str | None) -> str | None:
    """Apple's refresh token for the code that came along, if any.

    The code of a request that is sent again is spent; as long as there is a token from before, that is no harm.
    """
    apple = app.oauth.apple
    if code is None or apple is None or not apple.can_exchange:
        return None
    try:
        return await apple.exchange(code, person)
    except (BadProviderToken, ProviderUnavailable):
        async with app.db.tx() as tx:
            if await tx.last(store.HAS_GRANT, person.client_id, person.subject) is None:
                raise
        return None


async def _keep_grant(app: App, tx: Tx, user_id: UUID, shown: _Shown) -> None:
    if shown.refresh_token is None:
        return
    client_id, subject = shown.person.client_id, shown.person.subject
    sealed = app.sealer.seal(shown.refresh_token.encode(), _place(client_id, subject))
    await tx.run(store.KEEP_GRANT, client_id, subject, user_id, sealed, clock.now())


def _place(client_id: str, subject: str) -> str:
    return store.SEALED.place(client_id, subject)


async def leave(app: App, me: Me, user_id: UUID) -> None:
    """Forget the identities of a deleted account, and take back what it allowed at Apple; for the system."""
    me.require_role("admin")
    async with app.db.tx() as tx:
        await tx.run(store.DROP_DELETED, user_id)
        await tx.run(store.RETIRE_DELETED, user_id, clock.now())
    await revoke_retired(app, me, user_id)


async def revoke_retired(app: App, me: Me, user_id: UUID) -> None:
    """Take back at Apple what this user does not need any more; for the system.

    Raises ProviderUnavailable, so that the job is tried again, and Unsealable when the secret key is lost.
    """
    me.require_role("admin")
    async with app.db.tx() as tx:
        retired = await tx.all(store.RETIRED, user_id)
    for grant in retired:
        if app.oauth.apple is None:
            raise ProviderUnavailable(
                "Sign-in with Apple is not set up any more: nothing can be revoked there."
            )
        token = app.sealer.open(grant.refresh_token, _place(grant.client_id, grant.subject))
        await app.oauth.apple.revoke(grant.client_id, token.decode())
        async with app.db.tx() as tx:
            await tx.run(store.DROP_GRANT, grant.client_id, grant.subject, grant.refresh_token)
