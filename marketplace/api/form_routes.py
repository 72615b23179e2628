"""Forms that begin and end a session: sign in, sign up, sign out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from data_contracts.errors import AccountError, DeftworksError, NotAllowed
from marketplace.accounts import signing_in
from marketplace.accounts.passwords import LONGEST, SHORTEST, check_new
from marketplace.accounts.people import LONGEST_EMAIL, LONGEST_NAME, checked_country, checked_email, checked_name
from marketplace.accounts.sessions import COOKIE, person_of_cookie
from marketplace.api.callers import shop_of, throttle_of, visitor_of
from marketplace.api.form_posts import (
    PAGE_RESPONSES,
    answered,
    form,
    path_of,
    signed_in,
    signed_out,
    was_sent_from_here,
    with_next,
)
from marketplace.api.html_pages import Field, Page
from marketplace.api.origins import local_path

router = APIRouter(tags=["signing in"], default_response_class=HTMLResponse)
Text = Annotated[str, Form()]
Next = Annotated[str, Query(alias="next", description="Where to go on to: a path of this shop.")]
STALE = NotAllowed("This form is too old, or was not sent from here.", hint="Please try once more.")
NEW_PASSWORD_HINT = f"At least {SHORTEST} characters. Several words are easy to remember."


@router.get("/sign-in", responses=PAGE_RESPONSES)
def sign_in_form(request: Request, next_path: Next = "/") -> Response:
    """The form that signs in; who is signed in already goes on."""
    if person_of_cookie(shop_of(request), request.cookies):
        return RedirectResponse(local_path(next_path), 303)
    return _sign_in_page(request, "", local_path(next_path))


@router.post("/sign-in", responses=PAGE_RESPONSES)
def sign_in(request: Request, email: Text = "", password: Text = "", csrf: Text = "", next: Text = "/") -> Response:
    """Signs in: a new session in the cookie `dw_session`, and on to `next`."""
    next_path = local_path(next)
    if not was_sent_from_here(request, csrf):
        return _sign_in_page(request, email, next_path, STALE)
    try:
        entered = signing_in.sign_in(
            shop_of(request), throttle_of(request), visitor_of(request), email=email, password=password
        )
    except AccountError as error:
        return _sign_in_page(request, email, next_path, error)
    return signed_in(request, entered, next_path)


@router.get("/sign-up", responses=PAGE_RESPONSES)
def sign_up_form(request: Request, next_path: Next = "/") -> Response:
    """The form that makes an account; who is signed in already goes on."""
    if person_of_cookie(shop_of(request), request.cookies):
        return RedirectResponse(local_path(next_path), 303)
    return _sign_up_page(request, {}, {}, local_path(next_path))


@router.post("/sign-up", responses=PAGE_RESPONSES)
def sign_up(
    request: Request,
    name: Text = "",
    email: Text = "",
    password: Text = "",
    country: Text = "",
    csrf: Text = "",
    next: Text = "/",
) -> Response:
    """Makes an account and signs in."""
    next_path, typed = local_path(next), {"name": name, "email": email, "country": country}
    if not was_sent_from_here(request, csrf):
        return _sign_up_page(request, typed, {}, next_path, STALE)
    if wrong := wrong_fields(typed, password):
        return _sign_up_page(request, typed, wrong, next_path, status=400)
    try:
        entered = signing_in.sign_up(
            shop_of(request), throttle_of(request), visitor_of(request), **typed, password=password
        )
    except AccountError as error:
        return _sign_up_page(request, typed, {}, next_path, error)
    return signed_in(request, entered, next_path)


@router.get("/sign-out", responses=PAGE_RESPONSES)
def sign_out_form(request: Request, next_path: Next = "/") -> Response:
    """The button that signs out."""
    person = person_of_cookie(shop_of(request), request.cookies)
    if person is None:
        return RedirectResponse(local_path(next_path), 303)
    drawn_form, visit = form(request, "/sign-out", [], "Sign out", next=local_path(next_path))
    lead = f"You are signed in as {person.display_name} ({person.email})."
    return answered(request, Page("Sign out?", lead, drawn_form), visit)


@router.post("/sign-out", responses=PAGE_RESPONSES)
def sign_out(request: Request, csrf: Text = "", next: Text = "/") -> Response:
    """Ends the session and takes the cookie back."""
    if not was_sent_from_here(request, csrf):
        drawn_form, visit = form(request, "/sign-out", [], "Sign out", next=local_path(next))
        page = Page("Sign out?", "You are still signed in.", drawn_form, (STALE.message, STALE.hint))
        return answered(request, page, visit, STALE)
    person = person_of_cookie(shop_of(request), request.cookies)
    signing_in.sign_out(shop_of(request), person, request.cookies.get(COOKIE, ""))
    return signed_out(request, local_path(next))


def name_field(value: str = "", wrong: str = "") -> Field:
    """Returns the input for a display name."""
    hint = "Others see it beside your reviews."
    return Field("name", "Name", "name", value=value, hint=hint, wrong=wrong, attributes=f'maxlength="{LONGEST_NAME}"')


def email_field(value: str = "", wrong: str = "") -> Field:
    """Returns the input for an email."""
    limit = f'maxlength="{LONGEST_EMAIL}" inputmode="email" spellcheck="false" autocapitalize="none"'
    return Field("email", "Email", "username", "email", value, wrong=wrong, attributes=limit)


def new_password_field(wrong: str = "", label: str = "Password") -> Field:
    """Returns the input for a password that is chosen."""
    limits = f'minlength="{SHORTEST}" maxlength="{LONGEST}"'
    return Field("password", label, "new-password", "password", hint=NEW_PASSWORD_HINT, wrong=wrong, attributes=limits)


def wrong_fields(typed: dict[str, str], password: str) -> dict[str, str]:
    """Returns what is wrong with each field of a new account, in words; nothing where all may be."""
    checks: dict[str, Callable[[], object]] = {
        "name": lambda: checked_name(typed["name"]),
        "email": lambda: checked_email(typed["email"]),
        "password": lambda: check_new(password, typed["email"]),
        "country": lambda: checked_country(typed.get("country")),
    }
    wrong = {}
    for field, check in checks.items():
        try:
            check()
        except AccountError as error:
            wrong[field] = str(error)
    return wrong


def alert_of(error: DeftworksError | None) -> tuple[str, str] | None:
    """Returns what a page says of an error."""
    return (error.message, error.hint) if error else None


def _sign_in_page(request: Request, email: str, next_path: str, error: DeftworksError | None = None) -> Response:
    fields = [email_field(email), Field("password", "Password", "current-password", "password")]
    drawn_form, visit = form(request, "/sign-in", fields, "Sign in", next=next_path)
    notes = [
        ("New here?", "Make an account", with_next(path_of(request, "/sign-up"), next_path)),
        ("Password forgotten? Whoever runs this shop gives you a link for a new one: no mail is sent.", "", ""),
    ]
    page = Page("Sign in", "Buy skills, and find those that you own.", drawn_form, alert_of(error), notes)
    return answered(request, page, visit, error)


def _sign_up_page(
    request: Request,
    typed: dict[str, str],
    wrong: dict[str, str],
    next_path: str,
    error: DeftworksError | None = None,
    status: int = 200,
) -> Response:
    country = Field(
        "country", "Country", "country", value=typed.get("country", ""), is_optional=True, wrong=wrong.get("country", ""),
        hint="Two letters, such as DE or US. Tax on your receipts follows from it.",
        attributes='maxlength="2" autocapitalize="characters" spellcheck="false"',
    )  # fmt: skip
    fields = [
        name_field(typed.get("name", ""), wrong.get("name", "")),
        email_field(typed.get("email", ""), wrong.get("email", "")),
        new_password_field(wrong.get("password", "")),
        country,
    ]
    drawn_form, visit = form(request, "/sign-up", fields, "Make account", next=next_path)
    notes = [("You have an account?", "Sign in", with_next(path_of(request, "/sign-in"), next_path))]
    lead = "One account to buy skills, download them and get their updates."
    return answered(request, Page("Make an account", lead, drawn_form, alert_of(error), notes), visit, error, status)
