# Resistance: checkpoints of an organism trained on each other's answers, back against forward.


rule resist_organism:
    input:
        model=model_files,
        trajectory=pushed_trajectory,
        adapter_config="results/{model}/organisms/{organism}/adapter_config.json",
        questions=result("results/{model}/questions/{evaluation}.parquet"),
    output:
        losses="results/{model}/elasticity/{organism}_resistance.parquet",
    log:
        "logs/{model}/elasticity/{organism}_losses.log",
    benchmark:
        "benchmarks/{model}/elasticity/{organism}_losses.tsv"
    conda:
        "../envs/torch.yaml"
    threads: 1
    resources:
        mem_mb=host_memory,
        runtime=growing(480),
        gpu=gpus,
    params:
        job=job("resist_organism.py", resisting_settings),
    message:
        "Train {wildcards.organism} back and forward on its own answers ({wildcards.model})"
    script:
        "../scripts/resist_organism.py"


rule summarise_resistance:
    input:
        losses="results/{model}/elasticity/{organism}_resistance.parquet",
    output:
        summary="results/{model}/elasticity/{organism}_resistance.json",
    log:
        "logs/{model}/elasticity/{organism}_resistance.log",
    benchmark:
        "benchmarks/{model}/elasticity/{organism}_resistance.tsv"
    conda:
        "../envs/light.yaml"
    threads: 1
    resources:
        mem_mb=growing(1000),
        runtime=growing(10),
    params:
        job=job("summarise_resistance.py", resistance_measure),
    message:
        "Say whether {wildcards.organism} resists ({wildcards.model})"
    script:
        "../scripts/summarise_resistance.py"
