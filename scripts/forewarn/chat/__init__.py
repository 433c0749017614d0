"""Conversations: their messages, how a model's chat template writes them, and what is refused."""
