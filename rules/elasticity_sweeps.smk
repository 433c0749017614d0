# Elasticity over models: the same organism pushed back in models of other sizes, and of less pretraining.


rule compare_elasticity:
    input:
        summaries=of_swept("{organism}.json"),
        halves=of_swept("{organism}_halves.parquet"),
        resistance=resisted_files,
        weights=swept_weights,
    output:
        comparison="results/{model}/elasticity_sweeps.json",
        table="results/{model}/elasticity_sweeps.parquet",
    log:
        "logs/{model}/elasticity_sweeps.log",
    benchmark:
        "benchmarks/{model}/elasticity_sweeps.tsv"
    conda:
        "../envs/light.yaml"
    threads: 1
    resources:
        mem_mb=growing(1000),
        runtime=growing(10),
    params:
        job=job("compare_elasticity.py", sweep_settings),
    message:
        "Compare how {wildcards.model} and models of other sizes and pretraining return"
    script:
        "../scripts/compare_elasticity.py"


rule plot_elasticity_sweeps:
    input:
        comparison="results/{model}/elasticity_sweeps.json",
    output:
        figure=report(
            "results/{model}/figures/elasticity_sweeps.svg",
            caption="report/elasticity_sweeps.rst",
            category="Mechanisms",
            labels={
                "model": "{model}",
                "figure": "Elasticity by size and pretraining",
            },
        ),
    log:
        "logs/{model}/figures/elasticity_sweeps.log",
    benchmark:
        "benchmarks/{model}/figures/elasticity_sweeps.tsv"
    conda:
        "../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=growing(1000),
        runtime=growing(5),
    params:
        job=job("plot_elasticity_sweeps.py", nothing),
    message:
        "Draw elasticity by size and pretraining ({wildcards.model})"
    script:
        "../scripts/plot_elasticity_sweeps.py"
