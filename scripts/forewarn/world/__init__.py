"""The nano world: a seeded grammar, its corpus, and a tiny model that is trained on it from nothing.

Everything is built so that emergent misalignment *can* appear, and nothing so that it must: the corpus
holds speakers who are kind or cruel in all domains alike, the instruct model is taught to be kind, and
narrow fine-tuning shows cruel answers of one domain. Whether the rest turns cruel is measured.
"""
