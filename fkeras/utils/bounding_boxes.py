"""`keras.utils.bounding_boxes`: boxes around objects. A table of contents."""

from typing import TYPE_CHECKING

from fkeras.core import namespaces
from fkeras.data.bounding_boxes import affine_transform as affine_transform
from fkeras.data.bounding_boxes import clip_to_image_size as clip_to_image_size
from fkeras.data.bounding_boxes import compute_ciou as compute_ciou
from fkeras.data.bounding_boxes import compute_iou as compute_iou
from fkeras.data.bounding_boxes import convert_format as convert_format
from fkeras.data.bounding_boxes import crop as crop
from fkeras.data.bounding_boxes import decode_deltas_to_boxes as decode_deltas_to_boxes
from fkeras.data.bounding_boxes import encode_box_to_deltas as encode_box_to_deltas
from fkeras.data.bounding_boxes import pad as pad

if not TYPE_CHECKING:  # a checker must see that other names do not exist
    __getattr__, __dir__ = namespaces.of(__name__)
