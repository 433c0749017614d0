# Ablation of single features in an organism, and the figure of sparse features.


rule ablate_features:
    input:
        model=model_files,
        adapter=adapter_files("organism"),
        questions=result("results/{model}/questions/{evaluation}.parquet"),
        sae="results/{model}/sparse_features/sae.safetensors",
        sae_summary="results/{model}/sparse_features/sae.json",
        summary="results/{model}/sparse_features/{organism}.json",
        activations=result(
            "results/{model}/activations/instruct/{organism}/{evaluation}.parquet"
        ),
    output:
        generations="results/{model}/steering/{organism}/feature_ablation/generations.parquet",
    log:
        "logs/{model}/steering/{organism}/feature_ablation/generations.log",
    benchmark:
        "benchmarks/{model}/steering/{organism}/feature_ablation/generations.tsv"
    conda:
        "../envs/torch.yaml"
    threads: 1
    resources:
        mem_mb=host_memory,
        runtime=growing(240),
        gpu=gpus,
    params:
        job=job("ablate_features.py", feature_ablating),
    message:
        "Ablate single features in {wildcards.organism} ({wildcards.model})"
    script:
        "../scripts/ablate_features.py"


rule summarise_feature_ablation:
    input:
        questions=result("results/{model}/questions/{evaluation}.parquet"),
        generations="results/{model}/steering/{organism}/feature_ablation/generations.parquet",
        opinions=judged_by(
            "results/{model}/steering/{organism}/feature_ablation/opinions/{judge}.parquet"
        ),
    output:
        responses="results/{model}/sparse_features/ablation/{organism}.parquet",
        summary="results/{model}/sparse_features/ablation/{organism}.json",
    log:
        "logs/{model}/sparse_features/ablation/{organism}.log",
    benchmark:
        "benchmarks/{model}/sparse_features/ablation/{organism}.tsv"
    conda:
        "../envs/light.yaml"
    threads: 1
    resources:
        mem_mb=growing(1000),
        runtime=growing(10),
    params:
        job=job("summarise_feature_ablation.py", feature_measure),
    message:
        "Sum up what ablating features does in {wildcards.organism} ({wildcards.model})"
    script:
        "../scripts/summarise_feature_ablation.py"


rule plot_sparse_features:
    input:
        sae="results/{model}/sparse_features/sae.json",
        texts="results/{model}/sparse_features/texts.parquet",
        summaries=feature_files("results/{model}/sparse_features/{organism}.json"),
        ablations=feature_files(
            "results/{model}/sparse_features/ablation/{organism}.json"
        ),
    output:
        figure=report(
            "results/{model}/figures/sparse_features.svg",
            caption="report/sparse_features.rst",
            category="Mechanisms",
            labels={"model": "{model}", "figure": "Sparse features"},
        ),
    log:
        "logs/{model}/figures/sparse_features.log",
    benchmark:
        "benchmarks/{model}/figures/sparse_features.tsv"
    conda:
        "../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=growing(1000),
        runtime=growing(5),
    params:
        job=job("plot_sparse_features.py", feature_plot),
    message:
        "Draw the sparse features of {wildcards.model}"
    script:
        "../scripts/plot_sparse_features.py"
