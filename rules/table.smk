# The table of models: one row per model and organism over all studies, of what has been measured so far.


rule collect_table:
    input:
        summaries=in_table("rates", *TABLE_SECTIONS),
        scores=in_table("scores"),
    output:
        rows="results/table.parquet",
        text="results/table.csv",
        statements="results/table.json",
    log:
        "logs/table.log",
    benchmark:
        "benchmarks/table.tsv"
    conda:
        "../envs/light.yaml"
    threads: 1
    resources:
        mem_mb=growing(1000),
        runtime=growing(10),
    params:
        job=job("collect_table.py", table_settings),
    message:
        "Collect what has been measured of all models"
    script:
        "../scripts/collect_table.py"


rule write_table:
    input:
        rows="results/table.parquet",
        statements="results/table.json",
    output:
        page=report(
            "results/figures/table.html",
            caption="report/table.rst",
            category="Table",
            labels={"model": "all", "figure": "Table of models"},
        ),
    log:
        "logs/figures/table.log",
    benchmark:
        "benchmarks/figures/table.tsv"
    conda:
        "../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=growing(1000),
        runtime=growing(5),
    params:
        job=job("write_table.py", nothing),
    message:
        "Write the table of models"
    script:
        "../scripts/write_table.py"


# Goal: the table of models, of what there is; it raises no organism and measures nothing.
rule table:
    input:
        "results/table.parquet",
        "results/table.csv",
        "results/table.json",
        "results/figures/table.html",
