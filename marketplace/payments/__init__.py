"""Payments: what the shop asks of a provider, what it hears from it, and whether both agree.

provider          the port: plain values and the PaymentProvider protocol
stripe_provider   the one implementation: Stripe's official client, at Stripe or at the local payment server
outbox            what the provider is asked for, each once, however often it is sent
inbox             what it tells us, each once, however often it comes
settling          one order: what the provider holds about it becomes ours: paid, given back, disputed
reconciliation    every movement at the provider against the ledger
"""
