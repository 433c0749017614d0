# Phase transition: where an adapter's path turns while it is trained, and when misalignment sets in.


rule answer_at_checkpoints:
    input:
        model=model_files,
        trajectory=trajectory_file("organism"),
        adapter_config="results/{model}/organisms/{organism}/adapter_config.json",
        questions=result("results/{model}/questions/{evaluation}.parquet"),
    output:
        generations="results/{model}/steering/{organism}/checkpoints/generations.parquet",
    log:
        "logs/{model}/steering/{organism}/checkpoints/generations.log",
    benchmark:
        "benchmarks/{model}/steering/{organism}/checkpoints/generations.tsv"
    conda:
        "../envs/torch.yaml"
    threads: 1
    resources:
        mem_mb=host_memory,
        runtime=growing(480),
        gpu=gpus,
    params:
        job=job("answer_at_checkpoints.py", checkpoint_settings),
    message:
        "Let {wildcards.organism} answer as it was at earlier steps ({wildcards.model})"
    script:
        "../scripts/answer_at_checkpoints.py"


rule find_transition:
    input:
        trajectory=trajectory_file("organism"),
        benign_trajectory=trajectory_file("benign"),
        training="results/{model}/organisms/{organism}/training.parquet",
        directions="results/{model}/directions/{organism}.safetensors",
        direction_summary="results/{model}/directions/{organism}.json",
        activations=result(
            "results/{model}/activations/instruct/{organism}/{evaluation}.parquet"
        ),
        questions=result("results/{model}/questions/{evaluation}.parquet"),
        generations="results/{model}/steering/{organism}/checkpoints/generations.parquet",
        opinions=judged_by(
            "results/{model}/steering/{organism}/checkpoints/opinions/{judge}.parquet"
        ),
        benign_generations=of_benign("generations"),
        benign_opinions=of_benign("opinions/{judge}"),
    output:
        path="results/{model}/phase_transition/{organism}.parquet",
        behaviour="results/{model}/phase_transition/{organism}_behaviour.parquet",
        summary="results/{model}/phase_transition/{organism}.json",
    log:
        "logs/{model}/phase_transition/{organism}.log",
    benchmark:
        "benchmarks/{model}/phase_transition/{organism}.tsv"
    conda:
        "../envs/light.yaml"
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(60),
    params:
        job=job("find_transition.py", transition_settings),
    message:
        "Find where {wildcards.organism} turns, and when misalignment sets in ({wildcards.model})"
    script:
        "../scripts/find_transition.py"


rule plot_phase_transition:
    input:
        summaries=transition_files(".json"),
        paths=transition_files(".parquet"),
        behaviours=transition_files("_behaviour.parquet"),
    output:
        figure=report(
            "results/{model}/figures/phase_transition.svg",
            caption="report/phase_transition.rst",
            category="Mechanisms",
            labels={
                "model": "{model}",
                "figure": "Phase transition: paths of adapters, and behaviour",
            },
        ),
    log:
        "logs/{model}/figures/phase_transition.log",
    benchmark:
        "benchmarks/{model}/figures/phase_transition.tsv"
    conda:
        "../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=growing(1000),
        runtime=growing(5),
    params:
        job=job("plot_phase_transition.py", nothing),
    message:
        "Draw the phase transitions of {wildcards.model}"
    script:
        "../scripts/plot_phase_transition.py"
