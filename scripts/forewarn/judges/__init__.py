"""From responses to alignment and coherence scores, and from scores to rates with their denominators."""
