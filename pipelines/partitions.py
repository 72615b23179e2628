"""Partitions: one per dataset, one per skill. They never depend on each other partition to partition; `skill_index` stands between."""

import dagster as dg

DATASETS = dg.DynamicPartitionsDefinition(name="dataset")
SKILLS = dg.DynamicPartitionsDefinition(name="skill")


def sync_partitions(instance: dg.DagsterInstance, definition: dg.DynamicPartitionsDefinition, keys: list[str]) -> None:
    """Makes the partition keys of `definition` exactly `keys`: new ones are added, ones that are gone are removed."""
    name = str(definition.name)
    known = set(instance.get_dynamic_partitions(name))
    if new := sorted(set(keys) - known):
        instance.add_dynamic_partitions(name, new)
    for key in known - set(keys):
        instance.delete_dynamic_partition(name, key)
