"""JSON about who asks: who they are, and their API tokens. For scripts and the command line."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request
from pydantic import BaseModel, Field

from data_contracts.errors import NotAllowed
from marketplace.accounts.api_tokens import LONGEST_DAYS, ApiToken, Scope, make_token, revoke_token, tokens_of
from marketplace.accounts.audit_trail import record
from marketplace.accounts.passwords import LONGEST
from marketplace.accounts.people import LONGEST_EMAIL, LONGEST_NAME, Person, Role
from marketplace.accounts.signing_in import check_password
from marketplace.api.callers import Caller, require_caller, require_scope, shop_of, throttle_of, visitor_of
from marketplace.api.failures import documented
from marketplace.database import read, write
from marketplace.shop import Shop

router = APIRouter(tags=["account"])
Reader = Annotated[Caller, Depends(require_scope("read"))]
Anybody = Annotated[Caller, Depends(require_caller)]
TokenId = Annotated[str, Path(pattern=r"^[0-9a-f]{10}$", description="What stands between `dw_` and the second `_`.")]


class Me(BaseModel):
    """Who asks."""

    id: str
    display_name: str
    email: str
    country: str | None
    contributor: str | None
    roles: list[Role]
    scopes: list[Scope] | None = Field(description="Of the token that asks; null for a browser's session.")


class Token(BaseModel):
    """What may be shown of a token."""

    id: str
    name: str
    scopes: list[Scope]
    created_at: str
    expires_at: str
    used_at: str | None
    revoked_at: str | None


class NewToken(Token):
    """A token that was just made."""

    token: str = Field(description="The token itself, shown this once.")


class TokenRequest(BaseModel):
    """The token that is wanted."""

    name: str = Field(min_length=1, max_length=LONGEST_NAME)
    scopes: list[Scope] = Field(min_length=1, max_length=10)
    days: int = Field(90, ge=1, le=LONGEST_DAYS)


class PasswordTokenRequest(TokenRequest):
    """The token that is wanted, and who wants it."""

    email: str = Field(max_length=LONGEST_EMAIL)
    password: str = Field(max_length=LONGEST)


@router.get("/health", responses=documented(), tags=["shop"])
def health(request: Request) -> dict[str, str]:
    """Whether the shop answers and reaches its database."""
    with read(shop_of(request).engine):
        return {"status": "ok"}


@router.get("/me", responses=documented(401, 403, 429))
def me(caller: Reader) -> Me:
    """Who asks."""
    person = caller.person
    scopes = sorted(caller.token.scopes) if caller.token else None
    return Me(
        id=person.id,
        display_name=person.display_name,
        email=person.email,
        country=person.country,
        contributor=person.contributor,
        roles=sorted(person.roles),
        scopes=scopes,
    )


@router.get("/tokens", responses=documented(401, 403, 429))
def list_tokens(request: Request, caller: Reader) -> list[Token]:
    """All tokens of who asks, newest first, also those that are over."""
    with read(shop_of(request).engine) as connection:
        return [Token(**_shown(token)) for token in tokens_of(connection, caller.person.id)]


@router.post("/tokens", status_code=201, responses=documented(401, 403, 429))
def create_token(request: Request, wanted: TokenRequest, caller: Anybody) -> NewToken:
    """Makes a token. One that is made with a token can do no more and lasts no longer than that."""
    return _make(shop_of(request), caller.person, wanted, caller.token)


@router.post("/tokens/by-password", status_code=201, responses=documented(401, 403, 429))
def create_token_by_password(request: Request, wanted: PasswordTokenRequest) -> NewToken:
    """Makes a token for who knows email and password: how a command line signs in. No cookie counts here."""
    shop = shop_of(request)
    person = check_password(shop, throttle_of(request), visitor_of(request), wanted.email, wanted.password)
    return _make(shop, person, wanted, None)


@router.delete("/tokens/{token_id}", status_code=204, responses=documented(401, 403, 429))
def delete_token(request: Request, token_id: TokenId, caller: Anybody) -> None:
    """Revokes a token of who asks. A token can only revoke itself."""
    if caller.token and caller.token.id != token_id:
        raise NotAllowed("A token can only revoke itself.", hint="Sign in to revoke others.")
    shop = shop_of(request)
    now = shop.now()
    with write(shop.engine) as connection:
        revoke_token(connection, caller.person.id, token_id, now)
        record(connection, caller.person.id, "revoked a token", {"token": token_id}, now)


def _make(shop: Shop, person: Person, wanted: TokenRequest, by: ApiToken | None) -> NewToken:
    now = shop.now()
    with write(shop.engine) as connection:
        token, made = make_token(connection, person, wanted.name, wanted.scopes, wanted.days, now, by=by)
        record(connection, person.id, "made a token", {"token": made.id, "scopes": sorted(made.scopes)}, now)
    return NewToken(token=token, **_shown(made))


def _shown(token: ApiToken) -> dict:
    shown = {name: getattr(token, name) for name in Token.model_fields}
    return {**shown, "scopes": sorted(token.scopes)}
