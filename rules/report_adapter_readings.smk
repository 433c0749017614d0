# Figure of the adapters that are read directly.


rule plot_adapter_readings:
    input:
        readings=of_adapters(".json"),
        coefficients=of_adapters(".parquet"),
        cosines=of_adapters("_cosines.parquet"),
        scaling=of_adapters("_scaling.json"),
    output:
        figure=report(
            "results/{model}/figures/adapter_readings.svg",
            caption="report/adapter_readings.rst",
            category="Mechanisms",
            labels={"model": "{model}", "figure": "Rank-1 adapters, read directly"},
        ),
    log:
        "logs/{model}/figures/adapter_readings.log",
    benchmark:
        "benchmarks/{model}/figures/adapter_readings.tsv"
    conda:
        "../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=growing(1000),
        runtime=growing(5),
    params:
        job=job("plot_adapter_readings.py", nothing),
    message:
        "Draw what the rank-1 adapters of {wildcards.model} tell"
    script:
        "../scripts/plot_adapter_readings.py"
