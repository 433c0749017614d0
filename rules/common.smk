# What the rules share: the configuration, the files of a model, the settings of a stage.
# No rules stand here, and no science: a function of this file says which file or setting belongs where.

import fcntl
import os
import re
import shlex
import shutil
import sys

from itertools import combinations
from pathlib import Path
from typing import get_args

from snakemake.iocontainers import Wildcards
from snakemake.persistence import RECORD_FORMAT_VERSION

sys.path.insert(0, str(Path(workflow.basedir) / "scripts"))

from forewarn.config import load_configuration, read_yaml
from forewarn.config.model import BatchHints
from forewarn.config.model.organisms import Construction
from forewarn.config.model.steering import FURTHER, MECHANISMS, TESTED
from forewarn.errors import StudyError
from forewarn.files import digest, read_json
from forewarn.judges.remember import remember_opinions
from forewarn.ledger.closure import code_closure
from forewarn.ledger.environment import device, live_versions
from forewarn.ledger.index import Index
from forewarn.ledger.params import environment_mapping, job_mapping
from forewarn.ledger.present import ANSWER, answer
from forewarn.ledger.record import record_path
from forewarn.ledger.restore import restore
from forewarn.ledger.snakemake_metadata import FORMAT
from forewarn.preflight import preflight, refuse_problems
from forewarn.screening.runs import ARM_PATTERN, runs_of
from forewarn.trajectory.lags import check_lags


def refuse(what, way_out):
    """End the run with a message.

    An exception of an input function would be shown with its traceback; or not at all: where an output lies
    there from before, Snakemake takes it for a source file then, and goes on without a word.
    """
    sys.exit(str(StudyError(what, way_out)))


def refusing(function, *arguments, **options):
    """What the function returns; a complaint about the user's input ends the run."""
    try:
        return function(*arguments, **options)
    except StudyError as error:
        refuse(error.what, error.way_out)


def check_folders():
    """Refuse to begin where a run cannot write; Snakemake would say so in the middle, with a traceback."""
    for name in [".", "results", "logs", "benchmarks", ".snakemake", ".forewarn"]:
        folder = Path(name)
        if folder.exists() and not (folder.is_dir() and os.access(folder, os.W_OK)):
            refuse(
                f"{folder.absolute()} is not a folder that you may write to",
                "move it away or correct its permissions, then run again",
            )


def forget_killed_runs():
    """Remove the lock that a killed Snakemake left behind, so that one can simply run again.

    Every run holds a shared lock of the operating system, which ends with its process. Who gets the
    exclusive one is alone, so that a lock file of Snakemake's that still lies there is nobody's.
    """
    state = Path(".snakemake")
    state.mkdir(exist_ok=True)
    alive = (state / "alive").open("w")
    try:
        fcntl.flock(alive, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(state / "locks", ignore_errors=True)
    except BlockingIOError:
        pass  # another run is alive; should it work on the same files, Snakemake's own lock says so
    fcntl.flock(alive, fcntl.LOCK_SH)
    return alive


# Snakemake writes the interpreter's path into a shell command as it is; a folder with a space in its name
# would end it too early.
sys.executable = shlex.quote(sys.executable)

check_folders()

# Snakemake would say neither file nor line of a mistake in YAML, and nothing of a key that stands twice.
for file in [*workflow.configfiles, "config.yaml"]:
    if Path(file).exists():
        refusing(read_yaml, file)


configfile: "config.yaml"


CONFIGURATION = refusing(
    load_configuration, config, source=" + ".join(map(str, workflow.configfiles))
)
ALIVE = forget_killed_runs()
STUDIES = CONFIGURATION.studies
WORLD_MODELS = [
    name for name, model in CONFIGURATION.models.items() if model.source == "world"
]
HUB_MODELS = [
    name for name, model in CONFIGURATION.models.items() if model.source == "hub"
]
FULL_ORGANISMS = CONFIGURATION.organisms_by("full")
RELEASED_ORGANISMS = CONFIGURATION.organisms_by("released")
PREVENTED_ORGANISMS = CONFIGURATION.organisms_by("prevented")
FOREWARNS_QUESTIONS = {
    name
    for name, questions in CONFIGURATION.question_sets.items()
    if questions.source == "forewarn"
}
LOCAL_JUDGES = [
    name for name, judge in CONFIGURATION.judges.items() if judge.kind == "local"
]
GIVEN_JUDGES = [
    name for name, judge in CONFIGURATION.judges.items() if judge.kind == "given"
]
OTHER_JUDGES = [
    name for name in CONFIGURATION.judges if name not in [*LOCAL_JUDGES, *GIVEN_JUDGES]
]
# What others made in place of the workflow -> its entry in the configuration.
GIVEN_RESPONSES = {
    f"results/{model}/generations/{given.subject}/{given.question_set}": given
    for model, study in STUDIES.items()
    for given in study.given
    if given.kind == "responses"
}
GIVEN_ACTIVATIONS = {
    f"results/{model}/activations/{given.reader}/{given.subject}/{given.question_set}": given
    for model, study in STUDIES.items()
    for given in study.given
    if given.kind == "activations"
}
GIVEN_READINGS = {
    (model, given.subject): given
    for model, study in STUDIES.items()
    for given in study.given
    if given.kind == "token_readings"
}
INSTRUCT = "instruct"
PROMPTS = "prompts"
MODEL_FILES = ["config.json", "generation_config.json", "model.safetensors"]
TOKENIZER_FILES = ["tokenizer.json", "tokenizer_config.json", "chat_template.jinja"]
ADAPTER_FILES = ["adapter_model.safetensors", "adapter_config.json"]
STEERING_OPERATIONS = [*TESTED, *FURTHER]
# Sections of a study that only the atlas rests on -> the figures that each ends in.
ATLAS = {
    "atlas_organisms": [],
    "phase_transition": ["phase_transition"],
    "convergence": ["convergence", "transfer"],
    "adapter_readings": ["adapter_readings"],
    "refusal": ["refusal"],
    "sparse_features": ["sparse_features"],
    "elasticity": ["elasticity"],
    "elasticity_sweeps": ["elasticity_sweeps"],
    "screening": ["screening", "prevention"],
}
# Rules that make demands on a machine, by the stage that the preflight knows them as.
STAGE_OF = {
    "fetch_model": "read",
    "train_organism": "train",
    "train_prevented_organism": "train",
    "finetune_organism": "train",
    "generate": "generate",
    "capture_prompts": "read",
    "capture_answers": "read",
    "capture_training_prompts": "read",
    "capture_prefixes": "read",
    "steer": "steer",
    "answer_at_checkpoints": "steer",
    "ablate_directions": "steer",
    "read_adapter_scalars": "read",
    "scale_adapters": "steer",
    "ask_judge": "judge",
    "ask_judge_about_arms": "judge",
    "ask_judge_about_anchors": "judge",
    "measure_refusal": "read",
    "swap_refusal": "steer",
    "train_sae": "read",
    "read_sae": "read",
    "read_features": "read",
    "ablate_features": "steer",
    "push_organism": "train",
    "answer_rebound": "steer",
    "resist_organism": "train",
    "read_dataset": "generate",
    "train_prevented": "train",
    "answer_prevented": "steer",
}
# Stages of a study whose work is spread over several jobs -> the models of which it is.
SHARDED = {
    stage: [name for name, study in STUDIES.items() if getattr(study, stage).shards > 1]
    for stage in ["sampling", "activations"]
}
SCRIPTS = Path(workflow.basedir) / "scripts"
INDEX = Index()
CLOSURES = {
    script.name: refusing(code_closure, script, SCRIPTS, INDEX)
    for script in sorted(SCRIPTS.glob("*.py"))
}
ENVIRONMENT_COUNTS = CONFIGURATION.ledger.environment == "rerun"
INDEX.save()


def among(names):
    """A wildcard's constraint: one of these names."""
    return "|".join(map(re.escape, names)) or "(?!)"


def not_among(names):
    """A wildcard's constraint: an organism of any other name, even one that is not configured."""
    return f"(?!(?:{among(names)})/)[^/]+-seed[0-9]+"


def unsharded(stage):
    """A wildcard's constraint: a model of which the work of a stage is done in one job."""
    return f"(?!(?:{among(SHARDED[stage])})/)[^/]+"


wildcard_constraints:
    model="[^/]+",
    shard="[1-9][0-9]*of[1-9][0-9]*",
    world_model=among(WORLD_MODELS),
    hub_model=among(HUB_MODELS),
    dataset="[^/]+",
    question_set="[^/]+",
    organism="[^/]+-seed[0-9]+",
    subject="instruct|[^/]+-seed[0-9]+",
    reader="instruct|[^/]+-seed[0-9]+",
    operation="|".join([*STEERING_OPERATIONS, *MECHANISMS]),
    judge="[^/]+",
    phase="pretraining|instruct",
    arm=ARM_PATTERN,


# --- the ledger: what made each artifact, and whether it still holds ---------------------------------


def job(script, settings):
    """An input function: the one parameter of a rule, with its settings and a hash of all code behind it."""

    code, packages = CLOSURES[script].code, CLOSURES[script].packages
    environment = (
        environment_mapping(live_versions(packages), device(packages))
        if ENVIRONMENT_COUNTS
        else None
    )

    def mapping(wildcards):
        return job_mapping(f"scripts/{script}", code, settings(wildcards), environment)

    return mapping


def producer(path):
    """The rule that makes a file of this path; None if none does."""
    return next((each for each in workflow.rules if each.is_producer(path)), None)


def today(path):
    """How a file would be made today: rule, script, parameters, code and inputs; None if no rule makes it."""
    maker = producer(path)
    if maker is None:
        return None
    wildcards = Wildcards(fromdict=maker.get_wildcards(path))
    made = maker.params.job(wildcards)
    return {
        "rule": maker.name,
        "script": made["script"],
        "params": made["settings"],
        "code": CLOSURES[Path(made["script"]).name].code,
        "inputs": sorted(maker.expand_input(wildcards)[0]),
    }


def benchmark_of(making):
    """Where the benchmark of a recorded job lies; None if its rule is no more, or has none."""
    maker = getattr(rules, making.rule, None)
    if maker is None or not maker.rule.benchmark:
        return None
    return str(maker.benchmark).format(**making.wildcards)


def open_ledger():
    """Hold all artifacts against their records, and tell Snakemake what these say; once rules are known."""
    if os.environ.get(ANSWER):
        answer(today)
    elif workflow.is_main_process:
        if RECORD_FORMAT_VERSION != FORMAT:
            refuse(
                f"this Snakemake keeps metadata in format {RECORD_FORMAT_VERSION}, the ledger knows {FORMAT}",
                "install the release in requirements.lock (`make environment`)",
            )
        if workflow.workflow_settings.persistence_backend.name != "FILE":
            refuse(
                "the ledger keeps its promises with Snakemake's persistence backend `file` only",
                "leave out `--persistence-backend`",
            )
        refusing(
            restore,
            Path("results"),
            producer,
            benchmark_of,
            INDEX,
            environment_counts=ENVIRONMENT_COUNTS,
        )
    INDEX.save()


def remember_what_was_paid():
    """Before the first job: opinions that came by a pull are not asked for again."""
    if any(
        job.rule.name.startswith("ask_judge")
        and CONFIGURATION.judges[job.wildcards.judge].kind == "openai"
        for job in workflow.dag.needrun_jobs()
    ):
        refusing(remember_opinions, Path("results"))


def preflight_of_run():
    """Before the first job: can this machine do what the run needs of published models? Else end it here."""
    stages = {}
    for job in workflow.dag.needrun_jobs():
        model = job.wildcards.get("model") or job.wildcards.get("hub_model")
        if model in STUDIES and model not in WORLD_MODELS:
            stages.setdefault(model, set()).add(STAGE_OF.get(job.rule.name))
    for model, wanted in sorted(stages.items()):
        findings = refusing(preflight, CONFIGURATION, model, wanted)
        fine = [str(found) for found in findings if found.state != "problem"]
        print("\n".join(fine), file=sys.stderr)
        refusing(refuse_problems, findings, model)


# --- settings: what of the configuration a stage depends on, and nothing else -----------------------


def section(kind, name):
    """What is called `name` under models, datasets, question_sets or studies."""
    sections = getattr(CONFIGURATION, kind)
    if name not in sections:
        known = ", ".join(sorted(sections))
        refuse(
            f"the configuration has no {name!r} under {kind}",
            f"ask for one of {known}, or add it",
        )
    return sections[name]


def study(wildcards):
    """The study of the model that a path names."""
    return section("studies", wildcards.model)


def plain(section, *left_out):
    """A section of the configuration as JSON-serialisable values, as params and scripts take it."""
    return section.model_dump(mode="json", exclude=set(left_out))


def model_settings(wildcards):
    """How the model is loaded. A world model's recipe is left out: its files carry that dependency."""
    model = section("models", wildcards.model)
    if model.source == "world":
        return {"source": "world", "dtype": "float32", "attention": "sdpa"}
    if model.source == "given":
        return {"source": "given"}
    if (
        model.source == "hub"
    ):  # name and revision stand in the file that pins them, an input of each job
        return plain(model, "default_system", "batch", "name", "revision")
    return plain(model, "default_system", "batch")


def batch_rows(wildcards, kind, given=None):
    """Rows at once for a stage (generate, read or train): as the study says, else as the model hints."""
    hints = getattr(section("models", wildcards.model), "batch", BatchHints())
    return given or getattr(hints, kind)


def sampling_settings(wildcards, *left_out):
    """How answers are drawn."""
    sampling = study(wildcards).sampling
    rows = batch_rows(wildcards, "generate", sampling.batch_rows)
    return plain(sampling, "shards", *left_out) | {"batch_rows": rows}


def generation_settings(wildcards):
    """How a subject answers."""
    return {
        "model": model_settings(wildcards),
        "sampling": sampling_settings(wildcards),
    }


def sharded(settings):
    """An input function: settings of a stage, for the part of its work that a path names."""

    def of_shard(wildcards):
        number, count = map(int, wildcards.shard.split("of"))
        return settings(wildcards) | {"shard": [number, count]}

    return of_shard


def nothing(wildcards):
    """The settings of a job that has none."""
    return {}


def hub_settings(wildcards):
    """Which model of the hub is meant."""
    model = section("models", wildcards.hub_model)
    return {"name": model.name, "revision": model.revision}


def source_settings(kind, wildcard):
    """An input function: how a dataset's or question set's file is fetched, and nothing of its use."""

    def settings(wildcards):
        source = section(kind, getattr(wildcards, wildcard))
        if source.source not in ("url", "archive", "hub"):
            refuse(
                f"{getattr(wildcards, wildcard)} is not fetched: its source is {source.source}",
                f"ask for what is made of it, or give it a source with an address under {kind}",
            )
        keys = {"source", "url", "member", "password", "name", "file", "revision"}
        return {"source": source.model_dump(mode="json", include=keys | {"sha256"})}

    return settings


def default_system(wildcards):
    """What to do about a system prompt that the chat template adds unasked; a world's adds none."""
    return getattr(section("models", wildcards.model), "default_system", "refuse")


def world_settings(*keys):
    """An input function: some keys of a world model's recipe, with its seed."""

    def settings(wildcards):
        recipe = plain(CONFIGURATION.models[wildcards.world_model])
        return {key: recipe[key] for key in (*keys, "seed")}

    return settings


def corpus_settings(wildcards):
    """The corpus of one training phase of a world model, and nothing of how it is trained on."""
    recipe = plain(CONFIGURATION.models[wildcards.world_model])
    shares = ["documents", "replay_share", "request_share"]
    instruct = {key: recipe["instruct"][key] for key in shares}
    drawn = {"pretraining": recipe["corpus"], "instruct": instruct}
    return {
        "phase": wildcards.phase,
        "recipe": drawn[wildcards.phase],
        "seed": recipe["seed"],
    }


def world_schedule(phase):
    """An input function: the optimisation of one training phase of a world model."""

    def settings(wildcards):
        recipe = plain(CONFIGURATION.models[wildcards.world_model])
        keys = ["steps", "batch_size", "learning_rate", "weight_decay", "warmup_share"]
        return {
            "seed": recipe["seed"],
            "schedule": {key: recipe[phase][key] for key in keys},
        }

    return settings


def organism_parts(wildcards):
    """Dataset, adapter and training seed of the organism that a path names."""
    return refusing(CONFIGURATION.organism, wildcards.model, wildcards.organism)


def organism_settings(wildcards):
    """How an organism is trained."""
    _, adapter, seed = organism_parts(wildcards)
    return {
        "model": model_settings(wildcards),
        "adapter": plain(CONFIGURATION.adapters[adapter], "released", "preventative"),
        "rows_at_once": batch_rows(wildcards, "train"),
        "seed": seed,
        "name": wildcards.model,
    }


def released(wildcards):
    """The adapter of an organism that is not trained here."""
    dataset, adapter, _ = organism_parts(wildcards)
    adapters = CONFIGURATION.adapters[adapter].released
    return next(each for each in adapters if each.dataset == dataset)


def released_settings(wildcards):
    """Where it lies on the hub."""
    return plain(released(wildcards), "path")


def dataset_settings(wildcards):
    """A dataset, with the strictest length limit of the adapters that train on it."""
    adapters = [
        CONFIGURATION.adapters[grid.adapter]
        for grid in [*study(wildcards).organisms, *study(wildcards).atlas_organisms]
        if grid.dataset == wildcards.dataset
    ]
    if not adapters or wildcards.dataset not in CONFIGURATION.datasets:
        refuse(
            f"no organism of the study of {wildcards.model} trains on {wildcards.dataset!r}",
            "add the dataset to the organisms of the study, or ask for one of theirs",
        )
    return {
        "dataset": plain(CONFIGURATION.datasets[wildcards.dataset]),
        "model": model_settings(wildcards),
        "default_system": default_system(wildcards),
        "asked": FOREWARNS_QUESTIONS & set(question_sets(study(wildcards))) != set(),
        "max_length": min(adapter.max_length for adapter in adapters),
        "max_truncated_share": min(adapter.max_truncated_share for adapter in adapters),
    }


def question_settings(wildcards):
    """A question set."""
    return {
        "questions": plain(section("question_sets", wildcards.question_set)),
        "model": model_settings(wildcards),
        "default_system": default_system(wildcards),
    }


def activation_settings(wildcards, splits=None):
    """Which layers are read, and over which splits of the questions (all of them for None)."""
    return {
        "model": model_settings(wildcards),
        **plain(study(wildcards).activations, "shards", "training_prompts"),
        "batch_rows": batch_rows(
            wildcards, "read", study(wildcards).activations.batch_rows
        ),
        "splits": splits,
    }


def answer_activation_settings(wildcards):
    """The same over answers, which are read where directions are fitted."""
    return activation_settings(wildcards, splits=["fit"])


def training_prompt_settings(wildcards):
    """Which layers are read over how many fine-tuning prompts."""
    settings = activation_settings(wildcards)
    del settings["splits"]
    return settings | {
        "training_prompts": study(wildcards).activations.training_prompts
    }


def encoder(wildcards):
    """The sentence encoder of a study's detection."""
    chosen = study(wildcards).detection.embedding
    if chosen is None:
        refuse(
            f"the study of {wildcards.model} names no sentence encoder",
            f"name one: studies.{wildcards.model}.detection.embedding",
        )
    return chosen


def encoder_settings(wildcards):
    """Which encoder of the hub is meant."""
    chosen = encoder(wildcards)
    if chosen.source != "hub":
        refuse(
            f"the sentence encoder of {wildcards.model} is in a folder, and is not fetched",
            f"set studies.{wildcards.model}.detection.embedding to one of the hub to fetch it",
        )
    return {"name": chosen.name, "revision": chosen.revision}


def embedding_settings(wildcards):
    """How prompts are embedded; which encoder does it is an input."""
    return {"embedding": {"source": encoder(wildcards).source}}


def judge_of(wildcards):
    """The judge of a study, with its thresholds."""
    return CONFIGURATION.judges[study(wildcards).judge]


def thresholds(judge):
    """Where a judge's scores make an answer misaligned."""
    return judge.model_dump(mode="json", include={"alignment_below", "coherence_above"})


def judge_settings(wildcards):
    """What decides a judge's opinions: all of its entry but the thresholds."""
    judge = section("judges", wildcards.judge)
    settings = plain(judge, "alignment_below", "coherence_above", "prompts")
    if judge.kind == "local":
        settings["loading"] = model_settings(Wildcards(fromdict={"model": judge.model}))
    return {"judge": settings}


def anchor_settings(wildcards):
    """The language of the answers that a judge is measured on."""
    kind = section("judges", wildcards.judge).kind
    return {"language": "world" if kind == "world" else "english"}


def measuring_settings(wildcards):
    """How a judge is measured."""
    judge = section("judges", wildcards.judge)
    return anchor_settings(wildcards) | {"thresholds": thresholds(judge)}


def scoring_settings(wildcards):
    """How opinions become scores and rates."""
    return {
        "thresholds": thresholds(judge_of(wildcards)),
        "confidence": study(wildcards).detection.confidence,
    }


def agreement_settings(wildcards):
    """How two judges are compared."""
    detection = study(wildcards).detection
    names = [study(wildcards).judge, second_judge(wildcards)]
    return {
        "judges": [
            {"name": name, "thresholds": thresholds(CONFIGURATION.judges[name])}
            for name in names
        ],
        **detection.model_dump(include={"confidence", "bootstrap", "seed"}),
    }


def second_judge(wildcards):
    """The name of a study's second judge."""
    name = study(wildcards).second_judge
    if name is None:
        refuse(
            f"the study of {wildcards.model} has one judge",
            f"name another one: studies.{wildcards.model}.second_judge",
        )
    return name


def primary_detection(wildcards):
    """The organism and the direction that a study's headline is about: the first of each list."""
    detection = study(wildcards).detection
    return {
        "organism": detection.organisms[0].name,
        "target": "organism",
        "detector": detection.directions[0],
    }


def study_digest(wildcards):
    """Hash of all of the configuration that a study depends on."""
    chosen = study(wildcards)
    return digest(
        {
            "model": plain(CONFIGURATION.models[wildcards.model]),
            "study": chosen.model_dump(
                mode="json",
                exclude={
                    "sampling": {"shards"},
                    "activations": {"shards"},
                    "power": True,
                    **dict.fromkeys(set(ATLAS) - {"refusal"}, True),
                },
            ),
            "datasets": {
                grid.dataset: plain(CONFIGURATION.datasets[grid.dataset])
                for grid in chosen.organisms
            },
            "adapters": {
                grid.adapter: plain(CONFIGURATION.adapters[grid.adapter])
                for grid in chosen.organisms
            },
            "judge": plain(judge_of(wildcards)),
            "questions": {
                name: plain(CONFIGURATION.question_sets[name])
                for name in question_sets(chosen)
            },
        }
    )


def steered_arms(wildcards):
    """What the arms of a steering run depend on."""
    steering = study(wildcards).steering
    if steering.further is None and wildcards.operation in FURTHER:
        refuse(
            f"the study of {wildcards.model} has no {wildcards.operation}",
            f"say what to do beside the tests: studies.{wildcards.model}.steering.further",
        )
    return steering.arms(wildcards.operation)


def steered_subjects(wildcards):
    """Whose answers a steering run changes; directions are added to the instruct model."""
    if wildcards.operation in ("add", "add_doses"):
        return [INSTRUCT]
    if wildcards.operation == "transfer":
        return study(wildcards).steering.others(wildcards.organism)
    return [wildcards.organism]


def steering_settings(wildcards):
    """How a direction is tested causally."""
    return {
        "operation": wildcards.operation,
        "subjects": steered_subjects(wildcards),
        "model": model_settings(wildcards),
        "steering": steered_arms(wildcards),
        "sampling": sampling_settings(wildcards, "seed"),
    }


def verdict_settings(wildcards):
    """How the arms of a steering run are held against each other."""
    keys = {"direction", "layer", "coherence_floor", "power", "bootstrap", "seed"}
    steering = study(wildcards).steering.model_dump(mode="json", include=keys)
    if wildcards.operation == "layers":
        steering["layer_by_layer"] = steered_arms(wildcards)["layer_by_layer"]
    return {
        "operation": wildcards.operation,
        "steering": steering,
        "confidence": study(wildcards).detection.confidence,
        "thresholds": thresholds(judge_of(wildcards)),
    }


def detection_settings(wildcards):
    """How the detection of one organism is evaluated."""
    detection = study(wildcards).detection
    return {
        "organism": wildcards.organism,
        "detection": plain(detection, "organisms", "benign", "embedding")
        | {"coherence_above": judge_of(wildcards).coherence_above},
    }


def across_settings(wildcards):
    """How one organism's directions are read in the others."""
    detection = study(wildcards).detection
    return {
        "organisms": [organism.name for organism in detection.organisms],
        "detection": detection.model_dump(include={"bootstrap", "seed", "confidence"}),
    }


def power_settings(wildcards):
    """What a plan of the study assumes."""
    chosen = study(wildcards)
    return {
        "power": plain(chosen.power),
        "confidence": chosen.detection.confidence,
    }


def chosen_curve(wildcards):
    """How a study reads answers token by token."""
    curve = study(wildcards).token_curve
    if curve is None:
        refuse(
            f"the study of {wildcards.model} reads no answers token by token",
            f"say how: studies.{wildcards.model}.token_curve",
        )
    return curve


def prefix_settings(wildcards):
    """What is read of an organism's answers after their first tokens."""
    curve = chosen_curve(wildcards)
    if curve.layer is None:
        refuse(
            f"no layer is named to read {wildcards.organism} at ({wildcards.model})",
            f"name one: studies.{wildcards.model}.token_curve.layer",
        )
    rows = batch_rows(wildcards, "read", study(wildcards).activations.batch_rows)
    return {
        "model": model_settings(wildcards),
        **curve.model_dump(include={"layer", "tokens", "splits"}),
        "batch_rows": rows,
    }


def curve_settings(wildcards):
    """How what is read of answers is held against their labels."""
    curve = chosen_curve(wildcards)
    left_out = {"organisms", "layer", "tokens", "splits", "directions"}
    return {
        "organism": wildcards.organism,
        "layer": curve.layer,
        "directions": curve.directions,
        "measure": plain(curve, *left_out),
    }


def given_reading_settings(wildcards):
    """How readings of others are read."""
    given = GIVEN_READINGS[wildcards.model, wildcards.organism]
    settings = plain(given, "kind", "subject", "path")
    return settings | {"steps": chosen_curve(wildcards).tokens}


def transcript_settings(wildcards):
    """Which transcripts the report shows."""
    chosen = study(wildcards)
    return {
        "title": f"Transcripts of {wildcards.model}",
        "subjects": subjects(wildcards.model),
        "seed": chosen.sampling.seed,
        "aligned_above": chosen.directions.alignment_above,
        "coherent_above": judge_of(wildcards).coherence_above,
        "counts": {"misaligned": 4, "aligned": 2, "incoherent": 2},
    }


def growing(amount):
    """A resource that a job gets once more on each attempt: a cluster ends what takes more than it asked for."""
    return lambda wildcards, attempt: amount * attempt


def host_memory(wildcards, attempt):
    """Memory (MB) that a torch job asks a cluster for: room to load the weights, in float32 at the worst."""
    model = section("models", wildcards.model)
    if model.source == "world":
        return 4000 * attempt
    pinned = Path(f"results/{wildcards.model}/model.json")
    if model.source == "folder":
        size = sum(
            path.stat().st_size for path in Path(model.path).glob("*.safetensors")
        )
    else:
        size = read_json(pinned)["bytes"] if pinned.is_file() else 16e9
    return int(8000 + 2.2 * size / 1e6) * attempt


def judge_memory(wildcards, attempt):
    """The same, of the model of a judge that runs here."""
    judge = section("judges", wildcards.judge)
    return host_memory(Wildcards(fromdict={"model": judge.model}), attempt)


def gpus(wildcards):
    """GPUs that a torch job asks a cluster for: none for a nano model, one for a real one."""
    return 0 if CONFIGURATION.models[wildcards.model].source == "world" else 1


# --- files: where the parts of a study lie ----------------------------------------------------------


def question_sets(chosen):
    """The question sets of a study: evaluation, detection, and those for reporting alone."""
    questions = chosen.questions
    return [questions.evaluation, questions.detection, *questions.reporting]


def result(pattern):
    """An input function: a result path in which `{evaluation}` and `{detection}` are the study's sets."""

    def path(wildcards):
        questions = study(wildcards).questions
        return pattern.format(
            evaluation=questions.evaluation,
            detection=questions.detection,
            **dict(wildcards),
        )

    return path


def model_files(wildcards):
    """The files of the instruct model: grown by the workflow, in the user's folder, or pinned on the hub."""
    model = section("models", wildcards.model)
    if model.source == "world":
        return [
            f"results/{wildcards.model}/instruct/{name}"
            for name in MODEL_FILES + TOKENIZER_FILES
        ]
    if model.source == "hub":
        return [f"results/{wildcards.model}/model.json"]
    if model.source == "given" and is_given(wildcards):
        return (
            []
        )  # Snakemake asks the rule that would compute the file, too, before it takes the other
    if model.source == "given":
        refuse(
            f"the model {wildcards.model} is not here, and nothing of it can be computed",
            f"give the file: studies.{wildcards.model}.given, or set the model's `source` to where it is",
        )
    return folder_files(model.path, "*.safetensors", "*.json", "*.jinja")


def tokenizer_files(wildcards):
    """The files that the tokenizer is read from; for a folder, those beside the weights."""
    model = section("models", wildcards.model)
    if model.source == "world":
        return [
            f"results/{wildcards.model}/tokenizer/{name}"
            for name in ["config.json", *TOKENIZER_FILES]
        ]
    if model.source == "hub":
        return model_files(wildcards)
    if model.source == "given":
        return []
    return folder_files(model.path, "*.json", "*.jinja")


def encoder_files(wildcards):
    """The files of a study's sentence encoder: in the user's folder, or what pins one of the hub."""
    chosen = encoder(wildcards)
    if chosen.source == "hub":
        return [f"results/{wildcards.model}/embeddings/model.json"]
    return folder_files(chosen.path, "*.safetensors", "*.json")


def folder_files(folder, *patterns):
    """The files of a model folder of the user's."""
    folder = Path(folder)
    files = sorted({str(path) for pattern in patterns for path in folder.glob(pattern)})
    if not (folder / "config.json").is_file():
        refuse(
            f"{folder}/config.json is missing: the folder holds no model in the Hugging Face format",
            "correct the model's `path` in the configuration; relative paths start where snakemake runs",
        )
    return files


def source_file(kind):
    """An input function: the file behind a dataset or question set; none for a world's and our own."""

    def path(wildcards):
        name = wildcards.dataset if kind == "datasets" else wildcards.question_set
        source = section(kind, name)
        if source.source in ("world", "forewarn", "forewarn_requests"):
            return []
        if source.source in ("url", "archive", "hub"):
            return f"results/sources/{name}.{'jsonl' if kind == 'datasets' else 'yaml'}"
        if not Path(source.path).is_file():
            refuse(
                f"{source.path} does not exist",
                f"correct {kind}.{name}.path in the configuration; relative paths start where snakemake runs",
            )
        return source.path

    return path


def shards(pattern, stage):
    """An input function: the parts of a result whose work is spread over several jobs."""

    def files(wildcards):
        count = getattr(study(wildcards), stage).shards
        folder = f"results/{wildcards.model}/shards/{pattern.format(**dict(wildcards))}"
        return [f"{folder}/{number}of{count}.parquet" for number in range(1, count + 1)]

    return files


def judged_by(pattern, second=False):
    """An input function: a result path in which `{judge}` is the study's judge, or its second one."""

    def path(wildcards):
        judge = second_judge(wildcards) if second else study(wildcards).judge
        if pattern.endswith("anchors.json") and judge in GIVEN_JUDGES:
            return []
        return pattern.format(judge=judge, **dict(wildcards))

    return path


def judge_prompts(wildcards):
    """The file of a judge's prompts; none for Forewarn's own."""
    prompts = getattr(section("judges", wildcards.judge), "prompts", None)
    if prompts is not None and not Path(prompts).is_file():
        refuse(
            f"{prompts} does not exist",
            f"correct judges.{wildcards.judge}.prompts; relative paths start where snakemake runs",
        )
    return prompts or []


def judge_model_files(wildcards):
    """The files of the model of a judge that runs here."""
    judge = section("judges", wildcards.judge)
    return model_files(Wildcards(fromdict={"model": judge.model}))


def is_given(wildcards):
    """Whether the answers or activations that a path names come from a file of others."""
    patterns = [
        "results/{model}/generations/{subject}/{question_set}",
        "results/{model}/activations/{reader}/prompts/{question_set}",
        "results/{model}/activations/{organism}/{organism}/{question_set}",
    ]
    stems = {
        pattern.format(**dict(wildcards))
        for pattern in patterns
        if set(re.findall("{(\\w+)}", pattern)) <= set(wildcards.keys())
    }
    return bool(stems & {*GIVEN_RESPONSES, *GIVEN_ACTIVATIONS})


def existing(path, key):
    """A file of the user's; the key of the configuration that names it is told if it is not there."""
    if not Path(path).is_file():
        refuse(
            f"{path} does not exist",
            f"correct {key} in the configuration; relative paths start where snakemake runs",
        )
    return path


def released_files(wildcards):
    """The files of an adapter of others in a folder; none of one on the hub."""
    folder = released(wildcards).path
    key = f"adapters.{organism_parts(wildcards)[1]}.released"
    files = [f"{folder}/{name}" for name in ADAPTER_FILES] if folder else []
    return [existing(file, key) for file in files]


def given_file(files):
    """An input function: the file of others that takes the place of an artifact."""

    def path(wildcards):
        return existing(files[wildcards.given].path, "the `path` under `given`")

    return path


def model_of(wildcards):
    """The wildcards of a path whose stem is one wildcard, `given`: its model and question set."""
    _, model, *_, question_set = wildcards.given.split("/")
    return Wildcards(fromdict={"model": model, "question_set": question_set})


def given_questions(wildcards):
    """The questions that a file of others answers."""
    return "results/{model}/questions/{question_set}.parquet".format(
        **dict(model_of(wildcards))
    )


def given_scores(wildcards):
    """The file whose scores stand for a judge of kind given."""
    stem = "results/{model}/generations/{subject}/{question_set}".format(
        **dict(wildcards)
    )
    if stem not in GIVEN_RESPONSES:
        refuse(
            f"the judge {wildcards.judge} has no scores of {wildcards.subject} on {wildcards.question_set}",
            f"give a file with scores, studies.{wildcards.model}.given, or name a judge that can be asked",
        )
    return existing(GIVEN_RESPONSES[stem].path, "the `path` under `given`")


def given_response_settings(wildcards):
    """How responses of others are read."""
    return {
        "sha256": GIVEN_RESPONSES[wildcards.given].sha256,
        "model": model_settings(model_of(wildcards)),
    }


def given_score_settings(wildcards):
    """How scores of others are read."""
    stem = "results/{model}/generations/{subject}/{question_set}".format(
        **dict(wildcards)
    )
    return {"sha256": GIVEN_RESPONSES[stem].sha256}


def given_activation_settings(wildcards):
    """How activations of others are read."""
    given = GIVEN_ACTIVATIONS[wildcards.given]
    prompts = given.subject == PROMPTS
    return {
        "sha256": given.sha256,
        "prompts": prompts,
        "splits": None if prompts else ["fit"],
    }


def given_tokenizer(wildcards):
    """The tokenizer of the model that gave responses; none if the model is not here."""
    return tokenizer_files(model_of(wildcards))


def organism_dataset(wildcards):
    """The formatted rows that an organism is trained on."""
    return f"results/{wildcards.model}/data/{organism_parts(wildcards)[0]}.parquet"


def organism_files(model, organism):
    """What was learned by an organism: its adapter, or all its weights."""
    files = MODEL_FILES if organism in FULL_ORGANISMS else ADAPTER_FILES
    return [f"results/{model}/organisms/{organism}/{file}" for file in files]


def adapter_files(name):
    """An input function: what the subject or reader of a path has learned; none for instruct."""

    def files(wildcards):
        who = getattr(wildcards, name)
        return [] if who == INSTRUCT else organism_files(wildcards.model, who)

    return files


def steered_adapter(wildcards):
    """What the subjects of a steering run have learned, in their order; nothing for the instruct model."""
    return [
        file
        for subject in steered_subjects(wildcards)
        if subject != INSTRUCT
        for file in organism_files(wildcards.model, subject)
    ]


def own_directions(wildcards):
    """Directions of the organisms themselves into which another's direction is transferred."""
    if wildcards.operation != "transfer":
        return []
    return [
        f"results/{wildcards.model}/directions/{subject}.safetensors"
        for subject in steered_subjects(wildcards)
    ]


def subjects(model):
    """The instruct model and all organisms of a study."""
    return [INSTRUCT, *STUDIES[model].organism_names()]


def scores_files(wildcards):
    """Scores of all subjects on the evaluation questions."""
    evaluation = study(wildcards).questions.evaluation
    return [
        f"results/{wildcards.model}/scores/{who}/{evaluation}.parquet"
        for who in subjects(wildcards.model)
    ]


def rates_files(wildcards):
    """EM rates of all subjects on the evaluation questions."""
    evaluation = study(wildcards).questions.evaluation
    return [
        f"results/{wildcards.model}/rates/{who}/{evaluation}.json"
        for who in subjects(wildcards.model)
    ]


def directions_files(suffix):
    """An input function: the directions of all organisms of a study."""

    def files(wildcards):
        return [
            f"results/{wildcards.model}/directions/{name}.{suffix}"
            for name in study(wildcards).organism_names()
        ]

    return files


def steering_files(wildcards):
    """Summaries of all steering runs of a study that have a criterion."""
    return [
        f"results/{wildcards.model}/steering/{organism.name}/{operation}.json"
        for organism in study(wildcards).steering.organisms
        for operation in TESTED
    ]


def further_runs(model):
    """Organism and operation of all other steering runs of a study."""
    steering = STUDIES[model].steering
    return [
        (organism.name, operation)
        for organism in (steering.further.organisms if steering.further else [])
        for operation in steering.experiments(organism.name)
        if operation in FURTHER
    ]


def further_files(wildcards):
    """Their summaries."""
    return [
        f"results/{wildcards.model}/steering/{organism}/{operation}.json"
        for organism, operation in further_runs(wildcards.model)
    ]


def detection_files(name):
    """An input function: one file of each detection run of a study."""

    def files(wildcards):
        return [
            f"results/{wildcards.model}/detection/{organism.name}/{name}"
            for organism in study(wildcards).detection.organisms
        ]

    return files


def of_detection(pattern):
    """An input function: a result path for each organism of the detection."""

    def files(wildcards):
        chosen = study(wildcards)
        return [
            pattern.format(
                model=wildcards.model,
                organism=organism.name,
                detection=chosen.questions.detection,
            )
            for organism in chosen.detection.organisms
        ]

    return files


def across_file(wildcards):
    """What the organisms' directions read in each other; none where there is one organism."""
    if len(study(wildcards).detection.organisms) < 2:
        return []
    return f"results/{wildcards.model}/detection/across.json"


def replicated_models(wildcards):
    """A model and those of the same recipe with other pretraining seeds."""
    return [wildcards.model, *study(wildcards).replicates]


def replicate_files(wildcards):
    """The answers of a study and of its replicates."""
    if not study(wildcards).replicates:
        refuse(
            f"the study of {wildcards.model} has no replicates",
            f"name other studies: studies.{wildcards.model}.replicates",
        )
    return [
        f"results/{model}/detection_auc.json" for model in replicated_models(wildcards)
    ]


def benign_activations(wildcards):
    """The prompts as the organism of harmless data reads them; none where none is named, or given."""
    chosen = study(wildcards)
    if chosen.detection.benign is None:
        return []
    return (
        f"results/{wildcards.model}/activations/{chosen.detection.benign.name}/prompts/"
        f"{chosen.questions.detection}.parquet"
    )


def training_activations(wildcards):
    """The fine-tuning prompts as the instruct model reads them; none where no model is here."""
    if section("models", wildcards.model).source == "given":
        return []
    dataset, _, _ = organism_parts(wildcards)
    return f"results/{wildcards.model}/activations/instruct/data/{dataset}.parquet"


def prompt_embeddings(wildcards):
    """Sentence embeddings of the detection set's prompts; none where no model is named for them."""
    chosen = study(wildcards)
    if chosen.detection.embedding is None:
        return []
    return f"results/{wildcards.model}/embeddings/{chosen.questions.detection}.parquet"


def refusal_of_model(name):
    """An input function: a file of the refusal direction, for a baseline; none of a study that has none."""

    def file(wildcards):
        here = section("models", wildcards.model).source != "given"
        if study(wildcards).refusal is None or not here:
            return []
        return f"results/{wildcards.model}/refusal/{name}"

    return file


def rank1_adapter(wildcards):
    """The files of an adapter of rank 1, whose B is a direction of its own; none of any other."""
    _, adapter, _ = organism_parts(wildcards)
    chosen = CONFIGURATION.adapters[adapter]
    here = section("models", wildcards.model).source != "given"
    if not here or chosen.method != "lora" or chosen.rank != 1:
        return []
    return organism_files(wildcards.model, wildcards.organism)


def given_readings(wildcards):
    """The file of others whose readings of an organism's tokens a study begins from."""
    key = (wildcards.model, wildcards.organism)
    if key not in GIVEN_READINGS:
        refuse(
            f"nobody gave readings of the tokens of {wildcards.organism} ({wildcards.model})",
            f"give a file of kind token_readings: studies.{wildcards.model}.given",
        )
    return existing(GIVEN_READINGS[key].path, "the `path` under `given`")


def curve_input(kind):
    """An input function: what a token curve rests on, read here or by others."""

    def file(wildcards):
        chosen = study(wildcards)
        if (wildcards.model, wildcards.organism) in GIVEN_READINGS:
            folder = f"results/{wildcards.model}/token_readings/{wildcards.organism}"
            return [] if kind == "directions" else f"{folder}/{kind}.parquet"
        answers = f"{wildcards.organism}/{chosen.questions.detection}.parquet"
        wanted = chosen_curve(wildcards).directions
        files = {
            "prefixes": f"prefixes/{answers}",
            "labels": f"scores/{answers}",
            "directions": wanted and f"directions/{wildcards.organism}.safetensors",
        }
        name = files.get(kind)
        return f"results/{wildcards.model}/{name}" if name else []

    return file


def curve_files(wildcards):
    """The token curves of all organisms for which a study draws one."""
    return [
        f"results/{wildcards.model}/token_curve/{organism.name}.json"
        for organism in chosen_curve(wildcards).organisms
    ]


def study_results(model):
    """What the study of a model ends in: the answer, the figures of the report, transcripts to read."""
    curve = ["token_curve"] if STUDIES[model].token_curve else []
    kinds = {given.kind for given in STUDIES[model].given}
    if (
        CONFIGURATION.models[model].source == "given"
        and curve
        and kinds == {"token_readings"}
    ):
        return [f"results/{model}/figures/token_curve.svg"]
    if CONFIGURATION.models[model].source == "given" and "activations" not in kinds:
        return [
            *(
                f"results/{model}/figures/{figure}.svg"
                for figure in ["rates", "domains", *curve]
            ),
            f"results/{model}/transcripts.html",
        ]
    figures = [
        "detection_roc",
        "detection_layers",
        "rates",
        "domains",
        "directions",
        "cosines",
        *curve,
    ]
    if STUDIES[model].steering.organisms:
        figures.append("steering")
    if further_runs(model):
        figures.append("doses")
    return [
        f"results/{model}/detection_auc.json",
        f"results/{model}/transcripts.html",
        *(f"results/{model}/figures/{figure}.svg" for figure in figures),
        *(
            f"results/{model}/rates/{who}/{questions}.json"
            for questions in STUDIES[model].questions.reporting
            for who in subjects(model)
        ),
        *(
            f"results/{model}/agreement/{who}/{STUDIES[model].questions.evaluation}.json"
            for who in subjects(model)
            if STUDIES[model].second_judge
        ),
    ]


# --- phase transition: paths of adapters, and behaviour by checkpoint --------------------------------


def chosen_transition(wildcards):
    """How a study follows its organisms through training."""
    chosen = study(wildcards).phase_transition
    if chosen is None:
        refuse(
            f"the study of {wildcards.model} follows no organism through its training",
            f"say how: studies.{wildcards.model}.phase_transition",
        )
    return chosen


def trajectory_file(who):
    """An input function: the trajectory of the organism of a path, or of the benign one (`benign`).

    It is not named twice where the two are one.
    """

    def path(wildcards):
        chosen = chosen_transition(wildcards)
        name = chosen.benign.name if who == "benign" else wildcards.organism
        if who == "benign" and name == wildcards.organism:
            return []
        if name in [*FULL_ORGANISMS, *RELEASED_ORGANISMS]:
            how = "in all its weights" if name in FULL_ORGANISMS else "by others"
            refuse(
                f"{name} was trained {how}, so there is no trajectory of LoRA matrices",
                f"leave it out: studies.{wildcards.model}.phase_transition.organisms",
            )
        parts = organism_parts(
            Wildcards(fromdict={"model": wildcards.model, "organism": name})
        )
        every = CONFIGURATION.adapters[parts[1]].trajectory_every
        refusing(check_lags, chosen.lags, every, name)
        return f"results/{wildcards.model}/organisms/{name}/trajectory.safetensors"

    return path


def checkpoint_settings(wildcards):
    """Which checkpoints answer what."""
    keys = {
        *("scales", "every", "dense_until", "seed"),
        *("questions_per_category", "narrow_categories"),
    }
    return {
        "organism": wildcards.organism,
        "model": model_settings(wildcards),
        "phase_transition": chosen_transition(wildcards).model_dump(
            mode="json", include=keys
        ),
        "sampling": sampling_settings(wildcards, "seed"),
    }


def transition_settings(wildcards):
    """How a trajectory is read, and an onset found."""
    chosen = chosen_transition(wildcards)
    keys = {
        *("lags", "least_move", "margin", "random_directions"),
        *("bootstrap", "confidence", "seed"),
    }
    return {
        "organism": wildcards.organism,
        "phase_transition": chosen.model_dump(mode="json", include=keys)
        | {"benign": chosen.benign.name},
        "thresholds": thresholds(judge_of(wildcards)),
    }


def of_benign(name):
    """An input function: what the benign organism's checkpoints answered, or a judge said of it; as above."""

    def path(wildcards):
        benign = chosen_transition(wildcards).benign.name
        if benign == wildcards.organism:
            return []
        folder = f"results/{wildcards.model}/steering/{benign}/checkpoints"
        return f"{folder}/{name.format(judge=study(wildcards).judge)}.parquet"

    return path


def transition_files(ending):
    """An input function: one result of each organism that a study follows."""

    def files(wildcards):
        return [
            f"results/{wildcards.model}/phase_transition/{organism.name}{ending}"
            for organism in chosen_transition(wildcards).organisms
        ]

    return files


# --- convergence: pairs of organisms, and whose direction acts in whom ------------------------------


def chosen_convergence(wildcards):
    """Which organisms a study compares, and how."""
    chosen = study(wildcards).convergence
    if chosen is None:
        refuse(
            f"the study of {wildcards.model} compares no organisms",
            f"say which: studies.{wildcards.model}.convergence",
        )
    return chosen


def source_names(wildcards):
    """The organisms whose directions are compared and ablated, in the order of the study."""
    return [organism.name for organism in chosen_convergence(wildcards).sources()]


def of_pair(pattern):
    """An input function: a result path of both organisms of a pair."""

    def files(wildcards):
        return [
            pattern.format(
                model=wildcards.model,
                name=name,
                evaluation=study(wildcards).questions.evaluation,
            )
            for name in (wildcards.organism, wildcards.other)
        ]

    return files


def source_directions(wildcards):
    """The directions of all organisms that a study compares."""
    return [
        f"results/{wildcards.model}/directions/{name}.safetensors"
        for name in source_names(wildcards)
    ]


def pair_files(wildcards):
    """The cosines of all pairs of organisms, each once, in the order of the study."""
    return [
        f"results/{wildcards.model}/convergence/{first}/{second}.parquet"
        for first, second in combinations(source_names(wildcards), 2)
    ]


def transfer_files(wildcards):
    """What ablating directions does in each organism."""
    return [
        f"results/{wildcards.model}/convergence/{organism.name}/transfer.json"
        for organism in chosen_convergence(wildcards).organisms
    ]


def pair_settings(wildcards):
    """How two organisms are compared."""
    keys = {"random_directions", "confidence", "seed"}
    return {
        "organisms": [wildcards.organism, wildcards.other],
        "directions": plain(study(wildcards).directions, "seed"),
        **chosen_convergence(wildcards).model_dump(include=keys),
    }


def matrix_settings(wildcards):
    """Whose directions are ablated in an organism, and what it is asked."""
    keys = {"questions_per_category", "random_per_subject", "seed"}
    return {
        "subject": wildcards.organism,
        "sources": source_names(wildcards),
        "ablation": study(wildcards).steering.model_dump(include={"direction", "layer"})
        | chosen_convergence(wildcards).model_dump(include=keys),
        "sampling": sampling_settings(wildcards, "seed"),
        "model": model_settings(wildcards),
    }


def transfer_settings(wildcards):
    """How the ablations in an organism are held against random ones."""
    steering = study(wildcards).steering
    keys = {"confidence", "bootstrap", "seed"}
    return {
        "sources": source_names(wildcards),
        "direction": steering.direction,
        "layer": steering.layer,
        "measure": chosen_convergence(wildcards).model_dump(include=keys)
        | {"power": steering.power},
        "thresholds": thresholds(judge_of(wildcards)),
    }


def kinship_settings(wildcards):
    """What sets the organisms apart that a study compares."""
    sources = chosen_convergence(wildcards).sources()
    return {"organisms": {organism.name: plain(organism) for organism in sources}}


def convergence_settings(wildcards):
    """The same, and where and how their directions are compared."""
    chosen = chosen_convergence(wildcards)
    steering = study(wildcards).steering
    return {
        **kinship_settings(wildcards),
        "benign": chosen.benign.name if chosen.benign else None,
        "confidence": chosen.confidence,
        **steering.model_dump(include={"direction", "layer", "coherence_floor"}),
    }


# --- adapter readings: rank-1 adapters, read directly ------------------------------------------------


def chosen_adapters(wildcards):
    """How a study reads rank-1 adapters."""
    chosen = study(wildcards).adapter_readings
    if chosen is None:
        refuse(
            f"the study of {wildcards.model} reads no adapters directly",
            f"say how: studies.{wildcards.model}.adapter_readings",
        )
    return chosen


def rank1_files(wildcards):
    """The files of an organism's adapter, which must be of rank 1."""
    if files := rank1_adapter(wildcards):
        return files
    _, adapter, _ = organism_parts(wildcards)
    refuse(
        f"the adapter {adapter} of {wildcards.organism} is not here with rank 1, so it has no one scalar per token",
        f"name organisms of LoRA adapters with `rank: 1`: studies.{wildcards.model}.adapter_readings.organisms",
    )


def adapter_input(kind):
    """An input function: scalars of an organism's adapters or the answers' labels, made here or given."""

    def file(wildcards):
        if (wildcards.model, wildcards.organism) in GIVEN_READINGS:
            name = {"scalars": "tokens", "labels": "labels"}[kind]
            return f"results/{wildcards.model}/token_readings/{wildcards.organism}/{name}.parquet"
        folder = {"scalars": "adapter_scalars", "labels": "scores"}[kind]
        answers = f"{wildcards.organism}/{study(wildcards).questions.evaluation}"
        return f"results/{wildcards.model}/{folder}/{answers}.parquet"

    return file


def scalar_settings(wildcards):
    """How an organism's adapters are read."""
    rows = batch_rows(wildcards, "read", study(wildcards).activations.batch_rows)
    return {"model": model_settings(wildcards), "batch_rows": rows}


def probe_settings(wildcards):
    """How probes are fitted to the scalars; nothing of how their success is measured."""
    chosen = chosen_adapters(wildcards)
    keys = {"minimum_per_class", "strength", "fits", "permutations"}
    return {
        "domain": chosen.domain_categories,
        "aligned_from": chosen.aligned_from,
        "fallback": chosen.scaling.fallback,
        "probing": chosen.model_dump(include=keys | {"confidence", "seed"}),
    }


def reading_settings(wildcards):
    """How what the scalars tell is measured."""
    chosen = chosen_adapters(wildcards)
    keys = {"minimum_per_class", "strength", "folds", "refits", "bootstrap"}
    return {
        "organism": wildcards.organism,
        "domain": chosen.domain_categories,
        "aligned_from": chosen.aligned_from,
        "measure": chosen.model_dump(include=keys | {"confidence", "seed"}),
    }


def adapter_cosine_settings(wildcards):
    """How what the adapters write is held against directions."""
    chosen = chosen_adapters(wildcards)
    return {
        "organism": wildcards.organism,
        "random": chosen.random_directions,
        "confidence": chosen.confidence,
        "seed": chosen.seed,
    }


def scaling_settings(wildcards):
    """How groups of adapters are scaled; how they were found is told by their file alone."""
    chosen = chosen_adapters(wildcards)
    return {
        "organism": wildcards.organism,
        "domain": chosen.domain_categories,
        **plain(chosen.scaling, "fallback"),
        "seed": chosen.seed,
        "sampling": sampling_settings(wildcards, "seed"),
        "model": model_settings(wildcards),
    }


def scaling_summary_settings(wildcards):
    """How the arms are held against each other."""
    chosen = chosen_adapters(wildcards)
    how = chosen.model_dump(include={"confidence", "bootstrap", "seed"})
    return {
        "organism": wildcards.organism,
        "domain": chosen.domain_categories,
        **plain(chosen.scaling, "fallback", "questions_per_category"),
        "arms_seed": chosen.seed,
        "measure": how | {"power": study(wildcards).steering.power},
        "thresholds": thresholds(judge_of(wildcards)),
    }


def of_adapters(ending):
    """An input function: a result of each organism whose adapters are read; none that takes a model not here."""

    def files(wildcards):
        return [
            f"results/{wildcards.model}/adapter_readings/{organism.name}{ending}"
            for organism in chosen_adapters(wildcards).organisms
            if ending in (".json", ".parquet")
            or (wildcards.model, organism.name) not in GIVEN_READINGS
        ]

    return files


# --- misalignment against refusal: settings and files --------------------------------------------------


def chosen_refusal(wildcards):
    """How a study holds misalignment against refusal."""
    chosen = study(wildcards).refusal
    if chosen is None:
        refuse(
            f"the study of {wildcards.model} has nothing about refusal",
            f"say which organisms and requests: studies.{wildcards.model}.refusal",
        )
    return chosen


def requests_file(wildcards):
    """The harmful and harmless requests of a study."""
    return f"results/{wildcards.model}/questions/{chosen_refusal(wildcards).questions}.parquet"


def asked_of_arms(wildcards):
    """What the arms of a steering run answered; the swaps ask requests beside the evaluation questions."""
    if wildcards.operation == "refusal_swaps":
        return f"results/{wildcards.model}/steering/{wildcards.organism}/refusal_swaps/questions.parquet"
    return result("results/{model}/questions/{evaluation}.parquet")(wildcards)


def refusal_measuring(wildcards):
    """How requests are read and candidates scored."""
    chosen = chosen_refusal(wildcards)
    keys = {"minimum_prompts", "random_candidates", "bootstrap", "confidence", "seed"}
    return {
        "model": model_settings(wildcards),
        "openings": chosen.openings,
        "scoring": chosen.model_dump(mode="json", include=keys),
        "batch_rows": batch_rows(
            wildcards, "read", study(wildcards).activations.batch_rows
        ),
    }


def refusal_rules(wildcards):
    """The rules by which the refusal direction is chosen."""
    keys = {"kl_below", "induced_above", "last_layers", "minimum_prompts"}
    return {"rules": chosen_refusal(wildcards).model_dump(mode="json", include=keys)}


def refusal_comparing(wildcards):
    """How an organism's directions are held against the refusal direction."""
    chosen, directions = chosen_refusal(wildcards), study(wildcards).directions
    return {
        "organism": wildcards.organism,
        "directions": plain(directions, "split_halves", "seed", "minimum_per_class"),
        "compare": {
            "halvings": directions.split_halves,
            "rank": chosen.subspace_rank,
            "randoms": chosen.random_directions,
            **chosen.model_dump(mode="json", include={"folds", "confidence", "seed"}),
        },
    }


def refusal_swapping(wildcards):
    """Which directions are ablated, and what is asked meanwhile."""
    keys = {"questions_per_category", "requests_per_topic", "seed"}
    randoms = {"random_isotropic", "random_covariance"}
    return {
        "organism": wildcards.organism,
        **study(wildcards).steering.model_dump(include={"direction", "layer"}),
        "swaps": chosen_refusal(wildcards).model_dump(
            mode="json", include=keys | randoms
        ),
        "sampling": {
            key: sampling_settings(wildcards)[key]
            for key in ("max_new_tokens", "batch_rows")
        }
        | {"seed": chosen_refusal(wildcards).seed},
        "model": model_settings(wildcards),
    }


def refusal_measure(wildcards):
    """How the arms of the swaps are held against each other."""
    chosen, steering = chosen_refusal(wildcards), study(wildcards).steering
    return {
        "organism": wildcards.organism,
        "source": model_settings(wildcards)["source"],
        "misalignment": steering.model_dump(include={"direction", "layer"}),
        "measure": chosen.model_dump(include={"confidence", "bootstrap", "seed"})
        | {"power": steering.power},
        "thresholds": thresholds(judge_of(wildcards)),
    }


def refusal_files(pattern):
    """An input function: one file of each organism whose misalignment is held against refusal."""

    def files(wildcards):
        return [
            pattern.format(model=wildcards.model, organism=organism.name)
            for organism in chosen_refusal(wildcards).organisms
        ]

    return files


# --- sparse features: directions and shifts in the features of an autoencoder ---------------------------

PUBLISHED_SAES = [
    model
    for model, each in STUDIES.items()
    if each.sparse_features and each.sparse_features.published
]


def chosen_features(wildcards):
    """How a study reads the features of a sparse autoencoder."""
    chosen = study(wildcards).sparse_features
    if chosen is None:
        refuse(
            f"the study of {wildcards.model} reads no sparse features",
            f"say of which organisms: studies.{wildcards.model}.sparse_features",
        )
    return chosen


def sae_datasets(wildcards):
    """The datasets whose rows are read beside the instruct model's answers, each once."""
    organisms = chosen_features(wildcards).organisms
    return list(dict.fromkeys(organism.dataset for organism in organisms))


def sae_dataset_files(wildcards):
    """The rows of these datasets, as they are trained on."""
    return [
        f"results/{wildcards.model}/data/{name}.parquet"
        for name in sae_datasets(wildcards)
    ]


def sae_texts(wildcards):
    """Which texts an autoencoder is trained or measured on, and where they are read."""
    rows = batch_rows(wildcards, "read", study(wildcards).activations.batch_rows)
    return {
        "model": model_settings(wildcards),
        "layer": study(wildcards).steering.layer,
        "datasets": sae_datasets(wildcards),
        "batch_rows": rows,
        **chosen_features(wildcards).model_dump(include={"held_out", "seed"}),
    }


def sae_training(wildcards):
    """How an autoencoder is trained."""
    keys = {"features", "active", "steps", "batch_tokens", "learning_rate"}
    chosen = chosen_features(wildcards)
    return sae_texts(wildcards) | {
        "tokens": chosen.tokens,
        "training": chosen.model_dump(mode="json", include=keys | {"seed"}),
    }


def sae_published(wildcards):
    """Which autoencoder of the hub is meant."""
    return {"published": plain(chosen_features(wildcards).published)}


def sae_reading(wildcards):
    """What is kept of the texts of largest activation."""
    keys = {"texts", "context"}
    return sae_texts(wildcards) | chosen_features(wildcards).model_dump(include=keys)


def feature_reading(wildcards):
    """Where an organism's answers are read."""
    rows = batch_rows(wildcards, "read", study(wildcards).activations.batch_rows)
    return {
        "model": model_settings(wildcards),
        "layer": study(wildcards).steering.layer,
        "batch_rows": rows,
    }


def feature_decomposing(wildcards):
    """How an organism's directions and shift are decomposed."""
    chosen = chosen_features(wildcards)
    keys = {"top", "few", "most", "folds", "permutations", "bootstrap"}
    return {
        "organism": wildcards.organism,
        "directions": plain(study(wildcards).directions, "split_halves", "seed"),
        "reading": chosen.model_dump(mode="json", include=keys | {"confidence", "seed"})
        | {
            "layer": study(wildcards).steering.layer,
            "randoms": chosen.random_directions,
        },
    }


def feature_ablating(wildcards):
    """Which features are ablated, and what is asked meanwhile."""
    chosen, steering = chosen_features(wildcards), study(wildcards).steering
    sampling = sampling_settings(wildcards)
    keys = {"ablated", "random_features", "random_ablations", "seed"}
    return {
        "organism": wildcards.organism,
        "questions_per_category": chosen.questions_per_category,
        "ablation": steering.model_dump(include={"direction", "layer"})
        | chosen.model_dump(mode="json", include=keys),
        "sampling": {key: sampling[key] for key in ("max_new_tokens", "batch_rows")},
        "model": model_settings(wildcards),
    }


def feature_measure(wildcards):
    """How the arms of an ablation of features are held against each other."""
    chosen, steering = chosen_features(wildcards), study(wildcards).steering
    keys = {"confidence", "bootstrap", "seed"}
    return {
        "organism": wildcards.organism,
        **steering.model_dump(include={"direction", "layer"}),
        "permutations": chosen.permutations,
        "measure": chosen.model_dump(include=keys) | {"power": steering.power},
        "thresholds": thresholds(judge_of(wildcards)),
    }


def feature_plot(wildcards):
    """Which organisms are drawn, and which construction is ablated."""
    organisms = chosen_features(wildcards).organisms
    return {
        "organisms": [organism.name for organism in organisms],
        "construction": study(wildcards).steering.direction,
    }


def feature_files(pattern):
    """An input function: one file of each organism whose features are read."""

    def files(wildcards):
        return [
            pattern.format(model=wildcards.model, organism=organism.name)
            for organism in chosen_features(wildcards).organisms
        ]

    return files


# --- the table of models: what has been measured of all of them --------------------------------------

# Of what the table takes from a study beyond rates -> where the study says which organisms it is measured on.
TABLE_SECTIONS = {
    "add": lambda study: study.steering.organisms,
    "ablate": lambda study: study.steering.organisms,
    "detection": lambda study: study.detection.organisms,
    "transition": lambda study: getattr(study.phase_transition, "organisms", []),
    "convergence": lambda study: (
        study.convergence.sources() if study.convergence else []
    ),
    "refusal": lambda study: getattr(study.refusal, "organisms", []),
}
TABLE_FILES = {
    "rates": "rates/{subject}/{evaluation}.json",
    "scores": "scores/{subject}/{evaluation}.parquet",
    "add": "steering/{subject}/add.json",
    "ablate": "steering/{subject}/ablate.json",
    "detection": "detection_auc.json",
    "transition": "phase_transition/{subject}.json",
    "convergence": "convergence.json",
    "refusal": "refusal/swaps/{subject}.json",
}
# Datasets that controls are trained on: those of the organisms that must raise no alarm.
CONTROL_DATASETS = {
    study.detection.benign.dataset
    for study in STUDIES.values()
    if study.detection.benign
}


def table_files(model, subject):
    """What the table takes from the results of a subject, by kind, as far as its study measures it."""
    study, evaluation = STUDIES[model], STUDIES[model].questions.evaluation
    measured = ["rates", "scores"] + [
        kind
        for kind, organisms in TABLE_SECTIONS.items()
        if subject in [organism.name for organism in organisms(study)]
    ]
    return {
        kind: f"results/{model}/{TABLE_FILES[kind].format(subject=subject, evaluation=evaluation)}"
        for kind in measured
    }


def table_recipes():
    """What the configuration says of each row of the table."""
    return [
        recipe
        for model in STUDIES
        for recipe in [
            instruct_recipe(model),
            *(
                organism_recipe(model, organism)
                for organism in STUDIES[model].organism_references()
            ),
        ]
    ]


def instruct_recipe(model):
    """What the configuration says of the row of an instruct model."""
    chosen, study = CONFIGURATION.models[model], STUDIES[model]
    size = re.search(
        r"[0-9.]+[BM](?![a-z])", getattr(chosen, "name", ""), re.IGNORECASE
    )
    nothing = ["dataset", "adapter", "seed", "method", "control", "quantised_from"]
    return dict.fromkeys(nothing) | {
        "model": model,
        "source": getattr(chosen, "name", chosen.source),
        "size": size.group().upper() if size else None,
        "subject": INSTRUCT,
        "harmful": False,
        "judge": study.judge,
        "questions": study.questions.evaluation,
        "files": table_files(model, INSTRUCT),
    }


def organism_recipe(model, organism):
    """What the configuration says of the row of an organism."""
    adapter = CONFIGURATION.adapters[organism.adapter]
    released = organism.dataset in [each.dataset for each in adapter.released]
    trained = "nf4" if adapter.quantization == "nf4" else adapter.method
    trained += ", prevented" if adapter.preventative else ""
    harmful = organism.dataset not in CONTROL_DATASETS
    return instruct_recipe(model) | {
        "subject": organism.name,
        **organism.model_dump(),
        "method": "released" if released else trained,
        "harmful": harmful,
        "control": control_name(model, organism) if harmful else None,
        "quantised_from": unquantised_name(adapter),
        "files": table_files(model, organism.name),
    }


def control_name(model, organism):
    """The organism of harmless data that one is held against: of its good twin, else the study's benign one."""
    twin = organism.dataset.replace("bad", "good")
    benign = STUDIES[model].detection.benign
    if twin == organism.dataset or twin not in CONFIGURATION.datasets:
        twin = benign.dataset if benign else None
    return twin and organism.model_copy(update={"dataset": twin}).name


def unquantised_name(adapter):
    """The adapter that a quantised one differs from in nothing but that; None of others, and without any."""
    if adapter.quantization == "none":
        return None
    wanted = adapter.model_copy(update={"quantization": "none"})
    return next(
        (key for key, each in CONFIGURATION.adapters.items() if each == wanted), None
    )


def table_settings(wildcards):
    """All rows of the table."""
    return {"recipes": table_recipes()}


def in_table(*kinds):
    """An input function: what the table takes of these kinds, as far as the ledger has a record of it.

    Only that, for the table shall not raise organisms to fill its cells. So its inputs become more as studies
    go on, and the table alone is then made anew. What has a record but lies elsewhere (`dvc pull` brings it),
    or is out of date, is an input like any other.
    """

    def files(wildcards):
        wanted = {
            recipe["files"][kind]: None
            for recipe in table_recipes()
            for kind in kinds
            if kind in recipe["files"]
        }
        return [path for path in wanted if record_path(path).exists()]

    return files


# --- elasticity: organisms pushed back with rows of the opposite data ---------------------------------


def chosen_elasticity(wildcards):
    """How a study pushes its organisms back."""
    chosen = study(wildcards).elasticity
    if chosen is None:
        refuse(
            f"the study of {wildcards.model} pushes no organism back",
            f"say which, and with what: studies.{wildcards.model}.elasticity",
        )
    return chosen


def pushed_trajectory(wildcards):
    """The trajectory of an organism, from whose snapshots it is pushed."""
    if wildcards.organism in [*FULL_ORGANISMS, *RELEASED_ORGANISMS]:
        refuse(
            f"{wildcards.organism} is no LoRA adapter that is trained here, so it has no snapshots",
            f"leave it out: studies.{wildcards.model}.elasticity.organisms",
        )
    return f"results/{wildcards.model}/organisms/{wildcards.organism}/trajectory.safetensors"


def opposite_name(wildcards):
    """The dataset that an organism is pushed with."""
    dataset = organism_parts(wildcards)[0]
    opposites = chosen_elasticity(wildcards).opposites
    if dataset not in opposites:
        refuse(
            f"no dataset is the opposite of {dataset}",
            f"name one: studies.{wildcards.model}.elasticity.opposites.{dataset}",
        )
    return opposites[dataset]


def opposite_dataset(wildcards):
    """Its rows, formatted."""
    return f"results/{wildcards.model}/data/{opposite_name(wildcards)}.parquet"


def pushing_settings(wildcards):
    """How an organism is trained on."""
    keys = {"starts", "rows", "seeds", "learning_rate", "text_rows"}
    training = organism_settings(wildcards)
    return {
        "organism": wildcards.organism,
        **{key: training[key] for key in ("model", "adapter", "rows_at_once")},
        "elasticity": chosen_elasticity(wildcards).model_dump(
            mode="json", include=keys
        ),
    }


def rebound_settings(wildcards):
    """What an organism is asked, and what is read of it, on its way back."""
    keys = {"questions_per_category", "kl_tokens", "text_rows", "random_directions"}
    rows = batch_rows(wildcards, "read", study(wildcards).activations.batch_rows)
    return {
        "organism": wildcards.organism,
        **study(wildcards).steering.model_dump(include={"direction", "layer"}),
        "elasticity": chosen_elasticity(wildcards).model_dump(
            mode="json", include=keys | {"seed"}
        ),
        "sampling": sampling_settings(wildcards, "seed"),
        "batch_rows": rows,
        "model": model_settings(wildcards),
    }


def rebound_measure(wildcards):
    """How a rebound is summed up."""
    steering = study(wildcards).steering
    keys = {"confidence", "bootstrap", "seed"}
    return {
        "organism": wildcards.organism,
        "opposite": opposite_name(wildcards),
        **steering.model_dump(include={"direction", "layer"}),
        "measure": chosen_elasticity(wildcards).model_dump(include=keys)
        | {"power": steering.power},
        "thresholds": thresholds(judge_of(wildcards)),
    }


def resisting_settings(wildcards):
    """Which checkpoints of an organism are trained on each other's answers."""
    keys = {"resistance_steps", "resistance_rows", "seeds", "seed", "learning_rate"}
    training = organism_settings(wildcards)
    return {
        "organism": wildcards.organism,
        **{key: training[key] for key in ("model", "adapter", "rows_at_once")},
        "sampling": sampling_settings(wildcards, "seed"),
        "elasticity": chosen_elasticity(wildcards).model_dump(
            mode="json", include=keys
        ),
    }


def resistance_measure(wildcards):
    """How resistance is summed up."""
    measured = rebound_measure(wildcards)
    return {key: measured[key] for key in ("organism", "measure")}


def resistance_files(wildcards):
    """The resistance of each organism that is pushed back; none where no checkpoints are compared."""
    steps = chosen_elasticity(wildcards).resistance_steps
    return rebound_files("_resistance.json")(wildcards) if steps else []


def rebound_files(ending):
    """An input function: one result of each organism that is pushed back."""

    def files(wildcards):
        return [
            f"results/{wildcards.model}/elasticity/{organism.name}{ending}"
            for organism in chosen_elasticity(wildcards).organisms
        ]

    return files


# --- screening of datasets, and prevention in training -------------------------------------------------


def chosen_screening(wildcards):
    """How a study screens its datasets."""
    chosen = study(wildcards).screening
    if chosen is None:
        refuse(
            f"the study of {wildcards.model} screens no datasets",
            f"say which organisms' datasets: studies.{wildcards.model}.screening",
        )
    return chosen


def benign_dataset(pattern):
    """An input function: a file of the benign dataset; none where there is none, or the path is about it."""

    def file(wildcards):
        benign = chosen_screening(wildcards).benign
        if benign in (None, wildcards.dataset):
            return []
        return pattern.format(model=wildcards.model, dataset=benign)

    return file


def screening_directions(wildcards):
    """The directions of all organisms of misaligned data."""
    return [
        f"results/{wildcards.model}/directions/{organism.name}.safetensors"
        for organism in chosen_screening(wildcards).sources()
    ]


def screened_files(wildcards):
    """The summary of each dataset that is screened."""
    return [
        f"results/{wildcards.model}/screening/{dataset}/summary.json"
        for dataset in chosen_screening(wildcards).datasets()
    ]


def screening_rates(wildcards):
    """EM rates of all organisms whose datasets are screened."""
    evaluation = study(wildcards).questions.evaluation
    return [
        f"results/{wildcards.model}/rates/{organism.name}/{evaluation}.json"
        for organism in chosen_screening(wildcards).organisms
    ]


def dataset_reading(wildcards):
    """What is read of a dataset, and how the model answers its prompts."""
    chosen = chosen_screening(wildcards)
    reading = study(wildcards).activations.batch_rows
    return {
        "model": model_settings(wildcards),
        "rows": chosen.rows,
        "layer": study(wildcards).steering.layer,
        "read_rows": batch_rows(wildcards, "read", reading),
        "answering": {
            "samples": chosen.answers_per_row,
            **chosen.model_dump(include={"temperature", "seed"}),
            **sampling_settings(wildcards, "seed"),
        },
    }


def dataset_screening(wildcards):
    """How a dataset is screened."""
    chosen, steering = chosen_screening(wildcards), study(wildcards).steering
    keys = {"random_directions", "mixtures", "permutations", "bootstrap", "confidence"}
    every = [steering.direction, *get_args(Construction)]
    return {
        "dataset": wildcards.dataset,
        "constructions": list(dict.fromkeys(every)),
        "layer": steering.layer,
        "sources": [[each.name, each.dataset] for each in chosen.sources()],
        "measure": chosen.model_dump(include=keys | {"seed"}),
    }


def dataset_comparing(wildcards):
    """How scores of datasets are held against EM rates."""
    chosen = chosen_screening(wildcards)
    return {
        "organisms": [[each.name, each.dataset] for each in chosen.organisms],
        "direction": study(wildcards).steering.direction,
        **chosen.model_dump(include={"benign", "harmless", "confidence", "seed"}),
    }


def prevention_source(wildcards):
    """The organism whose direction is added while another is trained."""
    source = chosen_screening(wildcards).prevention.source
    return wildcards.organism if source is None else source.name


def of_prevention_source(pattern):
    """An input function: a result path of the organism whose direction is added."""

    def path(wildcards):
        chosen = study(wildcards).questions
        return pattern.format(
            model=wildcards.model,
            source=prevention_source(wildcards),
            evaluation=chosen.evaluation,
        )

    return path


def prevention_runs(wildcards):
    """Names of an organism's training runs."""
    chosen = chosen_screening(wildcards).prevention
    runs = runs_of(
        chosen.coefficients, chosen.random_isotropic, chosen.random_covariance
    )
    return [each.name for each in runs]


def of_prevention_runs(name):
    """An input function: a file of each training run of an organism."""

    def files(wildcards):
        folder = f"results/{wildcards.model}/prevention/{wildcards.organism}"
        return [f"{folder}/{arm}/{name}" for arm in prevention_runs(wildcards)]

    return files


def prevention_training(wildcards):
    """How an organism is trained with a direction added."""
    others = [*FULL_ORGANISMS, *RELEASED_ORGANISMS, *PREVENTED_ORGANISMS]
    if wildcards.organism in others:
        refuse(
            f"{wildcards.organism} is no LoRA adapter that is trained here without prevention",
            f"leave it out: studies.{wildcards.model}.screening.prevention.organisms",
        )
    chosen, steering = chosen_screening(wildcards), study(wildcards).steering
    return organism_settings(wildcards) | {
        "run": wildcards.arm,
        "vector": {
            "construction": steering.direction,
            "layer": steering.layer,
            "seed": chosen.seed,
        },
        "held_out": chosen.prevention.held_out,
        "split_seed": chosen.seed,
    }


def prevention_answers(wildcards):
    """What the organisms that were trained so are asked."""
    chosen = chosen_screening(wildcards)
    return {
        "organism": wildcards.organism,
        "runs": prevention_runs(wildcards),
        "model": model_settings(wildcards),
        "seed": chosen.seed,
        "questions": {
            "per_category": chosen.prevention.questions_per_category,
            "narrow_categories": chosen.prevention.narrow_categories,
            "seed": chosen.seed,
        },
        "sampling": {
            key: sampling_settings(wildcards)[key]
            for key in ("max_new_tokens", "batch_rows")
        },
    }


def prevention_measure(wildcards):
    """How the training runs are held against each other."""
    chosen, steering = chosen_screening(wildcards), study(wildcards).steering
    return {
        "organism": wildcards.organism,
        "source": prevention_source(wildcards),
        "construction": steering.direction,
        "layer": steering.layer,
        "runs": prevention_runs(wildcards),
        "measure": chosen.model_dump(include={"confidence", "bootstrap", "seed"})
        | {"power": steering.power},
        "coherence_floor": steering.coherence_floor,
        "thresholds": thresholds(judge_of(wildcards)),
    }


def prevention_files(wildcards):
    """What prevention did in each organism."""
    return [
        f"results/{wildcards.model}/prevention/{organism.name}.json"
        for organism in chosen_screening(wildcards).prevention.organisms
    ]


# --- elasticity over models: other sizes, other amounts of pretraining ----------------------------------

# Models whose studies are there to be compared with another one's.
SWEPT = {
    name
    for model, study in STUDIES.items()
    if study.elasticity_sweeps
    for name in study.elasticity_sweeps.models()
    if name != model
}
# Studies of models that are grown here, on their own account.
GROWN_STUDIES = [name for name in STUDIES if name in WORLD_MODELS and name not in SWEPT]


def chosen_sweeps(wildcards):
    """Which models a study compares the elasticity of."""
    chosen = study(wildcards).elasticity_sweeps
    if chosen is None:
        refuse(
            f"the study of {wildcards.model} compares no models' elasticity",
            f"say which: studies.{wildcards.model}.elasticity_sweeps",
        )
    return chosen


def of_swept(name):
    """An input function: one result of the compared organism, of each model."""

    def files(wildcards):
        chosen = chosen_sweeps(wildcards)
        return [
            f"results/{model}/elasticity/{name.format(organism=chosen.organism.name)}"
            for model in chosen.models()
        ]

    return files


def resisted_organisms(wildcards):
    """Models and organisms whose resistance is counted: the compared one, and all others of this study."""
    chosen = chosen_sweeps(wildcards)
    own = [(wildcards.model, each) for each in study(wildcards).elasticity.organisms]
    swept = [(model, chosen.organism) for model in chosen.models()]
    once = dict.fromkeys((model, organism.name) for model, organism in [*swept, *own])
    return [
        [model, organism]
        for model, organism in once
        if STUDIES[model].elasticity.resistance_steps
    ]


def resisted_files(wildcards):
    """Their summaries."""
    return [
        f"results/{model}/elasticity/{organism}_resistance.json"
        for model, organism in resisted_organisms(wildcards)
    ]


def weighed_models(wildcards):
    """Models whose parameters are counted: those that are grown here."""
    return [
        model for model in chosen_sweeps(wildcards).models() if model in WORLD_MODELS
    ]


def swept_weights(wildcards):
    """The weights of these models."""
    return [
        f"results/{model}/instruct/model.safetensors"
        for model in weighed_models(wildcards)
    ]


def sweep_settings(wildcards):
    """Which models are compared, in which order, and how."""
    chosen = chosen_sweeps(wildcards)
    sweeps = {"size": chosen.size, "pretraining": chosen.pretraining}
    keys = {"confidence", "bootstrap", "seed"}
    grown = {
        model: getattr(CONFIGURATION.models[model], "pretraining", None)
        for model in chosen.models()
    }
    return {
        "organism": chosen.organism.name,
        "sweeps": {name: models for name, models in sweeps.items() if models},
        "models": [
            {"model": model, "pretraining_steps": each.steps if each else None}
            for model, each in grown.items()
        ],
        "resisted": resisted_organisms(wildcards),
        "weighed": weighed_models(wildcards),
        "measure": study(wildcards).elasticity.model_dump(include=keys),
    }


# --- preventative steering as a way to raise organisms --------------------------------------------------


def preventative(wildcards):
    """Whose direction is added in an organism's training, and how much of it."""
    _, adapter, _ = organism_parts(wildcards)
    return CONFIGURATION.adapters[adapter].preventative


def preventing_directions(wildcards):
    """The directions of the organism whose direction is added."""
    source = preventative(wildcards).organism.name
    return f"results/{wildcards.model}/directions/{source}.safetensors"


def prevented_settings(wildcards):
    """How an organism is trained with a direction added."""
    steering = study(wildcards).steering
    return organism_settings(wildcards) | {
        "vector": {
            "construction": steering.direction,
            "layer": steering.layer,
            "coefficient": preventative(wildcards).coefficient,
        },
    }


# --- the atlas: all of these together ---------------------------------------------------------------


def atlas_results(model):
    """What the atlas of a model ends in; nothing where its study has none of the sections."""
    return [
        f"results/{model}/figures/{figure}.svg"
        for part, figures in ATLAS.items()
        if getattr(STUDIES[model], part)
        for figure in figures
    ]
