"""Launches a job of a running Dagster UI as the browser does, and waits for its end."""

from __future__ import annotations

import json
import time
from typing import Any
from urllib.error import URLError
from urllib.request import Request, urlopen

LAUNCH = """
mutation ($job: String!, $tags: [ExecutionTag!]!) {
  launchRun(executionParams: {
    selector: {repositoryLocationName: "pipelines.definitions", repositoryName: "__repository__", jobName: $job},
    mode: "default", runConfigData: {}, executionMetadata: {tags: $tags}
  }) { __typename ... on LaunchRunSuccess { run { runId } } ... on PythonError { message } }
}"""
STATUS = "query ($id: ID!) { runOrError(runId: $id) { ... on Run { status } } }"
ENDS = ("SUCCESS", "FAILURE", "CANCELED")


def run_job(address: str, job: str, partition: str | None = None, patience_s: float = 180) -> str:
    """Returns how the run ended: SUCCESS, FAILURE or CANCELED.

    Raises:
        RuntimeError: it could not be launched.
        TimeoutError: it has not ended in time.
    """
    tags = [{"key": "dagster/partition", "value": partition}] if partition else []
    launched = ask(address, LAUNCH, job=job, tags=tags)["launchRun"]
    if launched["__typename"] != "LaunchRunSuccess":
        raise RuntimeError(f"{job} could not be launched: {launched}")
    deadline = time.monotonic() + patience_s
    while (status := ask(address, STATUS, id=launched["run"]["runId"])["runOrError"]["status"]) not in ENDS:
        if time.monotonic() > deadline:
            raise TimeoutError(f"{job} is still {status}")
        time.sleep(0.2)
    return status


def ask(address: str, query: str, patience_s: float = 120, **variables: Any) -> dict[str, Any]:
    """Returns the data of a GraphQL answer, waiting for the server to start."""
    body = json.dumps({"query": query, "variables": variables}).encode()
    request = Request(f"{address}/graphql", body, {"Content-Type": "application/json"})
    deadline = time.monotonic() + patience_s
    while True:
        try:
            with urlopen(request, timeout=60) as answer:
                return json.load(answer)["data"]
        except (URLError, OSError):
            if time.monotonic() > deadline:
                raise
            time.sleep(1)
