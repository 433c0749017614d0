"""Is the direction of misalignment that of refusal? (The question is open; the procedure is 2406.11717's.)"""
