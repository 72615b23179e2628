"""Forms that set a password: by a one-time link, or by somebody who is signed in."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from data_contracts.errors import AccountError, DeftworksError, LinkSpent
from marketplace.accounts import signing_in
from marketplace.accounts.one_time_links import OneTimeLink, find_link
from marketplace.accounts.passwords import check_new
from marketplace.accounts.people import get_person
from marketplace.accounts.sessions import person_of_cookie
from marketplace.accounts.throttling import count_link
from marketplace.api.callers import shop_of, throttle_of, visitor_of
from marketplace.api.form_posts import PAGE_RESPONSES, answered, form, path_of, signed_in, was_sent_from_here, with_next
from marketplace.api.form_routes import (
    STALE,
    Text,
    alert_of,
    email_field,
    name_field,
    new_password_field,
    wrong_fields,
)
from marketplace.api.html_pages import Field, Page
from marketplace.database import read

router = APIRouter(tags=["signing in"], default_response_class=HTMLResponse)
Token = Annotated[str, Path(description="What the link ends with.", max_length=200)]


@router.get("/one-time/{token}", responses=PAGE_RESPONSES)
def one_time_form(request: Request, token: Token) -> Response:
    """The form of a link: the first operator's account, or a new password."""
    try:
        count_link(throttle_of(request), visitor_of(request).address)
        return _link_page(request, token, _link(request, token), {}, {})
    except AccountError as error:
        return _spent_page(request, error)


@router.post("/one-time/{token}", responses=PAGE_RESPONSES)
def use_one_time_link(
    request: Request, token: Token, password: Text = "", name: Text = "", email: Text = "", csrf: Text = ""
) -> Response:
    """Does what the link is for, once, and signs in."""
    shop, throttle, visitor = shop_of(request), throttle_of(request), visitor_of(request)
    typed = {"name": name, "email": email}
    try:
        link = _link(request, token)
        if not was_sent_from_here(request, csrf):
            return _link_page(request, token, link, typed, {}, STALE)
        if link.purpose == "first_operator":
            if wrong := wrong_fields(typed, password):
                return _link_page(request, token, link, typed, wrong, status=400)
            entered = signing_in.use_first_operator_link(shop, throttle, visitor, token, **typed, password=password)
        elif wrong := _wrong_password(password, _email_of(request, link)):
            return _link_page(request, token, link, typed, {"password": wrong}, status=400)
        else:
            entered = signing_in.use_new_password_link(shop, throttle, visitor, token, password)
    except LinkSpent as error:
        return _spent_page(request, error)
    except AccountError as error:
        return _link_page(request, token, link, typed, {}, error)
    return signed_in(request, entered, "/")


@router.get("/password", responses=PAGE_RESPONSES)
def password_form(request: Request) -> Response:
    """The form that changes the password of who is signed in."""
    if person_of_cookie(shop_of(request), request.cookies) is None:
        return RedirectResponse(with_next(path_of(request, "/sign-in"), path_of(request, "/password")), 303)
    return _password_page(request)


@router.post("/password", responses=PAGE_RESPONSES)
def change_password(request: Request, old: Text = "", password: Text = "", csrf: Text = "") -> Response:
    """Changes the password, ends all sessions and tokens, and begins a new session."""
    shop = shop_of(request)
    person = person_of_cookie(shop, request.cookies)
    if person is None:
        return RedirectResponse(with_next(path_of(request, "/sign-in"), path_of(request, "/password")), 303)
    if not was_sent_from_here(request, csrf):
        return _password_page(request, STALE)
    if wrong := _wrong_password(password, person.email):
        return _password_page(request, wrong=wrong, status=400)
    try:
        entered = signing_in.change_password(
            shop, throttle_of(request), visitor_of(request), person, old=old, new=password
        )
    except AccountError as error:
        return _password_page(request, error)
    return signed_in(request, entered, "/")


def _link(request: Request, token: str) -> OneTimeLink:
    shop = shop_of(request)
    with read(shop.engine) as connection:
        return find_link(connection, token, shop.now())


def _link_page(
    request: Request,
    token: str,
    link: OneTimeLink,
    typed: dict[str, str],
    wrong: dict[str, str],
    error: DeftworksError | None = None,
    status: int = 200,
) -> Response:
    password = new_password_field(wrong.get("password", ""))
    if link.person_id is None:
        title, button = "Welcome to your shop", "Open the shop"
        lead = "Make the operator's account: it sees orders, refunds, reconciliation and the audit trail."
        name = name_field(typed.get("name", ""), wrong.get("name", ""))
        fields = [name, email_field(typed.get("email", ""), wrong.get("email", "")), password]
    else:
        with read(shop_of(request).engine) as connection:
            person = get_person(connection, link.person_id)
        title, button, fields = "Choose a new password", "Set password", [password]
        lead = f"For {person.display_name} ({person.email}). It signs you out everywhere else and ends your API tokens."
    drawn_form, visit = form(request, f"/one-time/{token}", fields, button)
    return answered(request, Page(title, lead, drawn_form, alert_of(error)), visit, error, status)


def _spent_page(request: Request, error: DeftworksError) -> Response:
    notes = [("You know your password?", "Sign in", path_of(request, "/sign-in"))]
    return answered(request, Page(error.message.rstrip("."), error.hint, notes=notes), "", error)


def _password_page(
    request: Request, error: DeftworksError | None = None, wrong: str = "", status: int = 200
) -> Response:
    old = Field("old", "Current password", "current-password", "password")
    drawn_form, visit = form(
        request, "/password", [old, new_password_field(wrong, label="New password")], "Change password"
    )
    lead = "It signs you out everywhere else and ends your API tokens."
    return answered(request, Page("Change your password", lead, drawn_form, alert_of(error)), visit, error, status)


def _wrong_password(password: str, email: str) -> str:
    try:
        check_new(password, email)
    except AccountError as error:
        return str(error)
    return ""


def _email_of(request: Request, link: OneTimeLink) -> str:
    if link.person_id is None:
        return ""
    with read(shop_of(request).engine) as connection:
        return get_person(connection, link.person_id).email
