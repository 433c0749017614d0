"""Numbers with their uncertainty: rates, AUROC, bootstrap intervals, nulls and ceilings. No torch here."""
