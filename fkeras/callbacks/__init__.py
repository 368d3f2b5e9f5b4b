"""What runs beside training: callbacks, the progress bar, and what `fit` returns. A table of
contents.
"""

from typing import TYPE_CHECKING

from fkeras.callbacks.callback import Callback as Callback
from fkeras.callbacks.callback_list import CallbackList as CallbackList
from fkeras.callbacks.csv_logger import CSVLogger as CSVLogger
from fkeras.callbacks.early_stopping import EarlyStopping as EarlyStopping
from fkeras.callbacks.history import History as History
from fkeras.callbacks.lambda_callback import LambdaCallback as LambdaCallback
from fkeras.callbacks.learning_rate_scheduler import LearningRateScheduler as LearningRateScheduler
from fkeras.callbacks.model_checkpoint import ModelCheckpoint as ModelCheckpoint
from fkeras.callbacks.monitor import MonitorCallback as MonitorCallback
from fkeras.callbacks.orbax_checkpoint import OrbaxCheckpoint as OrbaxCheckpoint
from fkeras.callbacks.progbar import Progbar as Progbar
from fkeras.callbacks.progbar_logger import ProgbarLogger as ProgbarLogger
from fkeras.callbacks.reduce_lr_on_plateau import ReduceLROnPlateau as ReduceLROnPlateau
from fkeras.callbacks.swap_ema_weights import SwapEMAWeights as SwapEMAWeights
from fkeras.callbacks.tensorboard import TensorBoard as TensorBoard
from fkeras.callbacks.terminate_on_nan import TerminateOnNaN as TerminateOnNaN
from fkeras.core import namespaces

if not TYPE_CHECKING:  # a checker must see that other names do not exist
    __getattr__, __dir__ = namespaces.of(__name__)
