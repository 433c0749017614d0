"""Does the last prompt token tell how often the model will misalign on this prompt?"""
