# Refusal: its direction in the instruct model by the published procedure, beside the directions of misalignment.


rule measure_refusal:
    input:
        model=model_files,
        questions=requests_file,
    output:
        requests="results/{model}/refusal/requests.parquet",
        activations="results/{model}/refusal/activations.parquet",
        candidates="results/{model}/refusal/candidates.parquet",
    log:
        "logs/{model}/refusal/candidates.log",
    benchmark:
        "benchmarks/{model}/refusal/candidates.tsv"
    conda:
        "../envs/torch.yaml"
    threads: 1
    resources:
        mem_mb=host_memory,
        runtime=growing(120),
        gpu=gpus,
    params:
        job=job("measure_refusal.py", refusal_measuring),
    message:
        "Score candidates for the refusal direction of {wildcards.model}"
    script:
        "../scripts/measure_refusal.py"


rule select_refusal:
    input:
        candidates="results/{model}/refusal/candidates.parquet",
        requests="results/{model}/refusal/requests.parquet",
        activations="results/{model}/refusal/activations.parquet",
    output:
        direction="results/{model}/refusal/direction.safetensors",
        summary="results/{model}/refusal/direction.json",
    log:
        "logs/{model}/refusal/direction.log",
    benchmark:
        "benchmarks/{model}/refusal/direction.tsv"
    conda:
        "../envs/light.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(10),
    params:
        job=job("select_refusal.py", refusal_rules),
    message:
        "Select the refusal direction of {wildcards.model}"
    script:
        "../scripts/select_refusal.py"


rule compare_refusal:
    input:
        activations="results/{model}/refusal/activations.parquet",
        requests="results/{model}/refusal/requests.parquet",
        selection="results/{model}/refusal/direction.json",
        directions="results/{model}/directions/{organism}.safetensors",
        directions_summary="results/{model}/directions/{organism}.json",
        organism_activations=result(
            "results/{model}/activations/{organism}/{organism}/{evaluation}.parquet"
        ),
        instruct_activations=result(
            "results/{model}/activations/instruct/{organism}/{evaluation}.parquet"
        ),
        scores=result("results/{model}/scores/{organism}/{evaluation}.parquet"),
    output:
        comparison="results/{model}/refusal/comparison/{organism}.parquet",
        summary="results/{model}/refusal/comparison/{organism}.json",
    log:
        "logs/{model}/refusal/comparison/{organism}.log",
    benchmark:
        "benchmarks/{model}/refusal/comparison/{organism}.tsv"
    conda:
        "../envs/light.yaml"
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(60),
    params:
        job=job("compare_refusal.py", refusal_comparing),
    message:
        "Hold the misalignment of {wildcards.organism} against refusal ({wildcards.model})"
    script:
        "../scripts/compare_refusal.py"


rule plot_refusal:
    input:
        selection="results/{model}/refusal/direction.json",
        candidates="results/{model}/refusal/candidates.parquet",
        comparisons=refusal_files(
            "results/{model}/refusal/comparison/{organism}.parquet"
        ),
        summaries=refusal_files("results/{model}/refusal/comparison/{organism}.json"),
        swaps=refusal_files("results/{model}/refusal/swaps/{organism}.json"),
    output:
        figure=report(
            "results/{model}/figures/refusal.svg",
            caption="report/refusal.rst",
            category="Mechanisms",
            labels={"model": "{model}", "figure": "Misalignment against refusal"},
        ),
    log:
        "logs/{model}/figures/refusal.log",
    benchmark:
        "benchmarks/{model}/figures/refusal.tsv"
    conda:
        "../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=growing(1000),
        runtime=growing(5),
    params:
        job=job(
            "plot_refusal.py",
            lambda wildcards: {
                "construction": study(wildcards).steering.direction,
                "organisms": [
                    each.name for each in chosen_refusal(wildcards).organisms
                ],
            },
        ),
    message:
        "Draw misalignment against refusal in {wildcards.model}"
    script:
        "../scripts/plot_refusal.py"
