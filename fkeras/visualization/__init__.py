"""`keras.visualization`: boxes and masks drawn on images, and galleries of them. A table of
contents.
"""

from typing import TYPE_CHECKING

from fkeras.core import namespaces
from fkeras.visualization.bounding_boxes import draw_bounding_boxes as draw_bounding_boxes
from fkeras.visualization.galleries import (
    plot_bounding_box_gallery as plot_bounding_box_gallery,
)
from fkeras.visualization.galleries import (
    plot_segmentation_mask_gallery as plot_segmentation_mask_gallery,
)
from fkeras.visualization.image_gallery import plot_image_gallery as plot_image_gallery
from fkeras.visualization.segmentation_masks import (
    draw_segmentation_masks as draw_segmentation_masks,
)

if not TYPE_CHECKING:  # a checker must see that other names do not exist
    __getattr__, __dir__ = namespaces.of(__name__)
