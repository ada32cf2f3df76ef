"""Which parts of the model a training run moves. Data only: a new schedule is a new row here, not new code."""

PARTS = ("in_old", "in_new", "out_old", "out_new", "layers")
"""Old and new rows of the input embedding and of the output head, and all the rest (attention, MLP, norms)."""

TRAINABLE_SETS: dict[str, frozenset[str]] = {
    # KoSOLAR-v0.2: the layers and the old input rows stay as they are; its authors found that training the old output
    # rows helps. It is EEVE's fifth stage alone.
    "kosolar": frozenset({"in_new", "out_old", "out_new"}),
    # The seven stages of EEVE (arXiv 2402.14714). The paper does its sixth with QLoRA; here all weights are trained.
    "eeve-1": frozenset({"in_new"}),
    "eeve-2": frozenset({"out_new"}),
    "eeve-3": frozenset({"in_new", "out_new"}),
    "eeve-4": frozenset({"out_old", "out_new"}),
    "eeve-5": frozenset({"in_new", "out_old", "out_new"}),
    "eeve-6": frozenset(PARTS),
    "eeve-7": frozenset({"layers"}),
}
