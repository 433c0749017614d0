"""Fine-tuning: an instruct model and narrow data in, an organism's LoRA adapter and its history out."""
