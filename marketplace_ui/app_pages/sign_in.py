"""On to the form that signs in: pages cannot set the cookie, a route can."""

from __future__ import annotations

from marketplace_ui.components.going import go_to, link, sign_in_address
from marketplace_ui.components.states import state

state("Sign in", "You are on your way to the form.", link("Sign in", sign_in_address("/")))
go_to(sign_in_address("/"), is_way_back=False)
