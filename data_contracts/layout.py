"""Where each thing lives in the lake: path arithmetic only, no reading and no writing.

<home>/                        DEFTWORKS_HOME, default .deftworks/
  source_listing/              every candidate dataset of the configured sources
  crawl/<dataset>.json         what became of a dataset of a remote source when it was last tried
  hub/<dataset>/<sha>/         what was fetched from the Hub, verified
  raw/<dataset>/               where the dataset lies, at which revision (linked, never copied)
  findings/<dataset>/          findings, episode verdicts, dataset verdict
  normalised/<dataset>/        LeRobot v3.0
  camera_roles/<dataset>/      which camera is the wrist, the top, the side
  task_labels/<dataset>/       one instruction per episode
  fingerprints/<dataset>/      one row per episode
  duplicates/                  clusters over all datasets
  corpus/                      manifest.json: who is in, who is out, why
  skill_index/                 which episodes teach which skill
  policies/base/               the pretrained policy
  policies/<skill>/            its fine-tune
  evaluations/<skill>/         rollouts: counts, interval, videos
  packs/<skill>/<version>/     signed skill packs
  releases/<number>/           catalogue; releases/CURRENT names the one that is shown
  contributions/<id>/          uploads: quarantine, verdict, accepted episodes
  community/                   the sample community that `deftworks demo` records
  shop.db                      people, orders and the ledger, unless DEFTWORKS_DATABASE says otherwise
  payments/                    test money of the local payment server
  downloads/                   packs as one file each, made when first asked for
  keys/                        signing key of this shop, pinned public keys, key of download links
  dagster/                     the Dagster instance
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

HOME_VARIABLE = "DEFTWORKS_HOME"
DEFAULT_HOME = ".deftworks"


@dataclass(frozen=True)
class Lake:
    """Paths below one home folder. Nothing is created by asking for a path."""

    home: Path

    @staticmethod
    def at(home: str | Path | None = None) -> Lake:
        """Returns the lake at `home`, or at DEFTWORKS_HOME, or at `.deftworks` here."""
        return Lake(Path(home or os.environ.get(HOME_VARIABLE) or DEFAULT_HOME).absolute())

    @property
    def source_listing(self) -> Path:
        return self.home / "source_listing"

    def crawl_record(self, dataset_id: str) -> Path:
        return self.home / "crawl" / f"{dataset_id}.json"

    def hub(self, dataset_id: str) -> Path:
        return self.home / "hub" / dataset_id

    def raw(self, dataset_id: str) -> Path:
        return self.home / "raw" / dataset_id

    def findings(self, dataset_id: str) -> Path:
        return self.home / "findings" / dataset_id

    def normalised(self, dataset_id: str) -> Path:
        return self.home / "normalised" / dataset_id

    def camera_roles(self, dataset_id: str) -> Path:
        return self.home / "camera_roles" / dataset_id

    def task_labels(self, dataset_id: str) -> Path:
        return self.home / "task_labels" / dataset_id

    def fingerprints(self, dataset_id: str) -> Path:
        return self.home / "fingerprints" / dataset_id

    @property
    def duplicates(self) -> Path:
        return self.home / "duplicates"

    @property
    def corpus(self) -> Path:
        return self.home / "corpus"

    @property
    def skill_index(self) -> Path:
        return self.home / "skill_index"

    @property
    def mixture(self) -> Path:
        return self.home / "pretraining_mixture"

    @property
    def base_policy(self) -> Path:
        return self.home / "policies" / "base"

    def skill_policy(self, skill_id: str) -> Path:
        return self.home / "policies" / skill_id

    def evaluation(self, skill_id: str) -> Path:
        return self.home / "evaluations" / skill_id

    def pack(self, skill_id: str, version: str) -> Path:
        return self.packs(skill_id) / version

    def packs(self, skill_id: str) -> Path:
        return self.home / "packs" / skill_id

    @property
    def releases(self) -> Path:
        return self.home / "releases"

    @property
    def contributions(self) -> Path:
        return self.home / "contributions"

    @property
    def community(self) -> Path:
        return self.home / "community"

    @property
    def keys(self) -> Path:
        return self.home / "keys"

    @property
    def dagster(self) -> Path:
        return self.home / "dagster"
