# Elasticity: organisms are pushed back with rows of the opposite data. Do they return, and what returns first?


rule push_organism:
    input:
        model=model_files,
        trajectory=pushed_trajectory,
        dataset=opposite_dataset,
    output:
        pushed="results/{model}/elasticity/{organism}_pushed.safetensors",
        training="results/{model}/elasticity/{organism}_training.parquet",
    log:
        "logs/{model}/elasticity/{organism}_pushed.log",
    benchmark:
        "benchmarks/{model}/elasticity/{organism}_pushed.tsv"
    conda:
        "../envs/torch.yaml"
    threads: 1
    resources:
        mem_mb=host_memory,
        runtime=growing(480),
        gpu=gpus,
    params:
        job=job("push_organism.py", pushing_settings),
    message:
        "Push {wildcards.organism} back with rows of the opposite data ({wildcards.model})"
    script:
        "../scripts/push_organism.py"


rule answer_rebound:
    input:
        model=model_files,
        pushed="results/{model}/elasticity/{organism}_pushed.safetensors",
        adapter_config="results/{model}/organisms/{organism}/adapter_config.json",
        questions=result("results/{model}/questions/{evaluation}.parquet"),
        directions="results/{model}/directions/{organism}.safetensors",
        activations=result(
            "results/{model}/activations/instruct/{organism}/{evaluation}.parquet"
        ),
        instruct_generations=result(
            "results/{model}/generations/instruct/{evaluation}.parquet"
        ),
        dataset=organism_dataset,
        opposite=opposite_dataset,
    output:
        generations="results/{model}/steering/{organism}/rebound/generations.parquet",
        readings="results/{model}/elasticity/{organism}_readings.parquet",
        texts="results/{model}/elasticity/{organism}_texts.parquet",
    log:
        "logs/{model}/steering/{organism}/rebound/generations.log",
    benchmark:
        "benchmarks/{model}/steering/{organism}/rebound/generations.tsv"
    conda:
        "../envs/torch.yaml"
    threads: 1
    resources:
        mem_mb=host_memory,
        runtime=growing(480),
        gpu=gpus,
    params:
        job=job("answer_rebound.py", rebound_settings),
    message:
        "Let {wildcards.organism} answer on its way back ({wildcards.model})"
    script:
        "../scripts/answer_rebound.py"


rule summarise_rebound:
    input:
        questions=result("results/{model}/questions/{evaluation}.parquet"),
        generations="results/{model}/steering/{organism}/rebound/generations.parquet",
        opinions=judged_by(
            "results/{model}/steering/{organism}/rebound/opinions/{judge}.parquet"
        ),
        readings="results/{model}/elasticity/{organism}_readings.parquet",
        texts="results/{model}/elasticity/{organism}_texts.parquet",
    output:
        curves="results/{model}/elasticity/{organism}.parquet",
        halves="results/{model}/elasticity/{organism}_halves.parquet",
        summary="results/{model}/elasticity/{organism}.json",
    log:
        "logs/{model}/elasticity/{organism}.log",
    benchmark:
        "benchmarks/{model}/elasticity/{organism}.tsv"
    conda:
        "../envs/light.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(30),
    params:
        job=job("summarise_rebound.py", rebound_measure),
    message:
        "Say whether {wildcards.organism} returns ({wildcards.model})"
    script:
        "../scripts/summarise_rebound.py"


rule plot_elasticity:
    input:
        summaries=rebound_files(".json"),
        curves=rebound_files(".parquet"),
        resistance=resistance_files,
    output:
        figure=report(
            "results/{model}/figures/elasticity.svg",
            caption="report/elasticity.rst",
            category="Mechanisms",
            labels={"model": "{model}", "figure": "Elasticity: organisms pushed back"},
        ),
    log:
        "logs/{model}/figures/elasticity.log",
    benchmark:
        "benchmarks/{model}/figures/elasticity.tsv"
    conda:
        "../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=growing(1000),
        runtime=growing(5),
    params:
        job=job("plot_elasticity.py", nothing),
    message:
        "Draw how organisms of {wildcards.model} return"
    script:
        "../scripts/plot_elasticity.py"
