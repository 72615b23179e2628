"""The shop's domain: what is on sale, what people bring in, and money. Knows no page and no web framework.

catalogue.build_release     verified packs -> a release that the shop can show
catalogue.open_catalogue    the release that is shown, for reading
contributions.receive       a dataset folder -> quarantine, verdict, receipt

money       amounts, and dividing them       ledger   double entry: written once, kept for ever
database    SQLite or PostgreSQL, migrated   sales    what a sale and a refund are in it
tables      what queries name                audit    whether all that was written is still true
"""
