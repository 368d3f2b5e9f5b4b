"""`keras.utils`: tools around training. A table of contents."""

from typing import TYPE_CHECKING

from fkeras.callbacks import Progbar as Progbar
from fkeras.core import namespaces
from fkeras.core.config.registry import get_custom_objects as get_custom_objects
from fkeras.core.config.registry import get_registered_name as get_registered_name
from fkeras.core.config.registry import get_registered_object as get_registered_object
from fkeras.core.config.registry import register_keras_serializable as register_keras_serializable
from fkeras.core.config.scopes import CustomObjectScope as CustomObjectScope
from fkeras.core.config.scopes import custom_object_scope as custom_object_scope
from fkeras.core.config.serialization import deserialize_keras_object as deserialize_keras_object
from fkeras.core.config.serialization import serialize_keras_object as serialize_keras_object
from fkeras.core.dtypes import standardize_dtype as standardize_dtype
from fkeras.core.experiment_config import Config as Config
from fkeras.core.kinds import is_keras_tensor as is_keras_tensor
from fkeras.core.public_settings import disable_interactive_logging as disable_interactive_logging
from fkeras.core.public_settings import enable_interactive_logging as enable_interactive_logging
from fkeras.core.public_settings import (
    is_interactive_logging_enabled as is_interactive_logging_enabled,
)
from fkeras.core.randomness.process_generator import set_random_seed as set_random_seed
from fkeras.core.session import clear_session as clear_session
from fkeras.core.symbolic.sources import get_source_inputs as get_source_inputs
from fkeras.data import PyDataset as PyDataset
from fkeras.data import pack_x_y_sample_weight as pack_x_y_sample_weight
from fkeras.data import pad_sequences as pad_sequences
from fkeras.data import unpack_x_y_sample_weight as unpack_x_y_sample_weight
from fkeras.data.encoding import normalize as normalize
from fkeras.data.encoding import to_categorical as to_categorical
from fkeras.data.folders import audio_dataset_from_directory as audio_dataset_from_directory
from fkeras.data.folders import image_dataset_from_directory as image_dataset_from_directory
from fkeras.data.folders import split_dataset as split_dataset
from fkeras.data.folders import text_dataset_from_directory as text_dataset_from_directory
from fkeras.data.folders import timeseries_dataset_from_array as timeseries_dataset_from_array
from fkeras.data.image_files import array_to_img as array_to_img
from fkeras.data.image_files import img_to_array as img_to_array
from fkeras.data.image_files import load_img as load_img
from fkeras.data.image_files import save_img as save_img
from fkeras.diagrams import model_to_dot as model_to_dot
from fkeras.diagrams import plot_model as plot_model
from fkeras.downloads import get_file as get_file
from fkeras.models.feature_space import FeatureSpace as FeatureSpace
from fkeras.utils import bounding_boxes as bounding_boxes
from fkeras.utils import legacy as legacy

Sequence = PyDataset

if not TYPE_CHECKING:  # a checker must see that other names do not exist
    __getattr__, __dir__ = namespaces.of(__name__, submodules=("bounding_boxes", "legacy"))
