"""`keras.preprocessing.text`: texts as numbers. A table of contents."""

from typing import TYPE_CHECKING

from fkeras.core import namespaces
from fkeras.data.text import Tokenizer as Tokenizer
from fkeras.data.text import hashing_trick as hashing_trick
from fkeras.data.text import one_hot as one_hot
from fkeras.data.text import text_to_word_sequence as text_to_word_sequence
from fkeras.data.text import tokenizer_from_json as tokenizer_from_json

if not TYPE_CHECKING:  # a checker must see that other names do not exist
    __getattr__, __dir__ = namespaces.of(__name__)
