"""One row per model and organism over all studies, and what the rows say about models and quantisation."""
