"""Where the payment provider tells its news. The bytes are verified before anything is read out of them, kept, and answered at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Header, Request
from starlette.concurrency import run_in_threadpool

from data_contracts.errors import PaymentUnavailable, SignatureRefused
from marketplace.api.callers import shop_of
from marketplace.api.failures import DESCRIPTIONS, STATUS, documented
from marketplace.payments.inbox import receive
from marketplace.payments.provider import PaymentProvider

router = APIRouter(tags=["payments"])
STATUS |= {SignatureRefused: 400, PaymentUnavailable: 503}
DESCRIPTIONS[503] = "The payment provider cannot be reached now; asking again later is safe."
Signature = Annotated[str, Header(alias="stripe-signature", description="The provider's, over the time and the body.")]


@router.post("/webhooks/payments", responses=documented(503))
async def receive_news(request: Request, signature: Signature = "") -> dict[str, bool]:
    """Keeps a message of the payment provider, once by its id. What it means is worked out afterwards."""
    body = await request.body()
    await run_in_threadpool(receive, shop_of(request), provider_of(request), body, signature)
    wake: Callable[[], None] | None = getattr(request.app.state, "wake", None)
    if wake:
        wake()
    return {"received": True}


def provider_of(request: Request) -> PaymentProvider:
    """Returns the payment provider that this API speaks for. Raises PaymentUnavailable where it was given none."""
    provider = getattr(request.app.state, "provider", None)
    if provider is None:
        raise PaymentUnavailable("No payment provider is connected here.", hint="Open the shop: deftworks shop.")
    return provider
