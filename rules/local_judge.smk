# The same opinions from a judge that is a language model on this machine.


rule ask_local_judge:
    input:
        questions="results/{model}/questions/{question_set}.parquet",
        generations="results/{model}/generations/{subject}/{question_set}.parquet",
        prompts=judge_prompts,
        judge=judge_model_files,
    output:
        opinions="results/{model}/opinions/{judge}/{subject}/{question_set}.parquet",
    log:
        "logs/{model}/opinions/{judge}/{subject}/{question_set}.log",
    benchmark:
        "benchmarks/{model}/opinions/{judge}/{subject}/{question_set}.tsv"
    wildcard_constraints:
        judge=among(LOCAL_JUDGES),
    conda:
        "../envs/torch.yaml"
    threads: 1
    resources:
        mem_mb=judge_memory,
        runtime=growing(240),
        gpu=1,
    params:
        job=job("ask_local_judge.py", judge_settings),
    message:
        "Ask {wildcards.judge} about {wildcards.subject} on {wildcards.question_set} ({wildcards.model})"
    script:
        "../scripts/ask_local_judge.py"


use rule ask_local_judge as ask_local_judge_about_arms with:
    input:
        questions=asked_of_arms,
        generations="results/{model}/steering/{organism}/{operation}/generations.parquet",
        prompts=judge_prompts,
        judge=judge_model_files,
    output:
        opinions="results/{model}/steering/{organism}/{operation}/opinions/{judge}.parquet",
    log:
        "logs/{model}/steering/{organism}/{operation}/opinions/{judge}.log",
    benchmark:
        "benchmarks/{model}/steering/{organism}/{operation}/opinions/{judge}.tsv"
    message:
        "Ask {wildcards.judge} about {wildcards.organism} steered to {wildcards.operation} ({wildcards.model})"


use rule ask_local_judge as ask_local_judge_about_anchors with:
    input:
        questions="results/judges/{judge}/questions.parquet",
        generations="results/judges/{judge}/generations.parquet",
        prompts=judge_prompts,
        judge=judge_model_files,
    output:
        opinions="results/judges/{judge}/opinions.parquet",
    log:
        "logs/judges/{judge}/opinions.log",
    benchmark:
        "benchmarks/judges/{judge}/opinions.tsv"
    message:
        "Ask {wildcards.judge} about answers whose scores are known"
