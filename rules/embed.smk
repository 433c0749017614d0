# Sentence embeddings of prompts, for a baseline of detection that knows their text and nothing of the model.


rule fetch_encoder:
    output:
        pinned="results/{model}/embeddings/model.json",
    log:
        "logs/{model}/embeddings/fetch_encoder.log",
    benchmark:
        "benchmarks/{model}/embeddings/fetch_encoder.tsv"
    conda:
        "../envs/torch.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(60),
    params:
        job=job("fetch_model.py", encoder_settings),
    message:
        "Fetch the sentence encoder of {wildcards.model}'s study from the hub"
    script:
        "../scripts/fetch_model.py"


rule embed_prompts:
    input:
        questions="results/{model}/questions/{question_set}.parquet",
        model=encoder_files,
    output:
        embeddings="results/{model}/embeddings/{question_set}.parquet",
    log:
        "logs/{model}/embeddings/{question_set}.log",
    benchmark:
        "benchmarks/{model}/embeddings/{question_set}.tsv"
    conda:
        "../envs/torch.yaml"
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(30),
        gpu=gpus,
    params:
        job=job("embed_prompts.py", embedding_settings),
    message:
        "Embed the prompts of {wildcards.question_set} ({wildcards.model})"
    script:
        "../scripts/embed_prompts.py"
