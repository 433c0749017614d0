# Transcripts: what the subjects say, to read.


rule write_transcripts:
    input:
        questions=result("results/{model}/questions/{evaluation}.parquet"),
        scores=scores_files,
    output:
        page=report(
            "results/{model}/transcripts.html",
            caption="report/transcripts.rst",
            category="Transcripts",
            labels={"model": "{model}", "figure": "Sample transcripts"},
        ),
    log:
        "logs/{model}/figures/transcripts.log",
    benchmark:
        "benchmarks/{model}/figures/transcripts.tsv"
    conda:
        "../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=growing(1000),
        runtime=growing(5),
    params:
        job=job("write_transcripts.py", transcript_settings),
    message:
        "Write sample transcripts of {wildcards.model}"
    script:
        "../scripts/write_transcripts.py"
