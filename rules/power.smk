# Power: how wide the intervals of a study will be, and what it could find, before any GPU hour is spent.


rule plan_power:
    output:
        power="results/{model}/power.json",
    log:
        "logs/{model}/power.log",
    benchmark:
        "benchmarks/{model}/power.tsv"
    conda:
        "../envs/light.yaml"
    threads: 1
    resources:
        mem_mb=growing(1000),
        runtime=growing(10),
    params:
        job=job("power.py", power_settings),
    message:
        "Plan the precision of the study of {wildcards.model}"
    script:
        "../scripts/power.py"
