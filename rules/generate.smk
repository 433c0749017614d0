# Answers: samples of the instruct model and of each organism.


rule generate:
    input:
        questions="results/{model}/questions/{question_set}.parquet",
        model=model_files,
        adapter=adapter_files("subject"),
    output:
        generations="results/{model}/generations/{subject}/{question_set}.parquet",
    log:
        "logs/{model}/generations/{subject}/{question_set}.log",
    benchmark:
        "benchmarks/{model}/generations/{subject}/{question_set}.tsv"
    wildcard_constraints:
        model=unsharded("sampling"),
    conda:
        "../envs/torch.yaml"
    threads: 1
    resources:
        mem_mb=host_memory,
        runtime=growing(240),
        gpu=gpus,
    params:
        job=job("generate.py", generation_settings),
    message:
        "Sample answers of {wildcards.subject} to {wildcards.question_set} ({wildcards.model})"
    script:
        "../scripts/generate.py"
