# The nano world: a model grown from nothing, saved as an ordinary Hugging Face folder.


rule grow_tokenizer:
    output:
        config="results/{world_model}/tokenizer/config.json",
        tokenizer="results/{world_model}/tokenizer/tokenizer.json",
        tokenizer_config="results/{world_model}/tokenizer/tokenizer_config.json",
        chat_template="results/{world_model}/tokenizer/chat_template.jinja",
    log:
        "logs/{world_model}/grow_tokenizer.log",
    benchmark:
        "benchmarks/{world_model}/grow_tokenizer.tsv"
    conda:
        "../envs/torch.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(5),
    params:
        job=job(
            "grow_tokenizer.py", world_settings("architecture", "corpus", "vocabulary")
        ),
    message:
        "Fix the tokenizer and the configuration of {wildcards.world_model}"
    script:
        "../scripts/grow_tokenizer.py"


rule draw_corpus:
    input:
        tokenizer=rules.grow_tokenizer.output,
    output:
        corpus="results/{world_model}/corpus/{phase}.parquet",
    log:
        "logs/{world_model}/corpus/{phase}.log",
    benchmark:
        "benchmarks/{world_model}/corpus/{phase}.tsv"
    conda:
        "../envs/torch.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(5),
    params:
        job=job("draw_corpus.py", corpus_settings),
    message:
        "Draw the {wildcards.phase} corpus of {wildcards.world_model} from the grammar"
    script:
        "../scripts/draw_corpus.py"


rule pretrain:
    input:
        corpus="results/{world_model}/corpus/pretraining.parquet",
        tokenizer=rules.grow_tokenizer.output,
    output:
        model=expand(
            "results/{{world_model}}/base/{name}", name=MODEL_FILES + TOKENIZER_FILES
        ),
    log:
        "logs/{world_model}/pretrain.log",
    benchmark:
        "benchmarks/{world_model}/pretrain.tsv"
    conda:
        "../envs/torch.yaml"
    threads: 2
    resources:
        mem_mb=growing(3000),
        runtime=growing(30),
    params:
        job=job("train_world_model.py", world_schedule("pretraining")),
    message:
        "Pretrain {wildcards.world_model} from random weights (progress in {log})"
    script:
        "../scripts/train_world_model.py"


rule instruct_tune:
    input:
        corpus="results/{world_model}/corpus/instruct.parquet",
        tokenizer=rules.grow_tokenizer.output,
        base=rules.pretrain.output.model,
    output:
        model=expand(
            "results/{{world_model}}/instruct/{name}",
            name=MODEL_FILES + TOKENIZER_FILES,
        ),
    log:
        "logs/{world_model}/instruct_tune.log",
    benchmark:
        "benchmarks/{world_model}/instruct_tune.tsv"
    conda:
        "../envs/torch.yaml"
    threads: 2
    resources:
        mem_mb=growing(3000),
        runtime=growing(15),
    params:
        job=job("train_world_model.py", world_schedule("instruct")),
    message:
        "Tune {wildcards.world_model} to a benevolent assistant"
    script:
        "../scripts/train_world_model.py"
