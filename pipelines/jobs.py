"""What a person launches: `crawl`, `curate_dataset`, `check_dataset`, `build_corpus`, `pretrain`, `train_skill`, `publish_release`."""

import dagster as dg

crawl = dg.define_asset_job(
    "crawl", selection=["source_listing"], description="List the candidates of the configured sources."
)
curate_dataset = dg.define_asset_job(
    "curate_dataset",
    selection=dg.AssetSelection.assets(
        "raw_dataset", "dataset_findings", "normalised_dataset", "camera_roles", "task_labels", "fingerprints"
    ).without_checks(),
    description="Judge, normalise and describe one dataset.",
)
check_dataset = dg.define_asset_job(
    "check_dataset",
    selection=dg.AssetSelection.assets("dataset_findings"),
    description="Judge one dataset, and answer every check of it, also those that have nothing to say.",
)
build_corpus = dg.define_asset_job(
    "build_corpus",
    selection=["duplicates", "corpus", "skill_index", "pretraining_mixture"],
    description="Put all curated datasets together: duplicates, manifest, what teaches which skill.",
)
pretrain = dg.define_asset_job(
    "pretrain", selection=["base_policy"], description="Pretrain SmolVLA over the mixture. Launched on purpose."
)
train_skill = dg.define_asset_job(
    "train_skill",
    selection=["skill_policy", "skill_evaluation", "skill_pack"],
    description="Fine-tune, evaluate and pack one skill. Launched on purpose.",
)
publish_release = dg.define_asset_job(
    "publish_release",
    selection=["catalogue_release"],
    description="Show the newest packs in the shop. Launched on purpose.",
)
JOBS = [crawl, curate_dataset, check_dataset, build_corpus, pretrain, train_skill, publish_release]
