# Report: figures with captions for `snakemake --report`.


rule plot_detection:
    input:
        summaries=detection_files("summary.json"),
        roc=detection_files("roc.parquet"),
    output:
        figure=report(
            "results/{model}/figures/detection_roc.svg",
            caption="report/detection_roc.rst",
            category="Detection",
            labels={"model": "{model}", "figure": "ROC at the last prompt token"},
        ),
        by_layer=report(
            "results/{model}/figures/detection_layers.svg",
            caption="report/detection_layers.rst",
            category="Detection",
            labels={"model": "{model}", "figure": "AUROC by layer"},
        ),
    log:
        "logs/{model}/figures/detection.log",
    benchmark:
        "benchmarks/{model}/figures/detection.tsv"
    conda:
        "../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=growing(1000),
        runtime=growing(5),
    params:
        job=job(
            "plot_detection.py",
            lambda wildcards: {"primary": primary_detection(wildcards)},
        ),
    message:
        "Draw the ROC curves of {wildcards.model}"
    script:
        "../scripts/plot_detection.py"


rule plot_rates:
    input:
        rates=rates_files,
    output:
        figure=report(
            "results/{model}/figures/rates.svg",
            caption="report/rates.rst",
            category="Emergent misalignment",
            labels={"model": "{model}", "figure": "Rates per subject"},
        ),
        domains=report(
            "results/{model}/figures/domains.svg",
            caption="report/domains.rst",
            category="Emergent misalignment",
            labels={"model": "{model}", "figure": "Rates per domain"},
        ),
    log:
        "logs/{model}/figures/rates.log",
    benchmark:
        "benchmarks/{model}/figures/rates.tsv"
    conda:
        "../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=growing(1000),
        runtime=growing(5),
    params:
        job=job(
            "plot_rates.py", lambda wildcards: {"subjects": subjects(wildcards.model)}
        ),
    message:
        "Draw the rates of emergent misalignment of {wildcards.model}"
    script:
        "../scripts/plot_rates.py"


rule plot_directions:
    input:
        summaries=directions_files("json"),
        cosines=rules.compare_directions.output.cosines,
    output:
        figure=report(
            "results/{model}/figures/directions.svg",
            caption="report/directions.rst",
            category="Directions",
            labels={"model": "{model}", "figure": "Norm and stability over layers"},
        ),
        matrices=report(
            "results/{model}/figures/cosines.svg",
            caption="report/cosines.rst",
            category="Directions",
            labels={"model": "{model}", "figure": "Cosines between organisms"},
        ),
    log:
        "logs/{model}/figures/directions.log",
    benchmark:
        "benchmarks/{model}/figures/directions.tsv"
    conda:
        "../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=growing(1000),
        runtime=growing(5),
    params:
        job=job(
            "plot_directions.py",
            lambda wildcards: {
                "organisms": study(wildcards).organism_names(),
                "layer": study(wildcards).steering.layer,
            },
        ),
    message:
        "Draw the geometry of the directions of {wildcards.model}"
    script:
        "../scripts/plot_directions.py"
