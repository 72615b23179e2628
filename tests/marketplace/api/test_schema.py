"""The API against its own OpenAPI: whatever it permits and much that it does not, nothing fails and nothing undocumented comes back."""

from __future__ import annotations

from pathlib import Path

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from limits.storage import MemoryStorage
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.schemas import BaseSchema
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from data_contracts.layout import Lake
from marketplace.accounts.api_tokens import SCOPES, make_token
from marketplace.accounts.people import add_person
from marketplace.accounts.sessions import csrf_token
from marketplace.accounts.throttling import Throttle
from marketplace.api.app import create_api
from marketplace.api.form_posts import VISIT
from marketplace.database import write
from marketplace.payments.stripe_provider import StripeProvider
from marketplace.shop import open_shop
from tests.marketplace.accounts.conftest import Clock

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
OWN_FORM = {"sec-fetch-site": "same-origin", "origin": "http://localhost:8501", "cookie": f"{VISIT}=visit"}


class Patient(Throttle):
    """Lets everything be tried, so that what lies behind the limits is reached."""

    def hit(self, *_: object, **__: object) -> bool:
        return True


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> tuple[BaseSchema, dict[str, str]]:
    """The API's schema, and the headers of an operator's token."""
    shop = open_shop(Lake(Path(tmp_path_factory.mktemp("schema"))), now=Clock())
    with write(shop.engine) as connection:
        ada = add_person(connection, "Ada", "ada@example.org", "x", shop.now(), roles=("owner", "operator"))
        token, _ = make_token(connection, ada, "script", SCOPES, 300, shop.now())
    api = create_api(shop, Patient(MemoryStorage()))
    api.state.provider = StripeProvider("sk_test_unused", "whsec_unused")  # verifies signatures; is never called
    schema = schemathesis.openapi.from_asgi("/openapi.json", api)
    return schema, {"authorization": f"Bearer {token}"}


@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
@pytest.mark.parametrize("who", ["stranger", "operator"])
def test_nothing_fails(asked: tuple[BaseSchema, dict[str, str]], mode: GenerationMode, who: str) -> None:
    schema, operators = asked
    headers = OWN_FORM | (operators if who == "operator" else {})
    operations = [found.ok() for found in schema.get_all_operations()]
    assert len(operations) >= 15
    asked_of = [operation for operation in operations if _ask(operation, mode, headers)]
    # Some take nothing, or any text: nothing that is sent to those is invalid.
    assert len(asked_of) >= (len(operations) if mode is GenerationMode.POSITIVE else 5)


def _ask(operation, mode: GenerationMode, headers: dict[str, str]) -> bool:
    @settings(max_examples=8, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
    @given(case=operation.as_strategy(generation_mode=mode))
    def ask(case: schemathesis.Case) -> None:
        if isinstance(case.body, dict) and "signing in" in operation.tags:
            case.body["csrf"] = csrf_token("visit")
        case.call_and_validate(checks=CHECKS, headers=headers)

    try:
        ask()
    except Unsatisfiable:
        return False
    return True
