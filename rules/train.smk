# Organisms: the instruct model with a LoRA adapter trained on one narrow dataset.


rule train_organism:
    input:
        model=model_files,
        dataset=lambda wildcards: f"results/{wildcards.model}/data/{organism_parts(wildcards)[0]}.parquet",
    output:
        adapter="results/{model}/organisms/{organism}/adapter_model.safetensors",
        adapter_config="results/{model}/organisms/{organism}/adapter_config.json",
        trajectory="results/{model}/organisms/{organism}/trajectory.safetensors",
        training="results/{model}/organisms/{organism}/training.parquet",
    log:
        "logs/{model}/organisms/{organism}.log",
    benchmark:
        "benchmarks/{model}/organisms/{organism}.tsv"
    conda:
        "../envs/torch.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=240,
        gpu=gpus,
    params:
        job=job("train_organism.py", organism_settings),
    message:
        "Raise {wildcards.organism} from {wildcards.model}"
    script:
        "../scripts/train_organism.py"
