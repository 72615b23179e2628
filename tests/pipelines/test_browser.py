"""What a person does in the Dagster UI: the real servers, started as `deftworks dagster`, asked as the browser asks them."""

import pytest

from data_contracts.layout import Lake
from data_contracts.manifests import DatasetVerdict
from pipelines.run import run_pipeline
from pipelines.settings import Settings, write_settings
from tools.dagster_jobs import run_job
from tools.serving import served

pytestmark = pytest.mark.journey


@pytest.fixture
def lake(tmp_path, tiny_community) -> Lake:
    lake = Lake.at(tmp_path / "lake")
    write_settings(lake, Settings(sources=(f"folder:{tiny_community}",)))
    run_pipeline(lake, "corpus")
    return lake


@pytest.fixture
def address(lake):
    with served("dagster", lake) as address:
        yield address


def test_one_dataset_is_run_again_alone(lake, address, tiny_community):
    """An operator mended a dataset and re-runs just that partition: its verdict changes, the others stay."""
    dataset = "lab-a__pick-cube"
    (tiny_community / dataset / "README.md").write_text("---\nlicense: cc-by-nc-4.0\n---\n")
    verdicts = {p.name: (p / "verdict.json").stat().st_mtime_ns for p in (lake.home / "findings").iterdir()}
    assert run_job(address, "crawl") == "SUCCESS"
    assert run_job(address, "curate_dataset", dataset) == "SUCCESS"
    codes = {f.code for f in DatasetVerdict.read(lake.findings(dataset) / "verdict.json").findings}
    assert "provenance.licence_restricts" in codes
    changed = {
        p.name
        for p in (lake.home / "findings").iterdir()
        if (p / "verdict.json").stat().st_mtime_ns != verdicts[p.name]
    }
    assert changed == {dataset}
