"""The version of the code that decides each asset's result. Raise one to have that asset, and what follows from it, made again.

Dagster shows them; the stages put them into their digests. Two kinds of asset decide by themselves whether anything is to be
made: a policy is trained again when `training.train.CODE_VERSION` is raised, and packs and releases are told apart by content.
"""

VERSIONS = {
    "source_listing": "1",
    "raw_dataset": "2",
    "dataset_findings": "4",
    "normalised_dataset": "3",
    "camera_roles": "1",
    "task_labels": "1",
    "fingerprints": "2",
    "duplicates": "2",
    "corpus": "2",
    "skill_index": "1",
    "pretraining_mixture": "1",
    "base_policy": "1",
    "skill_policy": "1",
    "skill_evaluation": "1",
    "skill_pack": "2",
    "catalogue_release": "2",
}
