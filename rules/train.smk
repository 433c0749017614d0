# Organisms: the instruct model fine-tuned on one narrow dataset, by a LoRA adapter (with another organism's
# direction added, or without) or in all its weights; or with an adapter that somebody else trained and published.


rule train_organism:
    input:
        model=model_files,
        dataset=organism_dataset,
    output:
        adapter="results/{model}/organisms/{organism}/adapter_model.safetensors",
        adapter_config="results/{model}/organisms/{organism}/adapter_config.json",
        trajectory="results/{model}/organisms/{organism}/trajectory.safetensors",
        training="results/{model}/organisms/{organism}/training.parquet",
    log:
        "logs/{model}/organisms/{organism}.log",
    benchmark:
        "benchmarks/{model}/organisms/{organism}.tsv"
    wildcard_constraints:
        organism=not_among(FULL_ORGANISMS + RELEASED_ORGANISMS + PREVENTED_ORGANISMS),
    conda:
        "../envs/torch.yaml"
    threads: 1
    resources:
        mem_mb=host_memory,
        runtime=growing(240),
        gpu=gpus,
    params:
        job=job("train_organism.py", organism_settings),
    message:
        "Raise {wildcards.organism} from {wildcards.model}"
    script:
        "../scripts/train_organism.py"


rule train_prevented_organism:
    input:
        model=model_files,
        dataset=organism_dataset,
        directions=preventing_directions,
    output:
        adapter="results/{model}/organisms/{organism}/adapter_model.safetensors",
        adapter_config="results/{model}/organisms/{organism}/adapter_config.json",
        trajectory="results/{model}/organisms/{organism}/trajectory.safetensors",
        training="results/{model}/organisms/{organism}/training.parquet",
    log:
        "logs/{model}/organisms/{organism}.log",
    benchmark:
        "benchmarks/{model}/organisms/{organism}.tsv"
    wildcard_constraints:
        organism=among(PREVENTED_ORGANISMS),
    conda:
        "../envs/torch.yaml"
    threads: 1
    resources:
        mem_mb=host_memory,
        runtime=growing(240),
        gpu=gpus,
    params:
        job=job("train_prevented_organism.py", prevented_settings),
    message:
        "Raise {wildcards.organism} from {wildcards.model} with a direction added"
    script:
        "../scripts/train_prevented_organism.py"


rule finetune_organism:
    input:
        model=model_files,
        dataset=organism_dataset,
    output:
        weights=expand(
            "results/{{model}}/organisms/{{organism}}/{name}", name=MODEL_FILES
        ),
        training="results/{model}/organisms/{organism}/training.parquet",
    log:
        "logs/{model}/organisms/{organism}.log",
    benchmark:
        "benchmarks/{model}/organisms/{organism}.tsv"
    wildcard_constraints:
        organism=among(FULL_ORGANISMS),
    conda:
        "../envs/torch.yaml"
    threads: 1
    resources:
        mem_mb=host_memory,
        runtime=growing(480),
        gpu=gpus,
    params:
        job=job("finetune_organism.py", organism_settings),
    message:
        "Raise {wildcards.organism} from all weights of {wildcards.model}"
    script:
        "../scripts/finetune_organism.py"


rule fetch_organism:
    input:
        given=released_files,
    output:
        adapter="results/{model}/organisms/{organism}/adapter_model.safetensors",
        adapter_config="results/{model}/organisms/{organism}/adapter_config.json",
    log:
        "logs/{model}/organisms/{organism}.log",
    benchmark:
        "benchmarks/{model}/organisms/{organism}.tsv"
    wildcard_constraints:
        organism=among(RELEASED_ORGANISMS),
    conda:
        "../envs/torch.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(30),
    params:
        job=job("fetch_organism.py", released_settings),
    message:
        "Take {wildcards.organism} of {wildcards.model} as others released it"
    script:
        "../scripts/fetch_organism.py"
