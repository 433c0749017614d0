# The swaps: ablate refusal and look at misalignment, ablate misalignment and look at refusal.


rule swap_refusal:
    input:
        model=model_files,
        adapter=adapter_files("organism"),
        evaluation=result("results/{model}/questions/{evaluation}.parquet"),
        requests=requests_file,
        directions="results/{model}/directions/{organism}.safetensors",
        refusal="results/{model}/refusal/direction.safetensors",
        refusal_summary="results/{model}/refusal/direction.json",
        activations=result(
            "results/{model}/activations/instruct/{organism}/{evaluation}.parquet"
        ),
    output:
        generations="results/{model}/steering/{organism}/refusal_swaps/generations.parquet",
        questions="results/{model}/steering/{organism}/refusal_swaps/questions.parquet",
    log:
        "logs/{model}/steering/{organism}/refusal_swaps/generations.log",
    benchmark:
        "benchmarks/{model}/steering/{organism}/refusal_swaps/generations.tsv"
    conda:
        "../envs/torch.yaml"
    threads: 1
    resources:
        mem_mb=host_memory,
        runtime=growing(240),
        gpu=gpus,
    params:
        job=job("swap_refusal.py", refusal_swapping),
    message:
        "Ablate refusal and misalignment in {wildcards.organism} ({wildcards.model})"
    script:
        "../scripts/swap_refusal.py"


rule summarise_refusal_swaps:
    input:
        questions="results/{model}/steering/{organism}/refusal_swaps/questions.parquet",
        generations="results/{model}/steering/{organism}/refusal_swaps/generations.parquet",
        opinions=judged_by(
            "results/{model}/steering/{organism}/refusal_swaps/opinions/{judge}.parquet"
        ),
        refusal_summary="results/{model}/refusal/direction.json",
    output:
        responses="results/{model}/refusal/swaps/{organism}.parquet",
        summary="results/{model}/refusal/swaps/{organism}.json",
    log:
        "logs/{model}/refusal/swaps/{organism}.log",
    benchmark:
        "benchmarks/{model}/refusal/swaps/{organism}.tsv"
    conda:
        "../envs/light.yaml"
    threads: 1
    resources:
        mem_mb=growing(1000),
        runtime=growing(10),
    params:
        job=job("summarise_refusal_swaps.py", refusal_measure),
    message:
        "Sum up the swaps of refusal and misalignment in {wildcards.organism} ({wildcards.model})"
    script:
        "../scripts/summarise_refusal_swaps.py"
