"""Is a dataset any good? Detectors, one module per family, and the verdict that their findings amount to.

Reading the format belongs to `data_contracts.lerobot`, changing anything to `curation.normalise`.
"""

from curation.quality.judge import judge, judge_refused, judge_unreadable
from curation.quality.verdict import Judgement

__all__ = ["Judgement", "judge", "judge_refused", "judge_unreadable"]
