"""Checkpoints: plain Hugging Face model folders, which know nothing of split tables."""

import os
import shutil
from typing import Any

from malmoi_pipelines.contracts import files

from malmoi_trainer.data.inputs import TOKENIZER_FILES

OPTIONAL_FILES = ("tokenizer.model", "special_tokens_map.json", "chat_template.jinja")
SHARD_SIZE = "5GB"  # the hub's usual size of one weights file


def save_checkpoint(model: Any, tokenizer_folder: str, scratch: str, target: str) -> list[str]:
    """Write a merged model and its tokenizer as one folder that appears whole or not at all.

    Args:
        model: the model after `merge`.
        tokenizer_folder: local; its files are copied byte for byte, since saving through a library rebuilds them.
        scratch: a folder on the same disk as `target`, where it is written first.
        target: the folder to make.

    Returns:
        The names of the files in it, sorted.
    """
    model.save_pretrained(scratch, max_shard_size=SHARD_SIZE)
    for name in (*TOKENIZER_FILES, *OPTIONAL_FILES):
        source = files.join(tokenizer_folder, name)
        if os.path.exists(source):
            shutil.copyfile(source, files.join(scratch, name))
    os.rename(scratch, target)
    return sorted(os.listdir(target))
