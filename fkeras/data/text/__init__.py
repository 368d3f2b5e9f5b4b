"""Texts as numbers, as Keras 2 made them. A table of contents."""

from fkeras.data.text.tokenizer import Tokenizer as Tokenizer
from fkeras.data.text.tokenizer import tokenizer_from_json as tokenizer_from_json
from fkeras.data.text.words import hashing_trick as hashing_trick
from fkeras.data.text.words import one_hot as one_hot
from fkeras.data.text.words import text_to_word_sequence as text_to_word_sequence
