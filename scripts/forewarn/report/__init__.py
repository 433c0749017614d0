"""What people look at: figures as SVG and a page of sample transcripts.

Every drawing function takes small frozen dataclasses of plain numbers, documented where they are defined, and
returns a matplotlib figure. None reads a file and none computes a statistic: numbers come from the stages.
"""
