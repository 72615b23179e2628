"""What the server refuses, in the shape and words that Stripe's clients know."""

from __future__ import annotations

from typing import Any


class Refused(Exception):
    """An answer that is not what was asked for: a status and Stripe's error object."""

    def __init__(
        self,
        message: str,
        *,
        status: int = 400,
        kind: str = "invalid_request_error",
        code: str | None = None,
        param: str | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.error = {"type": kind, "message": message}
        self.error |= {name: value for name, value in (("code", code), ("param", param)) if value is not None}

    @property
    def body(self) -> dict[str, Any]:
        return {"error": self.error}


def missing(kind: str, identifier: str, param: str = "id", status: int = 404) -> Refused:
    """Nothing of that kind has that id."""
    name = kind.rpartition(".")[2]
    return Refused(f"No such {name}: {identifier!r}", status=status, code="resource_missing", param=param)


def unknown_route(method: str, path: str) -> Refused:
    return Refused(
        f"Unrecognized request URL ({method}: {path}). Local test payments do not have this route.", status=404
    )


def server_error() -> Refused:
    """What a fault answers; nothing else does."""
    return Refused("An unexpected error occurred (asked for by a fault).", status=500, kind="api_error")


def rate_limited() -> Refused:
    return Refused("Request rate limit exceeded (asked for by a fault).", status=429, code="rate_limit")


def insufficient(currency: str) -> Refused:
    return Refused(
        f"You have insufficient available funds in your account ({currency}). It is test money: let somebody buy something first.",
        code="balance_insufficient",
    )
