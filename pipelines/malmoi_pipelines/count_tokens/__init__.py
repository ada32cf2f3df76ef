"""How often each token of a tokenizer occurs in a corpus, counted over its word table.

config.py     settings
words.py      the word tables and how they are cut into tasks
exactness.py  whether counts over units are those of encoding the documents
steps.py      encode units, add up
summary.py    the report
stage.py      the stage
"""
