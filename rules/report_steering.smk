# Figures of the causal tests: the two with a criterion, and what else is done with the directions.


rule plot_steering:
    input:
        steering=steering_files,
    output:
        figure=report(
            "results/{model}/figures/steering.svg",
            caption="report/steering.rst",
            category="Steering",
            labels={
                "model": "{model}",
                "figure": "Direction against random directions",
            },
        ),
    log:
        "logs/{model}/figures/steering.log",
    benchmark:
        "benchmarks/{model}/figures/steering.tsv"
    conda:
        "../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=growing(1000),
        runtime=growing(5),
    params:
        job=job(
            "plot_steering.py",
            lambda wildcards: {
                "organisms": [
                    organism.name
                    for organism in study(wildcards).steering.organisms
                    for _ in TESTED
                ]
            },
        ),
    message:
        "Draw the steering of {wildcards.model}"
    script:
        "../scripts/plot_steering.py"


rule plot_doses:
    input:
        steering=further_files,
    output:
        figure=report(
            "results/{model}/figures/doses.svg",
            caption="report/doses.rst",
            category="Steering",
            labels={"model": "{model}", "figure": "Doses, layers and transfer"},
        ),
    log:
        "logs/{model}/figures/doses.log",
    benchmark:
        "benchmarks/{model}/figures/doses.tsv"
    conda:
        "../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=growing(1000),
        runtime=growing(5),
    params:
        job=job(
            "plot_doses.py",
            lambda wildcards: {
                "organisms": [
                    organism for organism, _ in further_runs(wildcards.model)
                ]
            },
        ),
    message:
        "Draw the dose curves of {wildcards.model}"
    script:
        "../scripts/plot_doses.py"
