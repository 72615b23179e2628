"""What a person does in the Dagster UI: the real servers, started as `deftworks dagster`, asked as the browser asks them."""

import json
import time
from urllib.error import URLError
from urllib.request import Request, urlopen

import pytest

from data_contracts.layout import Lake
from data_contracts.manifests import DatasetVerdict
from pipelines.run import run_pipeline
from pipelines.settings import Settings, write_settings
from tools.serving import served

pytestmark = pytest.mark.journey
LAUNCH = """
mutation ($job: String!, $tags: [ExecutionTag!]!) {
  launchRun(executionParams: {
    selector: {repositoryLocationName: "pipelines.definitions", repositoryName: "__repository__", jobName: $job},
    mode: "default", runConfigData: {}, executionMetadata: {tags: $tags}
  }) { __typename ... on LaunchRunSuccess { run { runId } } ... on PythonError { message } }
}"""
STATUS = "query ($id: ID!) { runOrError(runId: $id) { ... on Run { status } } }"


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


def ask(address: str, query: str, patience_s: float = 120, **variables):
    """Returns the data of a GraphQL answer, waiting for the server to start."""
    body = json.dumps({"query": query, "variables": variables}).encode()
    request = Request(f"{address}/graphql", body, {"Content-Type": "application/json"})
    deadline = time.monotonic() + patience_s
    while True:
        try:
            with urlopen(request, timeout=30) as answer:
                return json.load(answer)["data"]
        except (URLError, OSError):
            if time.monotonic() > deadline:
                raise
            time.sleep(1)


def finished(address: str, run_id: str, patience_s: float = 180) -> str:
    deadline = time.monotonic() + patience_s
    while (status := ask(address, STATUS, id=run_id)["runOrError"]["status"]) not in ("SUCCESS", "FAILURE", "CANCELED"):
        assert time.monotonic() < deadline, f"run {run_id} is still {status}"
        time.sleep(1)
    return status


def test_one_dataset_is_run_again_alone(lake, address, tiny_community):
    """An operator mended a dataset and re-runs just that partition: its verdict changes, the others stay."""
    dataset = "lab-a__pick-cube"
    (tiny_community / dataset / "README.md").write_text("---\nlicense: cc-by-nc-4.0\n---\n")
    verdicts = {p.name: (p / "verdict.json").stat().st_mtime_ns for p in (lake.home / "findings").iterdir()}
    for job, tags in [("crawl", []), ("curate_dataset", [{"key": "dagster/partition", "value": dataset}])]:
        launched = ask(address, LAUNCH, job=job, tags=tags)["launchRun"]
        assert launched["__typename"] == "LaunchRunSuccess", launched
        assert finished(address, launched["run"]["runId"]) == "SUCCESS"
    codes = {f.code for f in DatasetVerdict.read(lake.findings(dataset) / "verdict.json").findings}
    assert "provenance.licence_restricts" in codes
    changed = {
        p.name
        for p in (lake.home / "findings").iterdir()
        if (p / "verdict.json").stat().st_mtime_ns != verdicts[p.name]
    }
    assert changed == {dataset}
