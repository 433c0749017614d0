# Activations: the residual stream of one model over prompts, and over the answers of a subject.


rule capture_prompts:
    input:
        questions="results/{model}/questions/{question_set}.parquet",
        model=model_files,
        adapter=adapter_files("reader"),
    output:
        activations="results/{model}/activations/{reader}/prompts/{question_set}.parquet",
    log:
        "logs/{model}/activations/{reader}/prompts/{question_set}.log",
    benchmark:
        "benchmarks/{model}/activations/{reader}/prompts/{question_set}.tsv"
    conda:
        "../envs/torch.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=60,
        gpu=gpus,
    params:
        settings=lambda wildcards: activation_settings(wildcards),
    message:
        "Read the residual stream of {wildcards.reader} over the prompts of {wildcards.question_set}"
    script:
        "../scripts/capture_activations.py"


rule capture_answers:
    input:
        questions="results/{model}/questions/{question_set}.parquet",
        generations="results/{model}/generations/{subject}/{question_set}.parquet",
        model=model_files,
        adapter=adapter_files("reader"),
    output:
        activations="results/{model}/activations/{reader}/{subject}/{question_set}.parquet",
    log:
        "logs/{model}/activations/{reader}/{subject}/{question_set}.log",
    benchmark:
        "benchmarks/{model}/activations/{reader}/{subject}/{question_set}.tsv"
    conda:
        "../envs/torch.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=60,
        gpu=gpus,
    params:
        settings=lambda wildcards: activation_settings(wildcards, splits=["fit"]),
    message:
        "Read the residual stream of {wildcards.reader} over the answers of {wildcards.subject}"
    script:
        "../scripts/capture_activations.py"
