"""One module per stretch of the road: datasets -> curated -> corpus -> policies -> packs."""
