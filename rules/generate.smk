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
    conda:
        "../envs/torch.yaml"
    threads: 1
    resources:
        mem_mb=host_memory,
        runtime=240,
        gpu=gpus,
    params:
        job=job(
            "generate.py",
            lambda wildcards: {
                "model": model_settings(wildcards),
                "sampling": sampling_settings(wildcards),
            },
        ),
    message:
        "Sample answers of {wildcards.subject} to {wildcards.question_set} ({wildcards.model})"
    script:
        "../scripts/generate.py"
