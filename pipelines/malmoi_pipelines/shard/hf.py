"""The files that make a folder of Arrow shards a Hugging Face dataset, written without the library."""

from typing import Any

import numpy as np
import orjson
import pyarrow as pa

from malmoi_pipelines.contracts import files
from malmoi_pipelines.contracts.manifest import FileInfo
from malmoi_pipelines.contracts.schemas import EXAMPLES


def example_schema(dtype: type[np.unsignedinteger]) -> pa.Schema:
    """The schema of a shard: `EXAMPLES` with ids of `dtype`, and the metadata `datasets` reads its features from."""
    schema = EXAMPLES.schema
    if dtype is not np.uint16:
        schema = schema.set(0, schema.field(0).with_type(pa.list_(pa.from_numpy_dtype(dtype))))
    return schema.with_metadata({"huggingface": orjson.dumps({"info": {"features": features(schema)}})})


def features(schema: pa.Schema) -> dict[str, Any]:
    """`datasets`' description of a schema of integers and lists of integers."""

    def feature(kind: pa.DataType) -> dict[str, Any]:
        if pa.types.is_list(kind):
            return {"feature": feature(kind.value_type), "_type": "List"}
        return {"dtype": str(kind), "_type": "Value"}

    return {field.name: feature(field.type) for field in schema}


def write_dataset_files(folder: str, shards: list[FileInfo], schema: pa.Schema, fingerprint: str) -> list[FileInfo]:
    """Write `state.json` and `dataset_info.json`, so that `datasets.load_from_disk(folder)` opens the shards."""
    state: dict[str, Any] = {
        "_data_files": [{"filename": info.path} for info in sorted(shards, key=lambda info: info.path)],
        "_fingerprint": fingerprint[:16],
        "_format_columns": None,
        "_format_kwargs": {},
        "_format_type": None,
        "_output_all_columns": False,
        "_split": "train",
    }
    description = {"citation": "", "description": "", "features": features(schema), "homepage": "", "license": ""}
    return [_write_json(folder, "state.json", state), _write_json(folder, "dataset_info.json", description)]


def _write_json(folder: str, name: str, value: dict[str, Any]) -> FileInfo:
    with files.atomic_write(files.join(folder, name)) as file:
        file.write(orjson.dumps(value, option=orjson.OPT_INDENT_2))
    return FileInfo.of_sink(name, file)
