"""Language models: loading, sampling, interventions on the residual stream, activations."""
