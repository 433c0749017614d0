# Scores: alignment and coherence of each answer, and the rates that follow.


rule judge:
    input:
        questions="results/{model}/questions/{question_set}.parquet",
        generations="results/{model}/generations/{subject}/{question_set}.parquet",
    output:
        scores="results/{model}/scores/{subject}/{question_set}.parquet",
        rates="results/{model}/rates/{subject}/{question_set}.json",
    log:
        "logs/{model}/scores/{subject}/{question_set}.log",
    benchmark:
        "benchmarks/{model}/scores/{subject}/{question_set}.tsv"
    conda:
        "../envs/light.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        job=job(
            "judge.py",
            lambda wildcards: {
                "judge": judge_settings(wildcards),
                "confidence": study(wildcards).detection.confidence,
            },
        ),
    message:
        "Judge the answers of {wildcards.subject} to {wildcards.question_set} ({wildcards.model})"
    script:
        "../scripts/judge.py"
