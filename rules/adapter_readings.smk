# Rank-1 adapters read directly: one scalar per token and adapter, what it tells, and what scaling does.


rule read_adapter_scalars:
    input:
        questions="results/{model}/questions/{question_set}.parquet",
        generations="results/{model}/generations/{organism}/{question_set}.parquet",
        model=model_files,
        adapter=rank1_files,
    output:
        scalars="results/{model}/adapter_scalars/{organism}/{question_set}.parquet",
    log:
        "logs/{model}/adapter_scalars/{organism}/{question_set}.log",
    benchmark:
        "benchmarks/{model}/adapter_scalars/{organism}/{question_set}.tsv"
    conda:
        "../envs/torch.yaml"
    threads: 1
    resources:
        mem_mb=host_memory,
        runtime=growing(60),
        gpu=gpus,
    params:
        job=job("read_adapter_scalars.py", scalar_settings),
    message:
        "Read the rank-1 adapters of {wildcards.organism} at every token of its answers"
    script:
        "../scripts/read_adapter_scalars.py"


rule probe_adapters:
    input:
        scalars=adapter_input("scalars"),
        labels=adapter_input("labels"),
    output:
        coefficients="results/{model}/adapter_readings/{organism}_coefficients.parquet",
        groups="results/{model}/adapter_readings/{organism}_groups.json",
    log:
        "logs/{model}/adapter_readings/{organism}_coefficients.log",
    benchmark:
        "benchmarks/{model}/adapter_readings/{organism}_coefficients.tsv"
    conda:
        "../envs/light.yaml"
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(60),
    params:
        job=job("probe_adapters.py", probe_settings),
    message:
        "Ask which adapters of {wildcards.organism} serve general and which narrow misalignment"
    script:
        "../scripts/probe_adapters.py"


rule scale_adapters:
    input:
        model=model_files,
        adapter=rank1_files,
        questions=result("results/{model}/questions/{evaluation}.parquet"),
        groups="results/{model}/adapter_readings/{organism}_groups.json",
    output:
        generations="results/{model}/steering/{organism}/adapter_groups/generations.parquet",
    log:
        "logs/{model}/steering/{organism}/adapter_groups/generations.log",
    benchmark:
        "benchmarks/{model}/steering/{organism}/adapter_groups/generations.tsv"
    conda:
        "../envs/torch.yaml"
    threads: 1
    resources:
        mem_mb=host_memory,
        runtime=growing(480),
        gpu=gpus,
    params:
        job=job("scale_adapters.py", scaling_settings),
    message:
        "Scale groups of adapters of {wildcards.organism} ({wildcards.model})"
    script:
        "../scripts/scale_adapters.py"


rule summarise_adapter_groups:
    input:
        questions=result("results/{model}/questions/{evaluation}.parquet"),
        generations="results/{model}/steering/{organism}/adapter_groups/generations.parquet",
        opinions=judged_by(
            "results/{model}/steering/{organism}/adapter_groups/opinions/{judge}.parquet"
        ),
        groups="results/{model}/adapter_readings/{organism}_groups.json",
    output:
        responses="results/{model}/adapter_readings/{organism}_scaling.parquet",
        summary="results/{model}/adapter_readings/{organism}_scaling.json",
    log:
        "logs/{model}/adapter_readings/{organism}_scaling.log",
    benchmark:
        "benchmarks/{model}/adapter_readings/{organism}_scaling.tsv"
    conda:
        "../envs/light.yaml"
    threads: 1
    resources:
        mem_mb=growing(1000),
        runtime=growing(10),
    params:
        job=job("summarise_adapter_groups.py", scaling_summary_settings),
    message:
        "Sum up: groups of adapters of {wildcards.organism} scaled ({wildcards.model})"
    script:
        "../scripts/summarise_adapter_groups.py"
