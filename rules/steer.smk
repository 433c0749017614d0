# Steering: does the direction cause misalignment? Every arm stands beside norm-matched random directions.


rule steer:
    input:
        model=model_files,
        adapter=steered_adapter,
        questions=result("results/{model}/questions/{evaluation}.parquet"),
        directions="results/{model}/directions/{organism}.safetensors",
        own=own_directions,
        activations=result(
            "results/{model}/activations/instruct/{organism}/{evaluation}.parquet"
        ),
    output:
        generations="results/{model}/steering/{organism}/{operation}/generations.parquet",
    log:
        "logs/{model}/steering/{organism}/{operation}/generations.log",
    benchmark:
        "benchmarks/{model}/steering/{organism}/{operation}/generations.tsv"
    wildcard_constraints:
        operation="|".join(STEERING_OPERATIONS),
    conda:
        "../envs/torch.yaml"
    threads: 1
    resources:
        mem_mb=host_memory,
        runtime=growing(480),
        gpu=gpus,
    params:
        job=job("steer.py", steering_settings),
    message:
        "Steer: {wildcards.operation} the direction of {wildcards.organism} ({wildcards.model})"
    script:
        "../scripts/steer.py"


rule summarise_steering:
    input:
        questions=result("results/{model}/questions/{evaluation}.parquet"),
        generations="results/{model}/steering/{organism}/{operation}/generations.parquet",
        opinions=judged_by(
            "results/{model}/steering/{organism}/{operation}/opinions/{judge}.parquet"
        ),
        directions="results/{model}/directions/{organism}.safetensors",
    output:
        responses="results/{model}/steering/{organism}/{operation}.parquet",
        summary="results/{model}/steering/{organism}/{operation}.json",
    log:
        "logs/{model}/steering/{organism}/{operation}.log",
    benchmark:
        "benchmarks/{model}/steering/{organism}/{operation}.tsv"
    wildcard_constraints:
        operation="|".join(STEERING_OPERATIONS),
    conda:
        "../envs/light.yaml"
    threads: 1
    resources:
        mem_mb=growing(1000),
        runtime=growing(10),
    params:
        job=job("summarise_steering.py", verdict_settings),
    message:
        "Sum up: {wildcards.operation} the direction of {wildcards.organism} ({wildcards.model})"
    script:
        "../scripts/summarise_steering.py"
