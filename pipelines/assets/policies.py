"""From the corpus to policies and their evidence. Nothing here is started by automation: training is launched on purpose."""

from pathlib import Path
from typing import Any

import dagster as dg

from data_contracts.catalogue import ROLLOUTS
from data_contracts.manifests import EvaluationReport, TrainingRun
from data_contracts.stages import file_sha256, run_stage
from pipelines.assets.corpus import pretraining_mixture, skill_index
from pipelines.failures import domain_failures
from pipelines.instance import GPU_POOL
from pipelines.partitions import SKILLS
from pipelines.pictures import loss_plot, markdown_table
from pipelines.progress import teller
from pipelines.resources import LakeResource
from pipelines.training_launch import TrainingBudget, launch_training
from pipelines.training_stage import read_curve
from pipelines.versions import VERSIONS


@dg.asset(
    group_name="policies", deps=[pretraining_mixture], code_version=VERSIONS["base_policy"], pool=GPU_POOL,
    check_specs=[dg.AssetCheckSpec("base_loss_went_down", asset="base_policy", description="The last loss is finite and below the first.")],
)  # fmt: skip
def base_policy(context: dg.AssetExecutionContext, config: TrainingBudget, lake: LakeResource):
    """SmolVLA, pretrained over the whole mixture, in a process of its own."""
    recipe = lake.settings.base_recipe
    is_cached = launch_training(context, lake.lake, recipe, None, config, teller("base", context.log.info))
    return _training_result(lake.lake.base_policy, is_cached, "base_loss_went_down")


@dg.asset(
    group_name="policies", partitions_def=SKILLS, deps=[base_policy, skill_index], code_version=VERSIONS["skill_policy"],
    pool=GPU_POOL,
    check_specs=[dg.AssetCheckSpec("skill_loss_went_down", asset="skill_policy", description="The last loss is finite and below the first.")],
)  # fmt: skip
def skill_policy(context: dg.AssetExecutionContext, config: TrainingBudget, lake: LakeResource):
    """The base policy, fine-tuned on the episodes of one skill, in a process of its own."""
    skill = context.partition_key
    with domain_failures():
        recipe = lake.skills.get(skill).recipe
    is_cached = launch_training(context, lake.lake, recipe, skill, config, teller(skill, context.log.info))
    return _training_result(lake.lake.skill_policy(skill), is_cached, "skill_loss_went_down")


@dg.asset(
    group_name="policies", partitions_def=SKILLS, deps=[skill_policy], code_version=VERSIONS["skill_evaluation"],
    check_specs=[
        dg.AssetCheckSpec("beats_doing_nothing", asset="skill_evaluation",
                          description="The lower end of the interval lies above the baseline's rate."),
    ],
)  # fmt: skip
def skill_evaluation(context: dg.AssetExecutionContext, lake: LakeResource):
    """Rollouts in simulation beside a do-nothing baseline, on starts that no demonstration used."""
    from pipelines.evaluation_stage import evaluate_into

    skill = lake.skills.get(context.partition_key)
    folder = lake.lake.evaluation(skill.id)
    policy = lake.lake.skill_policy(skill.id) / "pretrained_model"
    with domain_failures():
        inputs = {
            "version": VERSIONS["skill_evaluation"],
            "weights": file_sha256(policy / "model.safetensors"),
            "evaluation": skill.evaluation.model_dump(),
        }
        result = run_stage(
            folder, inputs, lambda out: evaluate_into(out, skill, policy, teller(skill.id, context.log.info))
        )
        report = EvaluationReport.read(folder / "evaluation.json")
        rollouts = ROLLOUTS.read(folder / "rollouts.parquet")
    baseline = max((rate.rate for rate in report.baselines.values()), default=0.0)
    return dg.MaterializeResult(
        metadata={
            "success_rate": report.policy.rate,
            "num_successes": report.policy.num_successes,
            "num_rollouts": report.policy.num_rollouts,
            "interval": f"{report.policy.low:.2f} to {report.policy.high:.2f} (95% Wilson), in simulation",
            "baselines": markdown_table([{"baseline": k, **v.to_json()} for k, v in report.baselines.items()]),
            "rollouts": markdown_table(rollouts.drop("video").to_dicts()),
            "is_cached": result.is_cached,
        },
        check_results=[
            dg.AssetCheckResult(
                check_name="beats_doing_nothing",
                passed=report.policy.low > baseline,
                severity=dg.AssetCheckSeverity.WARN,
                metadata={"low": report.policy.low, "baseline": baseline},
            )
        ],
    )


def _training_result(folder: Path, is_cached: bool, check: str) -> dg.MaterializeResult:
    run = TrainingRun.read(folder / "training_run.json")
    metadata: dict[str, Any] = {
        "num_steps": run.num_steps,
        "num_episodes": len(run.episodes),
        "num_frames": run.num_frames,
        "final_loss": run.final_loss,
        "weights_sha256": run.weights_sha256,
        "loss": loss_plot(read_curve(folder)),
        "has_stalled": run.has_stalled,
        "is_cached": is_cached,
    }
    if run.validation:
        metadata |= {
            "num_held_out": len(run.held_out),
            "validation_loss": min(loss for _, loss in run.validation),
            "validation": loss_plot([loss for _, loss in run.validation]),
        }
    return dg.MaterializeResult(
        metadata=metadata,
        check_results=[
            dg.AssetCheckResult(
                check_name=check,
                passed=run.final_loss < run.first_loss,
                metadata={"first_loss": run.first_loss, "final_loss": run.final_loss},
            )
        ],
    )
