# Steering: does the direction cause misalignment? Every arm stands beside norm-matched random directions.


rule steer:
    input:
        model=model_files,
        adapter=steered_adapter,
        questions=result("results/{model}/questions/{evaluation}.parquet"),
        directions="results/{model}/directions/{organism}.safetensors",
        activations=result(
            "results/{model}/activations/instruct/{organism}/{evaluation}.parquet"
        ),
    output:
        responses="results/{model}/steering/{organism}/{operation}.parquet",
        summary="results/{model}/steering/{organism}/{operation}.json",
    log:
        "logs/{model}/steering/{organism}/{operation}.log",
    benchmark:
        "benchmarks/{model}/steering/{organism}/{operation}.tsv"
    conda:
        "../envs/torch.yaml"
    threads: 1
    resources:
        mem_mb=host_memory,
        runtime=480,
        gpu=gpus,
    params:
        job=job("steer.py", steering_settings),
    message:
        "Steer: {wildcards.operation} the direction of {wildcards.organism} ({wildcards.model})"
    script:
        "../scripts/steer.py"
