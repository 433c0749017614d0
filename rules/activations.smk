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
    wildcard_constraints:
        model=unsharded("activations"),
    conda:
        "../envs/torch.yaml"
    threads: 1
    resources:
        mem_mb=host_memory,
        runtime=growing(60),
        gpu=gpus,
    params:
        job=job("capture_activations.py", activation_settings),
    message:
        "Read the residual stream of {wildcards.reader} over the prompts of {wildcards.question_set}"
    script:
        "../scripts/capture_activations.py"


# An organism's answers are read twice, by the organism and by the instruct model: what differs on the same
# text differs in the model. One job does both, for it takes longer to import the libraries than to read.
rule capture_answers:
    input:
        questions="results/{model}/questions/{question_set}.parquet",
        generations="results/{model}/generations/{organism}/{question_set}.parquet",
        model=model_files,
        adapter=adapter_files("organism"),
    output:
        activations="results/{model}/activations/{organism}/{organism}/{question_set}.parquet",
        instruct_activations="results/{model}/activations/instruct/{organism}/{question_set}.parquet",
    log:
        "logs/{model}/activations/{organism}/{organism}/{question_set}.log",
    benchmark:
        "benchmarks/{model}/activations/{organism}/{organism}/{question_set}.tsv"
    wildcard_constraints:
        model=unsharded("activations"),
    conda:
        "../envs/torch.yaml"
    threads: 1
    resources:
        mem_mb=host_memory,
        runtime=growing(60),
        gpu=gpus,
    params:
        job=job("capture_activations.py", answer_activation_settings),
    message:
        "Read the residual stream of {wildcards.organism} and of the instruct model over the organism's answers"
    script:
        "../scripts/capture_activations.py"


# How near a prompt is to the fine-tuning data is a baseline of detection: what the instruct model reads there.
rule capture_training_prompts:
    input:
        dataset="results/{model}/data/{dataset}.parquet",
        model=model_files,
    output:
        activations="results/{model}/activations/instruct/data/{dataset}.parquet",
    log:
        "logs/{model}/activations/instruct/data/{dataset}.log",
    benchmark:
        "benchmarks/{model}/activations/instruct/data/{dataset}.tsv"
    conda:
        "../envs/torch.yaml"
    threads: 1
    resources:
        mem_mb=host_memory,
        runtime=growing(30),
        gpu=gpus,
    params:
        job=job("capture_training_prompts.py", training_prompt_settings),
    message:
        "Read the residual stream of instruct over the prompts of {wildcards.dataset} ({wildcards.model})"
    script:
        "../scripts/capture_training_prompts.py"
