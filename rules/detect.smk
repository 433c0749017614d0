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


rule collect_detection:
    input:
        summaries=detection_files("summary.json"),
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
