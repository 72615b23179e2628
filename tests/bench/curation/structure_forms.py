"""How injections of structure are written down: of a dataset, of an episode, with values."""

from __future__ import annotations

from tests.bench.curation.injection import single


def with_values(inject, *values, **named):  # type: ignore[no-untyped-def]
    return lambda target: inject(target, *values, **named)


def of_dataset(code: str, form: str, inject, **more):  # type: ignore[no-untyped-def]
    return single(f"structure.{code}", form, inject, scope="dataset", **more)


def of_episode(code: str, form: str, inject, **more):  # type: ignore[no-untyped-def]
    return single(f"structure.{code}", form, inject, **more)
