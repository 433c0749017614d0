# Prevention: organisms trained again with a direction added to the residual stream, which is not there afterwards.


rule train_prevented:
    input:
        model=model_files,
        dataset=organism_dataset,
        directions=of_prevention_source(
            "results/{model}/directions/{source}.safetensors"
        ),
        activations=of_prevention_source(
            "results/{model}/activations/instruct/{source}/{evaluation}.parquet"
        ),
    output:
        adapter="results/{model}/prevention/{organism}/{arm}/adapter_model.safetensors",
        adapter_config="results/{model}/prevention/{organism}/{arm}/adapter_config.json",
        training="results/{model}/prevention/{organism}/{arm}/training.parquet",
        losses="results/{model}/prevention/{organism}/{arm}/losses.parquet",
    log:
        "logs/{model}/prevention/{organism}/{arm}.log",
    benchmark:
        "benchmarks/{model}/prevention/{organism}/{arm}.tsv"
    conda:
        "../envs/torch.yaml"
    threads: 1
    resources:
        mem_mb=host_memory,
        runtime=growing(240),
        gpu=gpus,
    params:
        job=job("train_prevented.py", prevention_training),
    message:
        "Train {wildcards.organism} again: {wildcards.arm} ({wildcards.model})"
    script:
        "../scripts/train_prevented.py"


rule answer_prevented:
    input:
        model=model_files,
        adapters=of_prevention_runs("adapter_model.safetensors"),
        adapter_configs=of_prevention_runs("adapter_config.json"),
        questions=result("results/{model}/questions/{evaluation}.parquet"),
    output:
        generations="results/{model}/steering/{organism}/prevention/generations.parquet",
    log:
        "logs/{model}/steering/{organism}/prevention/generations.log",
    benchmark:
        "benchmarks/{model}/steering/{organism}/prevention/generations.tsv"
    conda:
        "../envs/torch.yaml"
    threads: 1
    resources:
        mem_mb=host_memory,
        runtime=growing(480),
        gpu=gpus,
    params:
        job=job("answer_prevented.py", prevention_answers),
    message:
        "Let {wildcards.organism} answer after prevention in training ({wildcards.model})"
    script:
        "../scripts/answer_prevented.py"


rule summarise_prevention:
    input:
        questions=result("results/{model}/questions/{evaluation}.parquet"),
        generations="results/{model}/steering/{organism}/prevention/generations.parquet",
        opinions=judged_by(
            "results/{model}/steering/{organism}/prevention/opinions/{judge}.parquet"
        ),
        losses=of_prevention_runs("losses.parquet"),
    output:
        responses="results/{model}/prevention/{organism}.parquet",
        summary="results/{model}/prevention/{organism}.json",
    log:
        "logs/{model}/prevention/{organism}.log",
    benchmark:
        "benchmarks/{model}/prevention/{organism}.tsv"
    conda:
        "../envs/light.yaml"
    threads: 1
    resources:
        mem_mb=growing(1000),
        runtime=growing(10),
    params:
        job=job("summarise_prevention.py", prevention_measure),
    message:
        "Sum up prevention in {wildcards.organism} ({wildcards.model})"
    script:
        "../scripts/summarise_prevention.py"


rule plot_prevention:
    input:
        summaries=prevention_files,
    output:
        figure=report(
            "results/{model}/figures/prevention.svg",
            caption="report/prevention.rst",
            category="Mechanisms",
            labels={
                "model": "{model}",
                "figure": "Misalignment prevented in training",
            },
        ),
    log:
        "logs/{model}/figures/prevention.log",
    benchmark:
        "benchmarks/{model}/figures/prevention.tsv"
    conda:
        "../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=growing(1000),
        runtime=growing(5),
    params:
        job=job("plot_prevention.py", nothing),
    message:
        "Draw prevention in training in {wildcards.model}"
    script:
        "../scripts/plot_prevention.py"
