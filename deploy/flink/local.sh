#!/usr/bin/env bash
# A small sample through the data stages on an embedded Flink. Needs Java and a job server jar.
#   deploy/flink/local.sh JAR OUT [FLINK_VERSION]
set -euo pipefail
jar=${1:?the Flink job server jar}; out=${2:?the output folder}; version=${3:-1.19}
flink=(--runner=FlinkRunner "--flink_master=[local]" "--flink_version=$version" "--flink_job_server_jar=$jar"
  --environment_type=LOOPBACK --parallelism=2)
malmoi sample --bytes 5MB --out "$out/raw"
malmoi clean "$out/raw/data" --out "$out/docs" "${flink[@]}"
malmoi dedupe "$out/docs" --out "$out/corpus" "${flink[@]}"
malmoi count "$out/corpus" --out "$out/words" "${flink[@]}"
malmoi expand "$out/words" --out "$out/tokenizer" --cutoff 20 --budget 512 --set intermediate_vocab_size=2000
malmoi shard "$out/corpus" --tokenizer "$out/tokenizer" --out "$out/shards" "${flink[@]}"
malmoi verify "$out"
