# Shards of what two models read over the answers of an organism; see shards.smk.


rule capture_answers_shard:
    input:
        questions="results/{model}/questions/{question_set}.parquet",
        generations="results/{model}/generations/{organism}/{question_set}.parquet",
        model=model_files,
        adapter=adapter_files("organism"),
    output:
        activations="results/{model}/shards/activations/{organism}/{organism}/{question_set}/{shard}.parquet",
        instruct_activations="results/{model}/shards/activations/instruct/{organism}/{question_set}/{shard}.parquet",
    log:
        "logs/{model}/shards/activations/{organism}/{organism}/{question_set}/{shard}.log",
    benchmark:
        "benchmarks/{model}/shards/activations/{organism}/{organism}/{question_set}/{shard}.tsv"
    conda:
        "../envs/torch.yaml"
    threads: 1
    resources:
        mem_mb=host_memory,
        runtime=growing(60),
        gpu=gpus,
    params:
        job=job("capture_activations.py", sharded(answer_activation_settings)),
    message:
        "Read {wildcards.organism} and the instruct model over the organism's answers, {wildcards.shard}"
    script:
        "../scripts/capture_activations.py"


rule merge_answer_activations:
    input:
        shards=shards("activations/{organism}/{organism}/{question_set}", "activations"),
        instruct_shards=shards(
            "activations/instruct/{organism}/{question_set}", "activations"
        ),
    output:
        activations="results/{model}/activations/{organism}/{organism}/{question_set}.parquet",
        instruct_activations="results/{model}/activations/instruct/{organism}/{question_set}.parquet",
    log:
        "logs/{model}/activations/{organism}/{organism}/{question_set}.log",
    benchmark:
        "benchmarks/{model}/activations/{organism}/{organism}/{question_set}.tsv"
    wildcard_constraints:
        model=among(SHARDED["activations"]),
    conda:
        "../envs/torch.yaml"
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(30),
    params:
        job=job("merge_activations.py", nothing),
    message:
        "Put together what was read over the answers of {wildcards.organism} ({wildcards.model})"
    script:
        "../scripts/merge_activations.py"
