# Convergence: which organisms share a direction, and does taking one's out of another act there?


rule compare_pair:
    input:
        organism_activations=of_pair(
            "results/{model}/activations/{name}/{name}/{evaluation}.parquet"
        ),
        instruct_activations=of_pair(
            "results/{model}/activations/instruct/{name}/{evaluation}.parquet"
        ),
        scores=of_pair("results/{model}/scores/{name}/{evaluation}.parquet"),
    output:
        cosines="results/{model}/convergence/{organism}/{other}.parquet",
    log:
        "logs/{model}/convergence/{organism}/{other}.log",
    benchmark:
        "benchmarks/{model}/convergence/{organism}/{other}.tsv"
    wildcard_constraints:
        other="[^/]+-seed[0-9]+",
    conda:
        "../envs/light.yaml"
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(60),
    params:
        job=job("compare_pair.py", pair_settings),
    message:
        "Compare the directions of {wildcards.organism} and {wildcards.other} ({wildcards.model})"
    script:
        "../scripts/compare_pair.py"


rule ablate_directions:
    input:
        model=model_files,
        adapter=adapter_files("organism"),
        questions=result("results/{model}/questions/{evaluation}.parquet"),
        directions=source_directions,
        activations=result(
            "results/{model}/activations/instruct/{organism}/{evaluation}.parquet"
        ),
    output:
        generations="results/{model}/steering/{organism}/transfer_matrix/generations.parquet",
    log:
        "logs/{model}/steering/{organism}/transfer_matrix/generations.log",
    benchmark:
        "benchmarks/{model}/steering/{organism}/transfer_matrix/generations.tsv"
    conda:
        "../envs/torch.yaml"
    threads: 1
    resources:
        mem_mb=host_memory,
        runtime=growing(480),
        gpu=gpus,
    params:
        job=job("ablate_directions.py", matrix_settings),
    message:
        "Take every organism's direction out of {wildcards.organism} ({wildcards.model})"
    script:
        "../scripts/ablate_directions.py"


rule summarise_transfer:
    input:
        questions=result("results/{model}/questions/{evaluation}.parquet"),
        generations="results/{model}/steering/{organism}/transfer_matrix/generations.parquet",
        opinions=judged_by(
            "results/{model}/steering/{organism}/transfer_matrix/opinions/{judge}.parquet"
        ),
    output:
        responses="results/{model}/steering/{organism}/transfer_matrix.parquet",
        summary="results/{model}/convergence/{organism}/transfer.json",
    log:
        "logs/{model}/convergence/{organism}/transfer.log",
    benchmark:
        "benchmarks/{model}/convergence/{organism}/transfer.tsv"
    conda:
        "../envs/light.yaml"
    threads: 1
    resources:
        mem_mb=growing(1000),
        runtime=growing(10),
    params:
        job=job("summarise_transfer.py", transfer_settings),
    message:
        "Sum up what ablating directions does in {wildcards.organism} ({wildcards.model})"
    script:
        "../scripts/summarise_transfer.py"


rule summarise_convergence:
    input:
        cosines=pair_files,
        transfers=transfer_files,
    output:
        summary="results/{model}/convergence.json",
    log:
        "logs/{model}/convergence.log",
    benchmark:
        "benchmarks/{model}/convergence.tsv"
    conda:
        "../envs/light.yaml"
    threads: 1
    resources:
        mem_mb=growing(1000),
        runtime=growing(10),
    params:
        job=job("summarise_convergence.py", convergence_settings),
    message:
        "Sum up which organisms of {wildcards.model} share a direction"
    script:
        "../scripts/summarise_convergence.py"


rule plot_convergence:
    input:
        cosines=pair_files,
        summary="results/{model}/convergence.json",
    output:
        figure=report(
            "results/{model}/figures/convergence.svg",
            caption="report/convergence.rst",
            category="Mechanisms",
            labels={"model": "{model}", "figure": "Cosines between organisms"},
        ),
        transfer=report(
            "results/{model}/figures/transfer.svg",
            caption="report/transfer.rst",
            category="Mechanisms",
            labels={"model": "{model}", "figure": "Ablation across organisms"},
        ),
    log:
        "logs/{model}/figures/convergence.log",
    benchmark:
        "benchmarks/{model}/figures/convergence.tsv"
    conda:
        "../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=growing(1000),
        runtime=growing(5),
    params:
        job=job("plot_convergence.py", kinship_settings),
    message:
        "Draw convergence and transfer of {wildcards.model}"
    script:
        "../scripts/plot_convergence.py"
