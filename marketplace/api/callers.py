"""Who asks: a browser by its session, a script by its token. What routes depend on to let somebody in, and nobody else.

A session may do all that its person may. A token may do what its scopes name as well. A request that changes something and comes with
a cookie has to begin on this shop's own pages.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request, Security
from fastapi.security import APIKeyCookie, HTTPBearer

from data_contracts.errors import NotAllowed, NotSignedIn
from marketplace.accounts.api_tokens import ApiToken, Scope, person_of_token
from marketplace.accounts.people import Person, Role
from marketplace.accounts.sessions import COOKIE, person_of_cookie
from marketplace.accounts.signing_in import Visitor
from marketplace.accounts.throttling import Throttle, count_token_use, count_wrong_token
from marketplace.api.origins import SAFE_METHODS, is_same_origin
from marketplace.shop import Shop

_bearer = HTTPBearer(auto_error=False, scheme_name="token", description="An API token: `Authorization: Bearer dw_…`.")
_cookie = APIKeyCookie(name=COOKIE, auto_error=False, scheme_name="session", description="A browser that signed in.")


@dataclass(frozen=True)
class Caller:
    """Who asks. `token` is None where it is a browser's session."""

    person: Person
    token: ApiToken | None

    def may(self, scope: Scope) -> bool:
        return self.token is None or scope in self.token.scopes


def shop_of(request: Request) -> Shop:
    """Returns the shop that this API is of."""
    return request.app.state.shop


def throttle_of(request: Request) -> Throttle:
    """Returns what counts attempts."""
    return request.app.state.throttle


def visitor_of(request: Request) -> Visitor:
    """Returns where a request comes from, and the session that its browser has."""
    return Visitor(request.client.host if request.client else "", request.cookies.get(COOKIE))


def caller_of(request: Request) -> Caller | None:
    """Returns who asks, None where nobody says so.

    Raises:
        NotSignedIn: a token came, and it is none (any more).
        NotAllowed: a cookie came with a change that another site may have begun.
        TooManyAttempts: by this token, or with wrong ones from this place.
    """
    if not hasattr(request.state, "caller"):
        header = request.headers.get("authorization")
        request.state.caller = _by_session(request) if header is None else _by_token(request, header)
    return request.state.caller


def current_caller(
    request: Request, _token: Annotated[object, Security(_bearer)], _session: Annotated[object, Security(_cookie)]
) -> Caller | None:
    """A dependency: see `caller_of`."""
    return caller_of(request)


def current_person(caller: Annotated[Caller | None, Depends(current_caller)]) -> Person | None:
    """A dependency: who asks, or None."""
    return caller.person if caller else None


def require_caller(caller: Annotated[Caller | None, Depends(current_caller)]) -> Caller:
    """A dependency: who asks. Raises NotSignedIn."""
    if caller is None:
        raise NotSignedIn("Nobody is signed in.", hint="Sign in, or send an API token: Authorization: Bearer dw_…")
    return caller


def require_person(caller: Annotated[Caller, Depends(require_caller)]) -> Person:
    """A dependency: who asks, by whatever token. What a token may not do is `require_scope`'s. Raises NotSignedIn."""
    return caller.person


def require_scope(scope: Scope) -> Callable[..., Caller]:
    """Returns a dependency: who asks, if a token's scopes allow it; sessions have all. Raises NotSignedIn, NotAllowed."""

    def dependency(caller: Annotated[Caller, Depends(require_caller)]) -> Caller:
        if not caller.may(scope):
            raise NotAllowed(f"This token has not the scope {scope!r}.", hint="Make one that has it.")
        return caller

    return dependency


def require_role(role: Role) -> Callable[..., Caller]:
    """Returns a dependency: who asks, if they have the role; a token needs the scope `operate` beside it.

    Raises NotSignedIn, NotAllowed.
    """

    def dependency(caller: Annotated[Caller, Depends(require_scope("operate"))]) -> Caller:
        if role not in caller.person.roles:
            raise NotAllowed(f"This is for people with the role {role!r}.")
        return caller

    return dependency


def _by_session(request: Request) -> Caller | None:
    shop = shop_of(request)
    person = person_of_cookie(shop, request.cookies)
    if person and request.method not in SAFE_METHODS and not is_same_origin(request, shop.settings):
        raise NotAllowed("This request did not begin on the shop's own pages.", hint="Scripts use an API token.")
    return Caller(person, None) if person else None


def _by_token(request: Request, header: str) -> Caller:
    kind, _, token = header.partition(" ")
    found = person_of_token(shop_of(request), token.strip()) if kind.lower() == "bearer" else None
    if found is None:
        count_wrong_token(throttle_of(request), visitor_of(request).address)
        raise NotSignedIn("This token is none, or is not valid any more.", hint="Make another one in the shop.")
    person, kept = found
    count_token_use(throttle_of(request), kept.id)
    return Caller(person, kept)
