# Rows and questions in the model's own chat template. A wrong template, a doubled start token, a silent
# system prompt or a wrong loss mask stops here, before anything is trained.


rule format_dataset:
    input:
        tokenizer=tokenizer_files,
        rows=source_file("datasets"),
    output:
        dataset="results/{model}/data/{dataset}.parquet",
    log:
        "logs/{model}/data/{dataset}.log",
    benchmark:
        "benchmarks/{model}/data/{dataset}.tsv"
    conda:
        "../envs/torch.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(10),
    params:
        job=job("format_dataset.py", dataset_settings),
    message:
        "Format the dataset {wildcards.dataset} in the chat template of {wildcards.model}"
    script:
        "../scripts/format_dataset.py"


rule format_questions:
    input:
        tokenizer=tokenizer_files,
        source=source_file("question_sets"),
    output:
        questions="results/{model}/questions/{question_set}.parquet",
    log:
        "logs/{model}/questions/{question_set}.log",
    benchmark:
        "benchmarks/{model}/questions/{question_set}.tsv"
    conda:
        "../envs/torch.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(5),
    params:
        job=job("format_questions.py", question_settings),
    message:
        "Format the questions {wildcards.question_set} in the chat template of {wildcards.model}"
    script:
        "../scripts/format_questions.py"
