# What others published: models of the hub, datasets and question sets behind a URL. Fetched once, with its
# commit and hashes on record; a source that changes upstream is an error, not another study.


rule fetch_model:
    output:
        pinned="results/{hub_model}/model.json",
    log:
        "logs/{hub_model}/fetch_model.log",
    benchmark:
        "benchmarks/{hub_model}/fetch_model.tsv"
    conda:
        "../envs/torch.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(240),
    params:
        job=job("fetch_model.py", hub_settings),
    message:
        "Fetch {wildcards.hub_model} from the hub"
    script:
        "../scripts/fetch_model.py"


rule fetch_dataset:
    output:
        content="results/sources/{dataset}.jsonl",
        description="results/sources/{dataset}.json",
    log:
        "logs/sources/{dataset}.log",
    benchmark:
        "benchmarks/sources/{dataset}.tsv"
    conda:
        "../envs/torch.yaml"
    threads: 1
    resources:
        mem_mb=growing(1000),
        runtime=growing(30),
    params:
        job=job("fetch_source.py", source_settings("datasets", "dataset")),
    message:
        "Fetch the dataset {wildcards.dataset}"
    script:
        "../scripts/fetch_source.py"


rule fetch_questions:
    output:
        content="results/sources/{question_set}.yaml",
        description="results/sources/{question_set}.yaml.json",
    log:
        "logs/sources/{question_set}.log",
    benchmark:
        "benchmarks/sources/{question_set}.tsv"
    conda:
        "../envs/torch.yaml"
    threads: 1
    resources:
        mem_mb=growing(1000),
        runtime=growing(30),
    params:
        job=job("fetch_source.py", source_settings("question_sets", "question_set")),
    message:
        "Fetch the questions {wildcards.question_set}"
    script:
        "../scripts/fetch_source.py"
