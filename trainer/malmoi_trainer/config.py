"""Configuration of `malmoi train`."""

from typing import Literal

from malmoi_pipelines.contracts.config import Config
from pydantic import Field, field_validator, model_validator

from malmoi_trainer.model.trainable import TRAINABLE_SETS


class ModelConfig(Config):
    """The shape of a Llama model made from scratch, with the vocabulary of the base tokenizer.

    The default has about 4.4 M parameters with a base of 32,000 tokens, nearly all of them in the two tables: large
    enough to show a falling loss, small enough for a laptop.
    """

    hidden_size: int = Field(default=64, ge=2)
    """Width of the model: a multiple of twice `heads`."""
    layers: int = Field(default=4, ge=1)
    """Transformer blocks."""
    heads: int = Field(default=4, ge=1)
    """Attention heads of a layer."""
    kv_heads: int = Field(default=2, ge=1)
    """Heads of keys and values; fewer than `heads` is grouped-query attention."""
    intermediate_size: int = Field(default=192, ge=1)
    """Width of the feed-forward part of a layer."""
    context_length: int = Field(default=4096, ge=8)
    """Longest sequence in tokens."""

    @model_validator(mode="after")
    def _divides(self) -> "ModelConfig":
        if self.hidden_size % (2 * self.heads):  # rotary embeddings turn pairs of dimensions
            raise ValueError(f"hidden_size must be a multiple of 2 * heads, got {self.hidden_size} and {self.heads}")
        if self.heads % self.kv_heads:
            raise ValueError(f"heads must be a multiple of kv_heads, got {self.heads} and {self.kv_heads}")
        return self

    def parameters(self, vocabulary: int) -> int:
        """Parameters of such a model with two tables of this many rows.

        >>> ModelConfig().parameters(32_000 + 8_960)
        5440064
        """
        kv_size = self.hidden_size // self.heads * self.kv_heads
        attention = 2 * self.hidden_size * (self.hidden_size + kv_size)
        layer = attention + 3 * self.hidden_size * self.intermediate_size + 2 * self.hidden_size  # and two norms
        return 2 * vocabulary * self.hidden_size + self.layers * layer + self.hidden_size


class TrainConfig(Config):
    """What is trained, how long and on which device."""

    model: str | None = None
    """Folder or hub name of an untied Llama-family model with the base tokenizer's vocabulary (it is grown), or with
    the extended one (it is trained further). null: a model is made from `create`."""
    create: ModelConfig = ModelConfig()
    """The model made where `model` is null."""
    train_set: str = Field(default="kosolar", json_schema_extra={"enum": list(TRAINABLE_SETS)})
    """The parts that are trained; all others stay bit for bit as they are (`malmoi_trainer.model.trainable`)."""
    steps: int = Field(default=200, ge=1)
    """Optimizer steps."""
    batch_size: int = Field(default=8, ge=1)
    """Examples a step."""
    learning_rate: float = Field(default=1e-3, gt=0)
    """Peak learning rate. The default suits new rows of a small model; 1e-4 and less is usual at 10 B parameters."""
    warmup_steps: int = Field(default=10, ge=0)
    """Steps over which the learning rate rises linearly to its peak."""
    schedule: Literal["constant", "cosine"] = "cosine"
    """The learning rate after the warm-up; cosine falls to a tenth of the peak."""
    weight_decay: float = Field(default=0.0, ge=0)
    """AdamW's decay of the matrices of the layers. Rows of the two tables are never decayed."""
    grad_clip: float = Field(default=1.0, gt=0)
    """Largest L2 norm of the gradient of all trained parameters."""
    gradient_checkpointing: bool = False
    """Recompute the layers' activations in the backward pass: less memory, about a third more time."""
    seed: int = Field(default=0, ge=0)
    """Seed of the order of examples and of a model made from scratch."""
    log_every: int = Field(default=10, ge=1)
    """Steps for each row of the loss curve."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """auto: CUDA if there is a device. The result depends on the device, but a finished run is not repeated on another:
    its report says which made it. Name the device to bind a run to it."""
    dtype: Literal["auto", "float32", "bfloat16"] = "auto"
    """Type of the matrix products; trained parameters are always float32. auto: bfloat16 on CUDA, else float32."""
    cpu_threads: int = Field(default=4, ge=1)
    """Threads on the CPU. Fixed, because the number changes the order of sums and with it the last bits."""

    @field_validator("train_set")
    @classmethod
    def _known_set(cls, name: str) -> str:
        if name not in TRAINABLE_SETS:
            raise ValueError(f"must be one of {', '.join(TRAINABLE_SETS)}")
        return name

    @model_validator(mode="after")
    def _no_option_without_effect(self) -> "TrainConfig":
        if self.weight_decay and "layers" not in self.parts:
            raise ValueError(
                f"weight_decay = {self.weight_decay} has no effect: it applies to the layers, "
                f"and train_set {self.train_set!r} does not train them"
            )
        if self.model is not None and self.create != ModelConfig():
            raise ValueError("create has no effect where model is given: set one of the two")
        if self.warmup_steps > self.steps:
            raise ValueError(f"warmup_steps must be at most steps, got {self.warmup_steps} and {self.steps}")
        return self

    def no_model(self, vocabulary: int) -> str | None:
        """What a person must know where no model is named, with the size of the one made; None: one is named."""
        if self.model is not None:
            return None
        millions = self.create.parameters(vocabulary) / 1e6
        return (
            f"train.model names no model: one of {millions:.1f} M parameters with random weights is made. It shows "
            "that everything runs, and knows no language. To train a real one, name its folder or its name on the hub: "
            "train.model in a recipe, --set model=NAME for malmoi train"
        )

    @property
    def parts(self) -> frozenset[str]:
        """The parts of the model that are trained."""
        return TRAINABLE_SETS[self.train_set]
