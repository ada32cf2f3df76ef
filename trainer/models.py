"""The model a run starts from: read from a folder, or made from scratch."""

import contextlib
import os
from collections.abc import Iterator
from typing import Any

import torch
from huggingface_hub import snapshot_download
from transformers import AutoConfig, AutoModelForCausalLM, LlamaConfig
from transformers.utils import logging as library_logging

from pipelines.contracts import files
from pipelines.contracts.errors import UsageError
from pipelines.contracts.fingerprint import fingerprint_files
from trainer.config import ModelConfig
from trainer.inputs import ExtendedTokenizer

CREATED = "created"  # stands for the fingerprint of a model made from scratch: its config and seed are in the run's own
WEIGHTS = ("*.safetensors", "*.json")
ATTENTION = "sdpa"  # takes our block-diagonal mask on every device


@contextlib.contextmanager
def without_library_bars() -> Iterator[None]:
    """Keep transformers from drawing its progress bars between ours."""
    drawn = library_logging.is_progress_bar_enabled()
    library_logging.disable_progress_bar()
    try:
        yield
    finally:
        if drawn:
            library_logging.enable_progress_bar()


def find_model(model: str) -> str:
    """The local folder of a model, fetched from the hub if `model` is not one.

    Raises:
        UsageError: neither a folder with a config.json nor a name the hub knows.
    """
    if os.path.isfile(os.path.join(model, "config.json")):
        return model
    try:
        return str(snapshot_download(model, allow_patterns=list(WEIGHTS)))
    except (OSError, ValueError) as error:  # the hub's errors derive from these
        raise UsageError(
            f"model = {model!r} is neither a folder with a config.json nor a model that could be fetched "
            f"({type(error).__name__})."
        ) from None


def model_fingerprint(folder: str) -> str:
    """Fingerprint of a model folder: its configuration and weights."""
    names = sorted(os.listdir(folder))
    kept = [name for name in names if name.endswith(".safetensors") or name == "config.json"]
    return fingerprint_files(files.join(folder, name) for name in kept)


def load_model(folder: str) -> Any:
    """A causal language model in the type it was saved in, on the CPU.

    Raises:
        UsageError: not of the Llama family, whose layout and attention are what is tested here.
    """
    family = AutoConfig.from_pretrained(folder, local_files_only=True).model_type
    if family != "llama":
        raise UsageError(f"{folder} must be a model of the Llama family (model_type 'llama'). Got {family!r}.")
    return AutoModelForCausalLM.from_pretrained(
        folder, dtype="auto", attn_implementation=ATTENTION, use_safetensors=True, local_files_only=True
    )


def create_model(shape: ModelConfig, tokenizer: ExtendedTokenizer) -> Any:
    """A Llama model with random weights (torch's current seed) and the base tokenizer's vocabulary, float32."""
    config = LlamaConfig(
        vocab_size=tokenizer.base_size,
        hidden_size=shape.hidden_size,
        intermediate_size=shape.intermediate_size,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        num_key_value_heads=shape.kv_heads,
        max_position_embeddings=shape.context_length,
        tie_word_embeddings=False,
        bos_token_id=tokenizer.processor.bos_token_id,
        eos_token_id=tokenizer.processor.eos_token_id,
        pad_token_id=tokenizer.processor.pad_token_id,
    )
    return AutoModelForCausalLM.from_config(config, dtype=torch.float32, attn_implementation=ATTENTION)
