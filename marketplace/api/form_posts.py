"""What every form shares: it was made for the browser that sends it, it answers with a page or a redirect, and it sets the cookies.

A browser that is not signed in holds a random cookie all the same, so that a form cannot be sent for it by another site and sign it in as
somebody else.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote

from fastapi import Request
from fastapi.responses import RedirectResponse, Response

from data_contracts.errors import DeftworksError
from marketplace.accounts.secret_tokens import new_secret
from marketplace.accounts.sessions import COOKIE, csrf_token, is_csrf_token
from marketplace.accounts.signing_in import SignedIn
from marketplace.api.callers import shop_of
from marketplace.api.failures import Failure, headers_of, status_of
from marketplace.api.html_pages import Field, Form, Page, drawn
from marketplace.api.origins import is_same_origin

VISIT = "dw_visit"
HTML = {"text/html": {"schema": {"type": "string"}}}
JSON = {"application/json": {"schema": {"$ref": f"#/components/schemas/{Failure.__name__}"}}}
PAGE_RESPONSES = {
    200: {"description": "The form.", "content": HTML},
    303: {"description": "Done: on to the next page."},
    **{
        status: {"description": f"The form again: {said}", "content": HTML | JSON}
        for status, said in {
            400: "what was typed cannot be.", 401: "email or password is wrong.", 403: "it was not sent from here.",
            404: "the link does not work any more.", 413: "it is too large.", 422: "it is no form.",
            429: "it was tried too often.",
        }.items()
    },
}  # fmt: skip
"""OpenAPI's `responses` of a form. What never reaches the form is answered in JSON."""


def path_of(request: Request, path: str) -> str:
    """Returns a path of this API as the browser asks for it."""
    return f"{request.scope.get('root_path', '')}{path}"


def with_next(path: str, next_path: str) -> str:
    """Returns a path that leads on to another afterwards."""
    return path if next_path == "/" else f"{path}?next={quote(next_path, safe='')}"


def form(request: Request, path: str, fields: list[Field], button: str, **hidden: str) -> tuple[Form, str]:
    """Returns a form with its token, and the visit that the browser has to hold for it to be taken."""
    visit = request.cookies.get(VISIT) or new_secret()
    token = csrf_token(visit + request.cookies.get(COOKIE, ""))
    return Form(path_of(request, path), fields, button, [("csrf", token), *hidden.items()]), visit


def was_sent_from_here(request: Request, csrf: str) -> bool:
    """Returns whether a form was made for this browser and sent from the shop's own page: both have to hold."""
    visit = request.cookies.get(VISIT, "")
    holds = bool(visit) and is_csrf_token(csrf, visit + request.cookies.get(COOKIE, ""))
    return holds and is_same_origin(request, shop_of(request).settings)


def answered(
    request: Request, page: Page, visit: str, error: DeftworksError | None = None, status: int = 200
) -> Response:
    """Returns a page with its form, with the status and headers of what went wrong."""
    if error is not None:
        status = status_of(error)
    headers: Mapping[str, str] = headers_of(error) if error else {}
    response = drawn(page, shop_of(request).settings.title, status, dict(headers))
    if visit and request.cookies.get(VISIT) != visit:
        _set_cookie(request, response, VISIT, visit, None)
    return response


def signed_in(request: Request, entered: SignedIn, next_path: str) -> Response:
    """Returns the way on for somebody who has just signed in, and their session."""
    response = RedirectResponse(next_path, 303)
    days = shop_of(request).settings.sessions.lifetime_days
    _set_cookie(request, response, COOKIE, entered.session, days * 86400)
    response.delete_cookie(VISIT, path="/")
    return response


def signed_out(request: Request, next_path: str) -> Response:
    """Returns the way on for somebody who has signed out."""
    response = RedirectResponse(next_path, 303)
    _set_cookie(request, response, COOKIE, "", 0)
    return response


def _set_cookie(request: Request, response: Response, name: str, value: str, lifetime_s: int | None) -> None:
    is_secure = shop_of(request).settings.is_secure
    response.set_cookie(name, value, max_age=lifetime_s, path="/", httponly=True, samesite="lax", secure=is_secure)
