"""Fine-tuning rows and questions: read from files, and formatted for one tokenizer."""
