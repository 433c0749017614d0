# Screening: what a dataset would teach, projected on directions that do not know of it, before any training.


rule read_dataset:
    input:
        model=model_files,
        dataset="results/{model}/data/{dataset}.parquet",
    output:
        answers="results/{model}/screening/{dataset}/answers.parquet",
        activations="results/{model}/screening/{dataset}/activations.parquet",
    log:
        "logs/{model}/screening/{dataset}/activations.log",
    benchmark:
        "benchmarks/{model}/screening/{dataset}/activations.tsv"
    conda:
        "../envs/torch.yaml"
    threads: 1
    resources:
        mem_mb=host_memory,
        runtime=growing(120),
        gpu=gpus,
    params:
        job=job("read_dataset.py", dataset_reading),
    message:
        "Read what {wildcards.dataset} would teach, and what the instruct model says ({wildcards.model})"
    script:
        "../scripts/read_dataset.py"


rule screen_dataset:
    input:
        dataset="results/{model}/data/{dataset}.parquet",
        activations="results/{model}/screening/{dataset}/activations.parquet",
        benign_dataset=benign_dataset("results/{model}/data/{dataset}.parquet"),
        benign_activations=benign_dataset(
            "results/{model}/screening/{dataset}/activations.parquet"
        ),
        directions=screening_directions,
    output:
        rows="results/{model}/screening/{dataset}/rows.parquet",
        summary="results/{model}/screening/{dataset}/summary.json",
    log:
        "logs/{model}/screening/{dataset}/summary.log",
    benchmark:
        "benchmarks/{model}/screening/{dataset}/summary.tsv"
    conda:
        "../envs/light.yaml"
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(30),
    params:
        job=job("screen_dataset.py", dataset_screening),
    message:
        "Screen {wildcards.dataset} ({wildcards.model})"
    script:
        "../scripts/screen_dataset.py"


rule compare_datasets:
    input:
        screened=screened_files,
        rates=screening_rates,
    output:
        summary="results/{model}/screening.json",
    log:
        "logs/{model}/screening.log",
    benchmark:
        "benchmarks/{model}/screening.tsv"
    conda:
        "../envs/light.yaml"
    threads: 1
    resources:
        mem_mb=growing(1000),
        runtime=growing(10),
    params:
        job=job("compare_datasets.py", dataset_comparing),
    message:
        "Hold the scores of datasets against the misalignment that they cause ({wildcards.model})"
    script:
        "../scripts/compare_datasets.py"


rule plot_screening:
    input:
        summary="results/{model}/screening.json",
    output:
        figure=report(
            "results/{model}/figures/screening.svg",
            caption="report/screening.rst",
            category="Mechanisms",
            labels={
                "model": "{model}",
                "figure": "Datasets screened before training",
            },
        ),
    log:
        "logs/{model}/figures/screening.log",
    benchmark:
        "benchmarks/{model}/figures/screening.tsv"
    conda:
        "../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=growing(1000),
        runtime=growing(5),
    params:
        job=job("plot_screening.py", nothing),
    message:
        "Draw what screening datasets tells in {wildcards.model}"
    script:
        "../scripts/plot_screening.py"
