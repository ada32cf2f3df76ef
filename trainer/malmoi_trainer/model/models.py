"""The model a run starts from, in memory: read from a folder, or made from scratch."""

import contextlib
from collections.abc import Iterator
from typing import Any

import torch
from transformers import AutoConfig, AutoModelForCausalLM, LlamaConfig
from transformers.utils import logging as library_logging

from malmoi_trainer.config import ModelConfig
from malmoi_trainer.model.suitability import FAMILY, not_llama
from malmoi_trainer.model.tokenizer import ExtendedTokenizer

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


def load_model(folder: str) -> Any:
    """A causal language model in the type it was saved in, on the CPU.

    Raises:
        UsageError: not of the Llama family, whose layout and attention are what is tested here.
    """
    family = AutoConfig.from_pretrained(folder, local_files_only=True).model_type
    if family != FAMILY:
        raise not_llama(folder, family)
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
        bos_token_id=tokenizer.bos,
        eos_token_id=tokenizer.eos,
        pad_token_id=tokenizer.pad,
    )
    return AutoModelForCausalLM.from_config(config, dtype=torch.float32, attn_implementation=ATTENTION)
