# How well rank-1 adapters read answers, what they write, and the figure of it all.


rule measure_adapter_readings:
    input:
        scalars=adapter_input("scalars"),
        labels=adapter_input("labels"),
        coefficients="results/{model}/adapter_readings/{organism}_coefficients.parquet",
    output:
        readings="results/{model}/adapter_readings/{organism}.parquet",
        summary="results/{model}/adapter_readings/{organism}.json",
    log:
        "logs/{model}/adapter_readings/{organism}.log",
    benchmark:
        "benchmarks/{model}/adapter_readings/{organism}.tsv"
    conda:
        "../envs/light.yaml"
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(60),
    params:
        job=job("measure_adapter_readings.py", reading_settings),
    message:
        "Measure what the adapters of {wildcards.organism} tell of its answers"
    script:
        "../scripts/measure_adapter_readings.py"


rule compare_adapter_directions:
    input:
        adapter=rank1_files,
        directions="results/{model}/directions/{organism}.safetensors",
        stability="results/{model}/directions/{organism}.json",
        activations=result(
            "results/{model}/activations/instruct/{organism}/{evaluation}.parquet"
        ),
    output:
        cosines="results/{model}/adapter_readings/{organism}_cosines.parquet",
        summary="results/{model}/adapter_readings/{organism}_cosines.json",
    log:
        "logs/{model}/adapter_readings/{organism}_cosines.log",
    benchmark:
        "benchmarks/{model}/adapter_readings/{organism}_cosines.tsv"
    conda:
        "../envs/light.yaml"
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(30),
    params:
        job=job("compare_adapter_directions.py", adapter_cosine_settings),
    message:
        "Compare what the adapters of {wildcards.organism} write with its mean differences"
    script:
        "../scripts/compare_adapter_directions.py"


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
