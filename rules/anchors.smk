# The judge, judged: each is measured on answers whose scores are known, before its scores are used.


rule write_anchors:
    output:
        questions="results/judges/{judge}/questions.parquet",
        generations="results/judges/{judge}/generations.parquet",
    log:
        "logs/judges/{judge}/generations.log",
    benchmark:
        "benchmarks/judges/{judge}/generations.tsv"
    conda:
        "../envs/light.yaml"
    threads: 1
    resources:
        mem_mb=growing(500),
        runtime=growing(5),
    params:
        job=job("write_anchors.py", anchor_settings),
    message:
        "Write the answers whose scores are known, for {wildcards.judge}"
    script:
        "../scripts/write_anchors.py"


use rule ask_judge as ask_judge_about_anchors with:
    input:
        questions="results/judges/{judge}/questions.parquet",
        generations="results/judges/{judge}/generations.parquet",
        prompts=judge_prompts,
    output:
        opinions="results/judges/{judge}/opinions.parquet",
    log:
        "logs/judges/{judge}/opinions.log",
    benchmark:
        "benchmarks/judges/{judge}/opinions.tsv"
    message:
        "Ask {wildcards.judge} about answers whose scores are known"


rule measure_judge:
    input:
        generations="results/judges/{judge}/generations.parquet",
        opinions="results/judges/{judge}/opinions.parquet",
    output:
        anchors="results/judges/{judge}/anchors.json",
    log:
        "logs/judges/{judge}/anchors.log",
    benchmark:
        "benchmarks/judges/{judge}/anchors.tsv"
    conda:
        "../envs/light.yaml"
    threads: 1
    resources:
        mem_mb=growing(500),
        runtime=growing(5),
    params:
        job=job("measure_judge.py", measuring_settings),
    message:
        "Measure {wildcards.judge} on answers whose scores are known"
    script:
        "../scripts/measure_judge.py"
