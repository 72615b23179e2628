"""Words that are wrong: task texts of single episodes, the dataset's name, its card.

The texts are written from what people publish, not from what the detectors know: some are meant to slip through.
"""

from __future__ import annotations

import re

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tests.bench.curation.copies import TASK_LINES, TASK_TABLE, read_lines, replace_table, rewrite, write_lines
from tests.bench.curation.injection import DoesNotFit, Target, graded, single

CARD = "README.md"


def _label(target: Target, texts: tuple[str, ...]) -> None:
    """The episode is labelled with one of the texts, which joins the table of tasks."""
    copy, text = target.copy, str(target.rng.choice(np.array(texts)))
    row = copy.episodes[target.episode]
    number = _add_task(target, text)
    row["tasks"] = [text]
    copy.write_episodes()
    rows = target.rows()
    target.set_rows(rows | {"task_index": np.full(len(rows["task_index"]), number)})


def _add_task(target: Target, text: str) -> int:
    copy = target.copy
    if not copy.is_v3:
        lines = read_lines(copy.root / TASK_LINES)
        for line in lines:
            if line["task"] == text:
                return int(line["task_index"])
        number = len(lines)
        write_lines(copy.root / TASK_LINES, [*lines, {"task_index": number, "task": text}])
    else:
        path = copy.root / TASK_TABLE
        table = pq.read_table(path)
        known = table["task"].to_pylist()
        if text in known:
            return int(table["task_index"].to_pylist()[known.index(text)])
        number = table.num_rows
        columns = {"task": [*known, text], "task_index": [*table["task_index"].to_pylist(), number]}
        arrays = [pa.array(columns[name], table.schema.field(name).type) for name in table.column_names]
        replace_table(path, pa.table(arrays, schema=table.schema))
    copy.info["total_tasks"] = number + 1
    copy.write_info()
    return number


def _texts(code: str, form: str, *texts: str):  # type: ignore[no-untyped-def]
    return graded(code, form, [("-", texts)], _label)


def _renamed(target: Target, patterns: tuple[str, ...]) -> str:
    contributor, _, name = target.name.partition("__")
    return f"{contributor}__{str(target.rng.choice(np.array(patterns))).format(name)}"


def _card(target: Target, change) -> None:  # type: ignore[no-untyped-def]
    path = target.copy.root / CARD
    if not path.is_file():
        raise DoesNotFit("no card")
    rewrite(path, change(path.read_text(encoding="utf-8")))


def _without_licence(target: Target) -> None:
    _card(target, lambda text: re.sub(r"(?m)^license:.*\n", "", text))


def _licence(target: Target, licences: tuple[str, ...]) -> None:
    chosen = str(target.rng.choice(np.array(licences)))
    _card(target, lambda text: re.sub(r"(?m)^license:.*$", f"license: {chosen}", text))


def _simulated(target: Target, form: str) -> str:
    """All says of itself that it is real, but for what `form` leaves. The pictures are of a simulator all the same."""
    front = "---\nlicense: apache-2.0\ntask_categories:\n- robotics\ntags:\n- LeRobot\n{tags}---\n\n# Recordings\n\n{prose}\n"
    tags = "- sim\n" if form == "tag" else ""
    prose = "Recorded with our arm." if form != "prose" else "Recorded in MuJoCo with a scripted expert."
    rewrite(target.copy.root / CARD, front.format(tags=tags, prose=prose))
    contributor = target.name.partition("__")[0]
    return f"{contributor}__{'mujoco_' if form == 'name' else ''}recordings"


DATASET = {"scope": "dataset"}
INJECTIONS = (
    *_texts("text.empty_task", "nothing to read", "", " ", "\n"),
    *_texts("text.placeholder_task", "known templates", "task", "TODO", "<task description>", "my task", "Task 3"),
    *_texts("text.placeholder_task", "templates as people bend them",
            "insert task here", "my_task", "describe the task the robot should do", "some task", "task_description", "xyz", "qwerty"),
    *_texts("text.tutorial_default", "as documented",
            "Grasp a lego block and put it in the bin.", "Grab the black cube", "Grab and handover the red cube to the other arm"),
    *_texts("text.tutorial_default", "nearly as documented", "grasp a lego block and put it in the bin", "GRAB THE BLACK CUBE!", "Grasp a LEGO block, and put it in the bin"),
    *_texts("text.not_an_instruction", "verdicts and identifiers", "success", "ep_0003", "2024-11-03", "42", "failed"),
    *_texts("text.not_an_instruction", "notes of a person", "good demo", "second try, better light", "recorded on friday by Anna", "bad lighting", "camera 2 moved"),
    *graded("provenance.policy_rollout", "name", [("-", ("eval_{}", "{}_eval", "eval_act_{}", "{}-rollouts", "{}-inference"))], _renamed, **DATASET),
    *graded("provenance.policy_rollout", "name of a policy", [("-", ("act_{}", "{}-smolvla-run2", "pi0_{}_autonomous"))], _renamed, **DATASET),
    *graded("provenance.test_repository", "name", [("-", ("test", "{}_test", "my-test-3", "debug_{}", "so100_test2", "tmp"))], _renamed, **DATASET),
    *graded("provenance.test_repository", "name, less plainly", [("-", ("asdf", "aaa", "try1", "foo", "delete_me_later", "new_dataset"))], _renamed, **DATASET),
    single("provenance.licence_absent", "no licence in the card", _without_licence, **DATASET),
    *graded("provenance.licence_restricts", "licence", [("-", ("cc-by-nc-4.0", "cc-by-nc-sa-4.0", "cc-by-nd-4.0", "other", "gpl-noncommercial"))], _licence, **DATASET),
    *(
        injection
        for form, left in (("the name", "name"), ("a tag", "tag"), ("the card's prose", "prose"), ("the pictures", "pictures"))
        for injection in graded("provenance.simulation", f"passed as real but for {form}", [("-", left)], _simulated, **DATASET)
    ),
)  # fmt: skip
