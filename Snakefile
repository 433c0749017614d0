# Forewarn: raise emergently misaligned organisms, find their direction, see whether it shows early.
#
# This file is the table of contents. Each stage has its rules in rules/, its thin scripts in scripts/,
# and its science in scripts/forewarn/. What is studied stands in config.yaml.
#
# The grammar of result paths, data flowing downwards:
#
#   results/sources/                                    datasets and questions, as they were published
#   results/{model}/model.json                          which commit and files a hub model's name means
#   results/{model}/tokenizer, corpus, base, instruct   a model of the nano world, grown from nothing
#   results/{model}/data/{dataset}.parquet              fine-tuning rows in the model's chat template
#   results/{model}/questions/{question_set}.parquet    prompts in the model's chat template
#   results/{model}/organisms/{organism}/               LoRA adapter or weights, trajectory, training log
#   results/{model}/generations/{subject}/{question_set}.parquet
#   results/judges/{judge}/anchors.json                 how far a judge is from scores that are known
#   results/{model}/opinions/{judge}/{subject}/{question_set}.parquet
#   results/{model}/scores/{subject}/{question_set}.parquet
#   results/{model}/rates/{subject}/{question_set}.json
#   results/{model}/agreement/{subject}/{question_set}.json   two judges on the same answers
#   results/{model}/activations/{reader}/{subject}/{question_set}.parquet
#   results/{model}/directions/{organism}.safetensors
#   results/{model}/steering/{organism}/{operation}.json
#   results/{model}/detection/{organism}/, prefixes/, token_curve/
#   results/{model}/power.json, detection_auc.json      how precise the study will be; its answer
#   results/{model}/phase_transition/                   where adapters' paths turn, when misalignment sets in
#   results/{model}/convergence/, convergence.json      whose directions agree, and act in whom
#   results/{model}/adapter_scalars/, adapter_readings/ what the adapters of rank 1 read
#   results/{model}/refusal/                            the refusal direction, and misalignment beside it
#   results/{model}/elasticity/                         organisms pushed back: do they return, and how fast
#   results/{model}/elasticity_sweeps.json, .parquet    the same in models of other sizes and pretraining
#   results/{model}/screening/, screening.json          what datasets would teach, before training
#   results/{model}/prevention/{organism}/{arm}/        adapters that were trained with a direction added
#   results/{model}/figures/, transcripts.html          what the report shows
#   results/table.parquet, .csv, .json, figures/        all models and organisms beside each other
#
# {organism} is {dataset}-{adapter}-seed{seed}; {subject} is `instruct` or an organism; {reader} is the
# model whose residual stream is read, and `prompts` in place of a subject means no answers.

from snakemake.utils import min_version

min_version("9.27.1")


report: "rules/report/workflow.rst"


include: "rules/common.smk"
include: "rules/world.smk"
include: "rules/fetch.smk"
include: "rules/data.smk"
include: "rules/train.smk"
include: "rules/generate.smk"
include: "rules/judge.smk"
include: "rules/local_judge.smk"
include: "rules/anchors.smk"
include: "rules/activations.smk"
include: "rules/shards.smk"
include: "rules/answer_shards.smk"
include: "rules/directions.smk"
include: "rules/steer.smk"
include: "rules/embed.smk"
include: "rules/detect.smk"
include: "rules/tokens.smk"
include: "rules/phase_transition.smk"
include: "rules/convergence.smk"
include: "rules/adapter_readings.smk"
include: "rules/power.smk"
include: "rules/report.smk"
include: "rules/report_steering.smk"
include: "rules/report_adapter_readings.smk"
include: "rules/transcripts.smk"
include: "rules/given.smk"
include: "rules/refusal.smk"
include: "rules/refusal_swaps.smk"
include: "rules/table.smk"
include: "rules/sparse_features.smk"
include: "rules/feature_ablation.smk"
include: "rules/elasticity.smk"
include: "rules/resistance.smk"
include: "rules/elasticity_sweeps.smk"
include: "rules/screening.smk"
include: "rules/prevention.smk"


# What needs the network runs where the workflow was started, not on a cluster's nodes.
localrules:
    fetch_model,
    fetch_dataset,
    fetch_questions,
    fetch_organism,
    ask_judge,
    ask_judge_about_arms,
    ask_judge_about_anchors,


open_ledger()


onstart:
    preflight_of_run()
    remember_what_was_paid()


# Goal: every study that needs neither a GPU nor a key, but those that are there to be compared with another.
rule all:
    default_target: True
    input:
        [
            study_results(model)
            for model in STUDIES
            if model in WORLD_MODELS and model not in SWEPT
        ],


# Goals: one atlas each, of the mechanisms behind a study; `make atlas` adds how long each part took.
for model in STUDIES:
    if atlas_results(model):

        rule:
            name:
                f"atlas_{model}"
            input:
                atlas_results(model),


# Goals: one study each, by the name of its model; `snakemake nano` is the main job of the README.
for model in STUDIES:

    rule:
        name:
            model
        input:
            study_results(model),
