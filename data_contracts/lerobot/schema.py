"""Arrow schemas of what is written: data columns with the metadata that makes `datasets` read them as declared features.

The metadata is written by hand rather than by `datasets` or pandas, which need seconds to import and put their versions
into the file: the same data would give other bytes after an upgrade.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pyarrow as pa

from data_contracts.errors import ContractError
from data_contracts.lerobot.features import DEFAULT_FEATURES, Feature

IMAGE_TYPE = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
MAX_AXES = 5
_DTYPES = ("float32", "int64", "int32", "int16", "int8", "uint8", "uint16", "uint32", "uint64", "bool", "string")


def written_dtype(feature: Feature) -> str:
    """Returns the dtype that a feature is written with: floats become float32. Raises ContractError."""
    dtype = "float32" if feature.dtype in ("float64", "float16") else feature.dtype
    if not feature.is_visual and dtype not in _DTYPES:
        raise ContractError(
            f"Feature {feature.key!r} has dtype {feature.dtype!r}, which is not written.",
            hint=f"Known: {', '.join(_DTYPES)}, image, video.",
        )
    return dtype


def data_schema(features: Mapping[str, Feature]) -> pa.Schema:
    """Returns the schema of the data files: every feature but videos, then the default columns."""
    fields, declared = [], {}
    for key, feature in stored_features(features).items():
        kind, huggingface = _column(feature)
        fields.append(pa.field(key, kind, metadata=_extension(huggingface)))
        declared[key] = huggingface
    metadata = json.dumps({"info": {"features": declared}})
    return pa.schema(fields, metadata={"huggingface": metadata})


def stored_features(features: Mapping[str, Feature]) -> dict[str, Feature]:
    """Returns the features that have a column, in the order of the columns."""
    columns = {key: feature for key, feature in features.items() if not feature.is_video}
    return columns | {key: Feature(key, dtype, (1,)) for key, dtype in DEFAULT_FEATURES.items()}


def column_of(values: np.ndarray, kind: pa.DataType) -> pa.Array:
    """Returns values (T, ...) as an Arrow array of type `kind`: axes after the first become lists."""
    if not pa.types.is_fixed_size_list(kind) and not pa.types.is_list(kind):
        return _scalars(values.reshape(len(values)), kind)
    inner = column_of(values.reshape(-1, *values.shape[2:]), kind.value_type)
    if pa.types.is_fixed_size_list(kind):
        return pa.FixedSizeListArray.from_arrays(inner, type=kind)
    offsets = np.arange(len(values) + 1, dtype=np.int32) * np.int32(values.shape[1])
    return pa.ListArray.from_arrays(_scalars(offsets, pa.int32()), inner, type=kind)


def texts(values: Iterable[str]) -> pa.Array:
    """Returns texts as an Arrow array, as `pa.array` does. That imports pandas, which takes 50 MiB."""
    builder = pa.lib.StringBuilder()
    builder.append_values(list(values))
    return builder.finish()


def _scalars(values_T: np.ndarray, kind: pa.DataType) -> pa.Array:
    if pa.types.is_boolean(kind) and values_T.dtype == bool:
        return _scalars(values_T.view(np.uint8), pa.uint8()).cast(kind)
    if not pa.types.is_primitive(kind) or values_T.dtype != kind.to_pandas_dtype():
        return pa.array(values_T, type=kind)
    return pa.Array.from_buffers(kind, len(values_T), [None, pa.py_buffer(np.ascontiguousarray(values_T))])


def tasks_table(tasks: list[str]) -> pa.Table:
    """Returns the task table, its texts marked as the pandas index: without the mark LeRobot reads row numbers as texts."""
    columns = [
        {
            "name": "task_index",
            "field_name": "task_index",
            "pandas_type": "int64",
            "numpy_type": "int64",
            "metadata": None,
        },
        {"name": "task", "field_name": "task", "pandas_type": "unicode", "numpy_type": "object", "metadata": None},
    ]
    unnamed = {
        "name": None,
        "field_name": None,
        "pandas_type": "unicode",
        "numpy_type": "object",
        "metadata": {"encoding": "UTF-8"},
    }
    pandas = {"index_columns": ["task"], "column_indexes": [unnamed], "columns": columns, "pandas_version": "2.3.3"}
    schema = pa.schema([("task_index", pa.int64()), ("task", pa.string())], metadata={"pandas": json.dumps(pandas)})
    return pa.table([column_of(np.arange(len(tasks)), pa.int64()), texts(tasks)], schema=schema)


def _extension(huggingface: Mapping[str, Any]) -> dict[str, str] | None:
    """Returns the mark of an Arrow extension type, under which `datasets` stores arrays of two axes or more."""
    if "shape" not in huggingface:
        return None
    return {
        "ARROW:extension:name": f"datasets.features.features.{huggingface['_type']}ExtensionType",
        "ARROW:extension:metadata": json.dumps([huggingface["shape"], huggingface["dtype"]]),
    }


def _column(feature: Feature) -> tuple[pa.DataType, dict[str, Any]]:
    """Returns the Arrow type of a column and its description in the terms of `datasets.Features`."""
    if feature.is_visual:
        return IMAGE_TYPE, {"_type": "Image"}
    dtype = written_dtype(feature)
    scalar = {"bool": pa.bool_(), "string": pa.string()}.get(dtype) or pa.from_numpy_dtype(dtype)
    value = {"dtype": dtype, "_type": "Value"}
    if feature.shape in ((), (1,)):
        return scalar, value
    if len(feature.shape) == 1:
        return pa.list_(scalar, feature.shape[0]), {"feature": value, "length": feature.shape[0], "_type": "List"}
    if len(feature.shape) > MAX_AXES:
        raise ContractError(f"Feature {feature.key!r} has {len(feature.shape)} axes.", hint=f"At most {MAX_AXES}.")
    kind = scalar
    for _ in feature.shape:
        kind = pa.list_(kind)
    return kind, {"shape": list(feature.shape), "dtype": dtype, "_type": f"Array{len(feature.shape)}D"}
