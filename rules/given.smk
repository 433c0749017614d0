# What others made: responses, scores and activations that take the place of what the workflow would make.


rule import_responses:
    input:
        responses=given_file(GIVEN_RESPONSES),
        questions=given_questions,
        tokenizer=given_tokenizer,
    output:
        generations="{given}.parquet",
    log:
        "logs/given/{given}.log",
    benchmark:
        "benchmarks/given/{given}.tsv"
    wildcard_constraints:
        given=among(GIVEN_RESPONSES),
    conda:
        "../envs/torch.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(10),
    params:
        job=job("import_responses.py", given_response_settings),
    message:
        "Take responses of others for {wildcards.given}"
    script:
        "../scripts/import_responses.py"


rule import_opinions:
    input:
        responses=given_scores,
        generations="results/{model}/generations/{subject}/{question_set}.parquet",
    output:
        opinions="results/{model}/opinions/{judge}/{subject}/{question_set}.parquet",
    log:
        "logs/{model}/opinions/{judge}/{subject}/{question_set}.log",
    benchmark:
        "benchmarks/{model}/opinions/{judge}/{subject}/{question_set}.tsv"
    wildcard_constraints:
        judge=among(GIVEN_JUDGES),
    conda:
        "../envs/light.yaml"
    threads: 1
    resources:
        mem_mb=growing(1000),
        runtime=growing(10),
    params:
        job=job("import_opinions.py", given_score_settings),
    message:
        "Take the scores of {wildcards.subject} on {wildcards.question_set} that came with the responses"
    script:
        "../scripts/import_opinions.py"


rule import_activations:
    input:
        given=given_file(GIVEN_ACTIVATIONS),
        questions=given_questions,
    output:
        activations="{given}.parquet",
    log:
        "logs/given/{given}.log",
    benchmark:
        "benchmarks/given/{given}.tsv"
    wildcard_constraints:
        given=among(GIVEN_ACTIVATIONS),
    conda:
        "../envs/light.yaml"
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(30),
    params:
        job=job("import_activations.py", given_activation_settings),
    message:
        "Take activations of others for {wildcards.given}"
    script:
        "../scripts/import_activations.py"


ruleorder: import_responses > generate
ruleorder: import_activations > capture_prompts > capture_answers
