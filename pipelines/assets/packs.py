"""From a policy with evidence to a signed pack, and from packs to what the shop shows."""

import dagster as dg

from data_contracts.manifests import ReleasePointer
from pipelines.assets.policies import skill_evaluation
from pipelines.failures import domain_failures
from pipelines.partitions import SKILLS
from pipelines.pictures import markdown_table
from pipelines.resources import LakeResource
from pipelines.versions import VERSIONS


@dg.asset(
    group_name="packs", partitions_def=SKILLS, deps=[skill_evaluation], code_version=VERSIONS["skill_pack"],
    check_specs=[dg.AssetCheckSpec("signature_verifies", asset="skill_pack", description="The pack verifies offline with the pinned key of this shop.")],
)  # fmt: skip
def skill_pack(context: dg.AssetExecutionContext, lake: LakeResource):
    """A signed version of the skill: weights, requirements, evidence, provenance. A new version only when something changed."""
    from pipelines.pack_stage import pack_skill, verify_newest

    skill = lake.skills.get(context.partition_key)
    with domain_failures():
        folder = pack_skill(lake.lake, skill)
        verified = verify_newest(lake.lake, folder)
    pack = verified.pack
    return dg.MaterializeResult(
        metadata={
            "version": pack.version,
            "pack_id": verified.pack_id,
            "path": str(folder),
            "size_bytes": verified.size_bytes,
            "contributors": markdown_table(
                [{"contributor": name, "frames": n} for name, n in pack.provenance.contributors.items()]
            ),
        },
        data_version=dg.DataVersion(verified.pack_id),
        check_results=[
            dg.AssetCheckResult(check_name="signature_verifies", passed=True, metadata={"key": verified.key_id})
        ],
    )


@dg.asset(group_name="packs", deps=[skill_pack], code_version=VERSIONS["catalogue_release"])
def catalogue_release(lake: LakeResource) -> dg.MaterializeResult:
    """What the shop shows: a new catalogue file, and then the pointer moved to it."""
    from marketplace.catalogue import build_release, open_catalogue
    from skill_packs.layout import newest_packs

    with domain_failures():
        packs = newest_packs(lake.lake, lake.skills.ids)
        pointer: ReleasePointer = build_release(lake.lake, packs)
        rows = open_catalogue(lake.lake).packs()
    shown = [
        {k: row[k] for k in ("skill_id", "version", "num_successes", "num_rollouts", "price_minor")} for row in rows
    ]
    return dg.MaterializeResult(
        metadata={"release": pointer.release, "num_packs": len(packs), "packs": markdown_table(shown)}
    )
