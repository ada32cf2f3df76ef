"""Real Korean text: counting its units and then their tokens is encoding it, for every id."""

import numpy as np
import pyarrow.parquet as pq
import pytest
from malmoi_pipelines.clean.stage import clean
from malmoi_pipelines.count.config import CountConfig
from malmoi_pipelines.count.stage import count
from malmoi_pipelines.count_tokens.config import CountTokensConfig
from malmoi_pipelines.count_tokens.stage import count_tokens, read_token_counts
from malmoi_pipelines.engine.options import RunOptions
from malmoi_pipelines.tokenizers.opening import open_encoder

from malmoi.recipe import load_recipe
from tests.end_to_end import ROOT, base_model, policies
from tests.pipelines.small_tokenizers import byte_level

pytestmark = pytest.mark.slow
RUN = RunOptions(workers=2)


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    return tmp_path_factory.mktemp("real")


def cleaned(real_text, folder):
    """Novels, sentence pairs, two files of documentation and half of the reviews: 60 MB."""
    reviews = [f"movie-reviews/part-0000{number}.jsonl.zst" for number in (0, 1)]
    inputs = [real_text / name for name in ("novels", "parallel", "docs-ko", *reviews)]
    settings = load_recipe(str(ROOT / "malmoi" / "recipes" / "korean-real.yaml"), [])
    config = policies(settings.clean, ["docs-ko", "parallel"])
    return clean([str(path) for path in inputs], str(folder / "docs"), config, RUN)


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("units", ["metaspace", "byte-level"])
def test_counts_are_those_of_encoding_the_corpus(real_text, out, units):
    docs = cleaned(real_text, out)  # once: the second time it is skipped
    words = count([docs.folder], str(out / units), CountConfig(units=units, partition_bytes=10_000_000), RUN)
    path = base_model() if units == "metaspace" else byte_level(out / "tokenizer.json", ignore_merges=True)
    counts = read_token_counts(
        count_tokens([words.folder], path, str(out / f"{units}-tokens"), CountTokensConfig(), RUN).folder
    )
    encoder, num_bytes = open_encoder(path), 0
    expected = np.zeros(encoder.vocab_size, np.int64)
    for info in docs.manifest.table_files():
        for batch in pq.ParquetFile(f"{docs.folder}/{info.path}").iter_batches(batch_size=2000, columns=["text"]):
            texts = batch.column("text").to_pylist()
            num_bytes += sum(len(text.encode()) for text in texts)
            ids = np.concatenate([np.array(found, np.int64) for found in encoder.encode(texts)])
            expected += np.bincount(ids, minlength=encoder.vocab_size)
    for index in (encoder.bos, encoder.eos):
        if index is not None:
            expected[index] = 0
    assert num_bytes > 50_000_000
    assert np.flatnonzero(counts != expected).tolist() == []
