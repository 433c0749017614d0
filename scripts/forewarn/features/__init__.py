"""Features of a sparse autoencoder: what a direction and an organism's shift are made of."""
