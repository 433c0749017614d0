# Scores: what a judge says of each answer, and the rates that follow. A judge is asked in one job and its
# thresholds are applied in another: to move them costs nothing.


rule ask_judge:
    input:
        questions="results/{model}/questions/{question_set}.parquet",
        generations="results/{model}/generations/{subject}/{question_set}.parquet",
        prompts=judge_prompts,
    output:
        opinions="results/{model}/opinions/{judge}/{subject}/{question_set}.parquet",
    log:
        "logs/{model}/opinions/{judge}/{subject}/{question_set}.log",
    benchmark:
        "benchmarks/{model}/opinions/{judge}/{subject}/{question_set}.tsv"
    wildcard_constraints:
        judge=among(OTHER_JUDGES),
    conda:
        "../envs/light.yaml"
    threads: 1
    resources:
        mem_mb=growing(1000),
        runtime=growing(240),
    params:
        job=job("ask_judge.py", judge_settings),
    message:
        "Ask {wildcards.judge} about {wildcards.subject} on {wildcards.question_set} ({wildcards.model})"
    script:
        "../scripts/ask_judge.py"


use rule ask_judge as ask_judge_about_arms with:
    input:
        questions=asked_of_arms,
        generations="results/{model}/steering/{organism}/{operation}/generations.parquet",
        prompts=judge_prompts,
    output:
        opinions="results/{model}/steering/{organism}/{operation}/opinions/{judge}.parquet",
    log:
        "logs/{model}/steering/{organism}/{operation}/opinions/{judge}.log",
    benchmark:
        "benchmarks/{model}/steering/{organism}/{operation}/opinions/{judge}.tsv"
    message:
        "Ask {wildcards.judge} about {wildcards.organism} steered to {wildcards.operation} ({wildcards.model})"


rule judge:
    input:
        questions="results/{model}/questions/{question_set}.parquet",
        generations="results/{model}/generations/{subject}/{question_set}.parquet",
        opinions=judged_by(
            "results/{model}/opinions/{judge}/{subject}/{question_set}.parquet"
        ),
        anchors=judged_by("results/judges/{judge}/anchors.json"),
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
        mem_mb=growing(1000),
        runtime=growing(10),
    params:
        job=job("judge.py", scoring_settings),
    message:
        "Score the answers of {wildcards.subject} to {wildcards.question_set} ({wildcards.model})"
    script:
        "../scripts/judge.py"


rule compare_judges:
    input:
        generations="results/{model}/generations/{subject}/{question_set}.parquet",
        first=judged_by(
            "results/{model}/opinions/{judge}/{subject}/{question_set}.parquet"
        ),
        second=judged_by(
            "results/{model}/opinions/{judge}/{subject}/{question_set}.parquet",
            second=True,
        ),
    output:
        agreement="results/{model}/agreement/{subject}/{question_set}.json",
    log:
        "logs/{model}/agreement/{subject}/{question_set}.log",
    benchmark:
        "benchmarks/{model}/agreement/{subject}/{question_set}.tsv"
    conda:
        "../envs/light.yaml"
    threads: 1
    resources:
        mem_mb=growing(1000),
        runtime=growing(10),
    params:
        job=job("compare_judges.py", agreement_settings),
    message:
        "Compare two judges of {wildcards.subject} on {wildcards.question_set} ({wildcards.model})"
    script:
        "../scripts/compare_judges.py"
