"""Boxes around objects in images: formats, overlap, moves, deltas. A table of contents."""

from fkeras.data.bounding_boxes.deltas import decode_deltas_to_boxes as decode_deltas_to_boxes
from fkeras.data.bounding_boxes.deltas import encode_box_to_deltas as encode_box_to_deltas
from fkeras.data.bounding_boxes.formats import convert_format as convert_format
from fkeras.data.bounding_boxes.moves import affine_transform as affine_transform
from fkeras.data.bounding_boxes.moves import clip_to_image_size as clip_to_image_size
from fkeras.data.bounding_boxes.moves import crop as crop
from fkeras.data.bounding_boxes.moves import pad as pad
from fkeras.data.bounding_boxes.overlap import compute_ciou as compute_ciou
from fkeras.data.bounding_boxes.overlap import compute_iou as compute_iou
