"""Annotation: what an episode shows, as one imperative sentence, with the original text kept beside it.

What belongs here: the annotators (rules, vision-language models), the choice and layout of the frames that they see, and
the table of labels. What does not: which camera is which (`curation.views`) and whether an episode is any good
(`curation.quality`).
"""

from __future__ import annotations

from annotation.annotator import Annotator, EpisodeToLabel, Label, check_annotator, open_annotator
from annotation.task_labels import label_tasks

__all__ = ["Annotator", "EpisodeToLabel", "Label", "check_annotator", "label_tasks", "open_annotator"]
