# Directions: what changed in the residual stream when the organism was raised, by several constructions.


rule fit_directions:
    input:
        organism_activations=result(
            "results/{model}/activations/{organism}/{organism}/{evaluation}.parquet"
        ),
        instruct_activations=result(
            "results/{model}/activations/instruct/{organism}/{evaluation}.parquet"
        ),
        scores=result("results/{model}/scores/{organism}/{evaluation}.parquet"),
    output:
        directions="results/{model}/directions/{organism}.safetensors",
        summary="results/{model}/directions/{organism}.json",
    log:
        "logs/{model}/directions/{organism}.log",
    benchmark:
        "benchmarks/{model}/directions/{organism}.tsv"
    conda:
        "../envs/light.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(10),
    params:
        job=job(
            "fit_directions.py",
            lambda wildcards: {
                "directions": plain(study(wildcards).directions),
                "confidence": study(wildcards).detection.confidence,
            },
        ),
    message:
        "Fit the directions of {wildcards.organism} ({wildcards.model})"
    script:
        "../scripts/fit_directions.py"


rule compare_directions:
    input:
        directions=directions_files("safetensors"),
    output:
        cosines="results/{model}/directions/cosines.parquet",
    log:
        "logs/{model}/directions/cosines.log",
    benchmark:
        "benchmarks/{model}/directions/cosines.tsv"
    conda:
        "../envs/light.yaml"
    threads: 1
    resources:
        mem_mb=growing(1000),
        runtime=growing(5),
    params:
        job=job(
            "compare_directions.py",
            lambda wildcards: {"confidence": study(wildcards).detection.confidence},
        ),
    message:
        "Compare the directions of all organisms of {wildcards.model}"
    script:
        "../scripts/compare_directions.py"
