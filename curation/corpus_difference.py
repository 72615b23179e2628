"""Two corpora compared: which datasets and episodes came, went or changed, and why.

What does not belong here: where manifests lie (`deftworks.corpora`).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from data_contracts.identifiers import episode_id
from data_contracts.manifests import CorpusDataset, CorpusEpisode, CorpusManifest, Manifest

Kind = Literal["added", "removed", "changed"]


class Change(Manifest):
    """One dataset or episode: what became of it, and why in words. An episode is `added` or `removed` as one that is kept."""

    id: str
    kind: Kind
    why: str


class Difference(Manifest):
    """What leads from one corpus to another. Empty lists where the hashes agree."""

    old_hash: str
    new_hash: str
    datasets: tuple[Change, ...]
    episodes: tuple[Change, ...]


def compare(old: CorpusManifest, new: CorpusManifest) -> Difference:
    """Returns the changes from `old` to `new`, sorted by id."""
    datasets = tuple(_datasets(old, new))
    return Difference(
        old_hash=old.digest(),
        new_hash=new.digest(),
        datasets=datasets,
        episodes=tuple(_episodes(old, new, {change.id: change for change in datasets})),
    )


def _datasets(old: CorpusManifest, new: CorpusManifest) -> Iterator[Change]:
    before, after = ({d.dataset: d for d in corpus.datasets} for corpus in (old, new))
    for name in sorted(before | after):
        if name not in after:
            yield Change(id=name, kind="removed", why=f"not listed any more; it was {before[name].state}")
        elif name not in before:
            yield Change(id=name, kind="added", why=_state(after[name]))
        elif before[name] != after[name]:
            yield Change(id=name, kind="changed", why="; ".join(_dataset_changes(before[name], after[name])))


def _dataset_changes(old: CorpusDataset, new: CorpusDataset) -> Iterator[str]:
    if old.state != new.state:
        yield f"{old.state} -> {_state(new)}"
    elif old.reason != new.reason:
        yield f"reason: {old.reason or 'none'} -> {new.reason or 'none'}"
    if old.revision != new.revision:
        yield f"revision {_short(old.revision)} -> {_short(new.revision)}"
    for name in (
        "contributor",
        "licence",
        "robot_type",
        "num_episodes",
        "num_frames",
        "num_episodes_kept",
        "num_frames_kept",
    ):
        was, now = getattr(old, name), getattr(new, name)
        if was != now:
            yield f"{name} {was} -> {now}"
    yield from _findings(old, new)


def _episodes(old: CorpusManifest, new: CorpusManifest, datasets: dict[str, Change]) -> Iterator[Change]:
    before, after = ({(e.dataset, e.episode_index): e for e in corpus.episodes} for corpus in (old, new))
    for key in sorted(before.keys() | after.keys()):
        was, now = before.get(key), after.get(key)
        if was == now:
            continue
        is_added = now is not None and now.is_kept and not (was and was.is_kept)
        is_removed = was is not None and was.is_kept and not (now and now.is_kept)
        if was and now:
            why = "; ".join(_episode_changes(was, now))
        elif is_added or is_removed:
            why = f"its dataset: {datasets[key[0]].why}" if key[0] in datasets else "its dataset changed"
        else:
            continue  # one that was never kept came or went with its dataset
        yield Change(id=episode_id(*key), kind="added" if is_added else "removed" if is_removed else "changed", why=why)


def _episode_changes(old: CorpusEpisode, new: CorpusEpisode) -> Iterator[str]:
    if old.reason != new.reason:
        yield f"{old.reason or 'kept'} -> {new.reason or 'kept'}"
    if old.episode_hash != new.episode_hash:
        yield "other data"
    elif old.written_hash != new.written_hash:
        yield "normalised to other values"
    for name in ("num_frames", "split", "label"):
        was, now = getattr(old, name), getattr(new, name)
        if was != now:
            yield f"{name} {was!r} -> {now!r}"
    if old.cluster_id != new.cluster_id:
        yield "another cluster of copies"
    yield from _findings(old, new)


def _findings(old: CorpusDataset | CorpusEpisode, new: CorpusDataset | CorpusEpisode) -> Iterator[str]:
    was, now = {**old.integrity, **old.task_evidence}, {**new.integrity, **new.task_evidence}
    for code in sorted(was.keys() | now.keys()):
        if was.get(code) != now.get(code):
            yield f"{code} {was.get(code, 'absent')} -> {now.get(code, 'absent')}"


def _state(dataset: CorpusDataset) -> str:
    return dataset.state if dataset.reason is None else f"{dataset.state}: {dataset.reason}"


def _short(revision: str | None) -> str:
    return "none" if revision is None else revision[:19]
