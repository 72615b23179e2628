"""A payment server for test money that speaks Stripe's routes, so that what talks to Stripe runs unchanged without it.

Stands in for somebody else's bank: own process, own database, nothing of the shop imported. Started by `launch.start_local_payments`
or `python -m marketplace.local_payments`. No real money, no card numbers, and only on 127.0.0.1.

app         HTTP: keys, idempotency, faults           routes      every route and the parameters it takes
store       objects as JSON in one SQLite file        balance     balance transactions and what they add up to
checkout    sessions, payments, the page to pay on    refunds     money back: refunds and disputes
connect     accounts, transfers, payouts              webhooks    events, signed and sent until they are taken
"""
