"""Every injection, as data, and the codes that have none, each with the reason."""

from __future__ import annotations

from tests.bench.curation import inject_motion, inject_structure, inject_tables, inject_time, inject_video, inject_words
from tests.bench.curation.injection import Injection

INJECTIONS: tuple[Injection, ...] = (
    *inject_structure.INJECTIONS,
    *inject_tables.INJECTIONS,
    *inject_time.INJECTIONS,
    *inject_motion.INJECTIONS,
    *inject_video.INJECTIONS,
    *inject_words.INJECTIONS,
)

WITHOUT_INJECTION: dict[str, str] = {
    "structure.stale_tag": "a fact of the Hub's references, not of files: the crawl's tests plant it",
    "structure.missing_tag": "a fact of the Hub's references, not of files: the crawl's tests plant it",
    "structure.long_shard": "needs a video file of 17 minutes and more: the reader's tests describe one",
    "provenance.people_visible": "needs recordings of people, which no simulated world has; nothing detects it either",
    "duplicate.exact_copy": "a relation between datasets: the attack suite measures it",
    "duplicate.near_copy": "a relation between datasets: the attack suite measures it",
    "duplicate.cross_contributor": "a relation between datasets: the attack suite measures it",
    "scope.outside_recipe": "a decision of a recipe and no defect",
}
