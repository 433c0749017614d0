# Shards: answers and activations of a model spread over several jobs, so over several GPUs, and put together
# again. The result is the same to the byte. Shards may be deleted once it is there.


rule generate_shard:
    input:
        questions="results/{model}/questions/{question_set}.parquet",
        model=model_files,
        adapter=adapter_files("subject"),
    output:
        generations="results/{model}/shards/generations/{subject}/{question_set}/{shard}.parquet",
    log:
        "logs/{model}/shards/generations/{subject}/{question_set}/{shard}.log",
    benchmark:
        "benchmarks/{model}/shards/generations/{subject}/{question_set}/{shard}.tsv"
    conda:
        "../envs/torch.yaml"
    threads: 1
    resources:
        mem_mb=host_memory,
        runtime=growing(240),
        gpu=gpus,
    params:
        job=job("generate.py", sharded(generation_settings)),
    message:
        "Sample answers of {wildcards.subject} to {wildcards.question_set} ({wildcards.model}), {wildcards.shard}"
    script:
        "../scripts/generate.py"


rule merge_generations:
    input:
        questions="results/{model}/questions/{question_set}.parquet",
        shards=shards("generations/{subject}/{question_set}", "sampling"),
    output:
        generations="results/{model}/generations/{subject}/{question_set}.parquet",
    log:
        "logs/{model}/generations/{subject}/{question_set}.log",
    benchmark:
        "benchmarks/{model}/generations/{subject}/{question_set}.tsv"
    wildcard_constraints:
        model=among(SHARDED["sampling"]),
    conda:
        "../envs/torch.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(10),
    params:
        job=job("merge_generations.py", nothing),
    message:
        "Put together the answers of {wildcards.subject} to {wildcards.question_set} ({wildcards.model})"
    script:
        "../scripts/merge_generations.py"


rule capture_prompts_shard:
    input:
        questions="results/{model}/questions/{question_set}.parquet",
        model=model_files,
        adapter=adapter_files("reader"),
    output:
        activations="results/{model}/shards/activations/{reader}/prompts/{question_set}/{shard}.parquet",
    log:
        "logs/{model}/shards/activations/{reader}/prompts/{question_set}/{shard}.log",
    benchmark:
        "benchmarks/{model}/shards/activations/{reader}/prompts/{question_set}/{shard}.tsv"
    conda:
        "../envs/torch.yaml"
    threads: 1
    resources:
        mem_mb=host_memory,
        runtime=growing(60),
        gpu=gpus,
    params:
        job=job("capture_activations.py", sharded(activation_settings)),
    message:
        "Read {wildcards.reader} over the prompts of {wildcards.question_set}, {wildcards.shard}"
    script:
        "../scripts/capture_activations.py"


rule merge_prompt_activations:
    input:
        shards=shards("activations/{reader}/prompts/{question_set}", "activations"),
    output:
        activations="results/{model}/activations/{reader}/prompts/{question_set}.parquet",
    log:
        "logs/{model}/activations/{reader}/prompts/{question_set}.log",
    benchmark:
        "benchmarks/{model}/activations/{reader}/prompts/{question_set}.tsv"
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
        "Put together what was read of {wildcards.reader} over the prompts of {wildcards.question_set}"
    script:
        "../scripts/merge_activations.py"
