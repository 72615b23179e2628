"""The shop's domain: what is on sale, what people bring in, who they are, what they buy, and money. Knows no page; only `api` knows a
web framework.

shop        what everything works with           catalogue   releases that never change; search over one
accounts    people, sessions, tokens             buying      what a buyer does; orders: which states follow
payments    the provider, and whether it agrees  entitlements, downloads, licence_files: what a buyer gets
operating   what operators may do                reviews     by who bought
api         HTTP                                 local_payments   a bank of test money that speaks Stripe's routes
contributions   a dataset folder -> quarantine, verdict, receipt

money       amounts, and dividing them           ledger      double entry: written once, kept for ever
database    SQLite or PostgreSQL, migrated       sales       what sales, refunds and disputes are in it
tables      what queries name                    audit       whether all that was written is still true
settings    windows, tax, thresholds with dates  backup      a shop in one file
"""
