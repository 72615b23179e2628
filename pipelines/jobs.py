"""What a person launches: `crawl`, `curate_dataset`, `build_corpus`, `pretrain`, `train_skill`, `publish_release`."""

import dagster as dg

crawl = dg.define_asset_job(
    "crawl", selection=["source_listing"], description="List the candidates of the configured sources."
)
curate_dataset = dg.define_asset_job(
    "curate_dataset",
    selection=["raw_dataset", "dataset_findings", "normalised_dataset", "camera_roles", "task_labels", "fingerprints"],
    description="Judge, normalise and describe one dataset.",
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
JOBS = [crawl, curate_dataset, build_corpus, pretrain, train_skill, publish_release]
