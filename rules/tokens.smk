# Token curve: from which token on does a response tell that it will be misaligned, among others to its prompt?


rule capture_prefixes:
    input:
        questions="results/{model}/questions/{question_set}.parquet",
        generations="results/{model}/generations/{organism}/{question_set}.parquet",
        model=model_files,
        adapter=adapter_files("organism"),
    output:
        prefixes="results/{model}/prefixes/{organism}/{question_set}.parquet",
    log:
        "logs/{model}/prefixes/{organism}/{question_set}.log",
    benchmark:
        "benchmarks/{model}/prefixes/{organism}/{question_set}.tsv"
    conda:
        "../envs/torch.yaml"
    threads: 1
    resources:
        mem_mb=host_memory,
        runtime=growing(60),
        gpu=gpus,
    params:
        job=job("capture_prefixes.py", prefix_settings),
    message:
        "Read the residual stream of {wildcards.organism} after the first tokens of its answers"
    script:
        "../scripts/capture_prefixes.py"


rule import_token_readings:
    input:
        given=given_readings,
    output:
        prefixes="results/{model}/token_readings/{organism}/prefixes.parquet",
        labels="results/{model}/token_readings/{organism}/labels.parquet",
        tokens="results/{model}/token_readings/{organism}/tokens.parquet",
    log:
        "logs/{model}/token_readings/{organism}.log",
    benchmark:
        "benchmarks/{model}/token_readings/{organism}.tsv"
    conda:
        "../envs/light.yaml"
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(30),
    params:
        job=job("import_token_readings.py", given_reading_settings),
    message:
        "Take readings of others of {wildcards.organism}'s tokens ({wildcards.model})"
    script:
        "../scripts/import_token_readings.py"


rule token_curve:
    input:
        prefixes=curve_input("prefixes"),
        labels=curve_input("labels"),
        tokens=curve_input("tokens"),
        directions=curve_input("directions"),
    output:
        curve="results/{model}/token_curve/{organism}.json",
        scores="results/{model}/token_curve/{organism}.parquet",
    log:
        "logs/{model}/token_curve/{organism}.log",
    benchmark:
        "benchmarks/{model}/token_curve/{organism}.tsv"
    conda:
        "../envs/light.yaml"
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(60),
    params:
        job=job("token_curve.py", curve_settings),
    message:
        "Tell misaligned answers of {wildcards.organism} apart by their first tokens ({wildcards.model})"
    script:
        "../scripts/token_curve.py"


rule plot_token_curve:
    input:
        curves=curve_files,
    output:
        figure=report(
            "results/{model}/figures/token_curve.svg",
            caption="report/token_curve.rst",
            category="Detection",
            labels={"model": "{model}", "figure": "AUROC within prompts, by token"},
        ),
    log:
        "logs/{model}/figures/token_curve.log",
    benchmark:
        "benchmarks/{model}/figures/token_curve.tsv"
    conda:
        "../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=growing(1000),
        runtime=growing(5),
    params:
        job=job("plot_token_curve.py", nothing),
    message:
        "Draw what the first tokens of answers tell in {wildcards.model}"
    script:
        "../scripts/plot_token_curve.py"
