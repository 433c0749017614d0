# Sparse features: an autoencoder, trained here or published, and organisms read through it.


rule train_sae:
    input:
        model=model_files,
        questions=result("results/{model}/questions/{evaluation}.parquet"),
        generations=result("results/{model}/generations/instruct/{evaluation}.parquet"),
        datasets=sae_dataset_files,
    output:
        sae="results/{model}/sparse_features/sae.safetensors",
        source="results/{model}/sparse_features/source.json",
    log:
        "logs/{model}/sparse_features/sae.log",
    benchmark:
        "benchmarks/{model}/sparse_features/sae.tsv"
    wildcard_constraints:
        model=f"(?!(?:{among(PUBLISHED_SAES)})/)[^/]+",
    conda:
        "../envs/torch.yaml"
    threads: 1
    resources:
        mem_mb=host_memory,
        runtime=growing(240),
        gpu=gpus,
    params:
        job=job("train_sae.py", sae_training),
    message:
        "Train a sparse autoencoder on {wildcards.model}"
    script:
        "../scripts/train_sae.py"


rule fetch_sae:
    output:
        sae="results/{model}/sparse_features/sae.safetensors",
        source="results/{model}/sparse_features/source.json",
    log:
        "logs/{model}/sparse_features/fetch.log",
    benchmark:
        "benchmarks/{model}/sparse_features/fetch.tsv"
    wildcard_constraints:
        model=among(PUBLISHED_SAES),
    conda:
        "../envs/torch.yaml"
    threads: 1
    resources:
        mem_mb=growing(8000),
        runtime=growing(120),
    params:
        job=job("fetch_sae.py", sae_published),
    message:
        "Fetch the sparse autoencoder of {wildcards.model} from the hub"
    script:
        "../scripts/fetch_sae.py"


rule read_sae:
    input:
        model=model_files,
        questions=result("results/{model}/questions/{evaluation}.parquet"),
        generations=result("results/{model}/generations/instruct/{evaluation}.parquet"),
        datasets=sae_dataset_files,
        sae="results/{model}/sparse_features/sae.safetensors",
        source="results/{model}/sparse_features/source.json",
    output:
        summary="results/{model}/sparse_features/sae.json",
        texts="results/{model}/sparse_features/texts.parquet",
    log:
        "logs/{model}/sparse_features/texts.log",
    benchmark:
        "benchmarks/{model}/sparse_features/texts.tsv"
    conda:
        "../envs/torch.yaml"
    threads: 1
    resources:
        mem_mb=host_memory,
        runtime=growing(120),
        gpu=gpus,
    params:
        job=job("read_sae.py", sae_reading),
    message:
        "Measure the sparse autoencoder of {wildcards.model}, and find its features' texts"
    script:
        "../scripts/read_sae.py"


rule read_features:
    input:
        model=model_files,
        adapter=adapter_files("organism"),
        questions=result("results/{model}/questions/{evaluation}.parquet"),
        generations=result(
            "results/{model}/generations/{organism}/{evaluation}.parquet"
        ),
        sae="results/{model}/sparse_features/sae.safetensors",
    output:
        readings="results/{model}/sparse_features/readings/{organism}.parquet",
    log:
        "logs/{model}/sparse_features/readings/{organism}.log",
    benchmark:
        "benchmarks/{model}/sparse_features/readings/{organism}.tsv"
    conda:
        "../envs/torch.yaml"
    threads: 1
    resources:
        mem_mb=host_memory,
        runtime=growing(120),
        gpu=gpus,
    params:
        job=job("read_features.py", feature_reading),
    message:
        "Read the features of {wildcards.organism} and of the instruct model ({wildcards.model})"
    script:
        "../scripts/read_features.py"


rule decompose_features:
    input:
        sae="results/{model}/sparse_features/sae.safetensors",
        readings="results/{model}/sparse_features/readings/{organism}.parquet",
        directions="results/{model}/directions/{organism}.safetensors",
        organism_activations=result(
            "results/{model}/activations/{organism}/{organism}/{evaluation}.parquet"
        ),
        instruct_activations=result(
            "results/{model}/activations/instruct/{organism}/{evaluation}.parquet"
        ),
        scores=result("results/{model}/scores/{organism}/{evaluation}.parquet"),
    output:
        features="results/{model}/sparse_features/{organism}.parquet",
        summary="results/{model}/sparse_features/{organism}.json",
    log:
        "logs/{model}/sparse_features/{organism}.log",
    benchmark:
        "benchmarks/{model}/sparse_features/{organism}.tsv"
    wildcard_constraints:
        organism="[^/]+-seed[0-9]+",
    conda:
        "../envs/light.yaml"
    threads: 1
    resources:
        mem_mb=growing(8000),
        runtime=growing(120),
    params:
        job=job("decompose_features.py", feature_decomposing),
    message:
        "Decompose the directions and the shift of {wildcards.organism} ({wildcards.model})"
    script:
        "../scripts/decompose_features.py"
