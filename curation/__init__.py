"""Community data in, trustworthy LeRobot v3.0 data out: sources, detectors, camera roles, duplicates, normalising, the corpus."""
