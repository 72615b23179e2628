"""The shop's domain: what is on sale, and what people bring in. Knows no page and no web framework.

catalogue.build_release     verified packs -> a release that the shop can show
catalogue.open_catalogue    the release that is shown, for reading
contributions.receive       a dataset folder -> quarantine, verdict, receipt
"""
