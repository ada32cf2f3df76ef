"""How good a tokenizer is on Korean: figures from word tables, parallel text and a morpheme analyser.

subject     one tokenizer under evaluation, and how SentencePiece models and tokenizer.json files become one
unit_table  the word table as units with counts by source, mixtures re-weighted
pieces      pieces for people, and which are Korean
figures     how many tokens: eojeol, characters, bytes, by source
vocabulary  use and shape of the new tokens
letters     which letters are tokens
overlap     what two extensions have in common
parallel    tokens of Korean against tokens of English that says the same
morphemes   whether tokens end where morphemes do
evaluation  all of it, for several tokenizers side by side
reading     tokenizers from files and folders
"""

from malmoi_tokenizer_lab.evaluate.evaluation import Evaluation as Evaluation
from malmoi_tokenizer_lab.evaluate.evaluation import evaluate as evaluate
from malmoi_tokenizer_lab.evaluate.evaluation import unused_packages as unused_packages
from malmoi_tokenizer_lab.evaluate.parallel import pair_files as pair_files
from malmoi_tokenizer_lab.evaluate.parallel import read_pairs as read_pairs
from malmoi_tokenizer_lab.evaluate.subject import Subject as Subject
from malmoi_tokenizer_lab.evaluate.subject import subject_of as subject_of
from malmoi_tokenizer_lab.evaluate.unit_table import UnitTable as UnitTable
from malmoi_tokenizer_lab.evaluate.unit_table import read_unit_table as read_unit_table
