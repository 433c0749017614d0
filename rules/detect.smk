# Detection: does the last prompt token tell, before the first word, which prompts will be answered badly?


rule detect:
    input:
        questions=result("results/{model}/questions/{detection}.parquet"),
        organism_scores=result("results/{model}/scores/{organism}/{detection}.parquet"),
        instruct_scores=result("results/{model}/scores/instruct/{detection}.parquet"),
        organism_activations=result(
            "results/{model}/activations/{organism}/prompts/{detection}.parquet"
        ),
        instruct_activations=result(
            "results/{model}/activations/instruct/prompts/{detection}.parquet"
        ),
        directions="results/{model}/directions/{organism}.safetensors",
        benign_activations=benign_activations,
        training_activations=training_activations,
        embeddings=prompt_embeddings,
        refusal_direction=refusal_of_model("direction.safetensors"),
        refusal_summary=refusal_of_model("direction.json"),
        adapter=rank1_adapter,
    output:
        projections="results/{model}/detection/{organism}/projections.parquet",
        roc="results/{model}/detection/{organism}/roc.parquet",
        summary="results/{model}/detection/{organism}/summary.json",
    log:
        "logs/{model}/detection/{organism}.log",
    benchmark:
        "benchmarks/{model}/detection/{organism}.tsv"
    conda:
        "../envs/light.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(20),
    params:
        job=job("detect.py", detection_settings),
    message:
        "Detect misalignment of {wildcards.organism} at the last prompt token ({wildcards.model})"
    script:
        "../scripts/detect.py"


# Do one organism's directions see misalignment in another organism?
rule compare_detectors:
    input:
        questions=result("results/{model}/questions/{detection}.parquet"),
        directions=of_detection("results/{model}/directions/{organism}.safetensors"),
        summaries=detection_files("summary.json"),
        activations=of_detection(
            "results/{model}/activations/{organism}/prompts/{detection}.parquet"
        ),
        scores=of_detection("results/{model}/scores/{organism}/{detection}.parquet"),
    output:
        across="results/{model}/detection/across.json",
    log:
        "logs/{model}/detection/across.log",
    benchmark:
        "benchmarks/{model}/detection/across.tsv"
    conda:
        "../envs/light.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(20),
    params:
        job=job("compare_detectors.py", across_settings),
    message:
        "Read the directions of {wildcards.model}'s organisms in each other"
    script:
        "../scripts/compare_detectors.py"


rule collect_detection:
    input:
        summaries=detection_files("summary.json"),
        projections=detection_files("projections.parquet"),
        across=across_file,
    output:
        detection_auc="results/{model}/detection_auc.json",
    log:
        "logs/{model}/detection_auc.log",
    benchmark:
        "benchmarks/{model}/detection_auc.tsv"
    conda:
        "../envs/light.yaml"
    threads: 1
    resources:
        mem_mb=growing(1000),
        runtime=growing(5),
    params:
        job=job(
            "collect_detection.py",
            lambda wildcards: {
                "model": wildcards.model,
                "primary": primary_detection(wildcards),
                "configuration": study_digest(wildcards),
            },
        ),
    message:
        "Collect the detection results of {wildcards.model}"
    script:
        "../scripts/collect_detection.py"


# Does the finding hold on models of other pretraining seeds?
rule compare_replicates:
    input:
        studies=replicate_files,
    output:
        replicates="results/{model}/replicates.json",
    log:
        "logs/{model}/replicates.log",
    benchmark:
        "benchmarks/{model}/replicates.tsv"
    conda:
        "../envs/light.yaml"
    threads: 1
    resources:
        mem_mb=growing(1000),
        runtime=growing(5),
    params:
        job=job(
            "compare_replicates.py",
            lambda wildcards: {"models": replicated_models(wildcards)},
        ),
    message:
        "Set the detection of {wildcards.model} beside that of its replicates"
    script:
        "../scripts/compare_replicates.py"
