"""`ops.image`: single images and batches of them, channels last or first."""

from typing import TYPE_CHECKING

from fkeras.core import namespaces
from fkeras.ops.image_color import hsv_to_rgb as hsv_to_rgb
from fkeras.ops.image_color import rgb_to_grayscale as rgb_to_grayscale
from fkeras.ops.image_color import rgb_to_hsv as rgb_to_hsv
from fkeras.ops.image_filter import gaussian_blur as gaussian_blur
from fkeras.ops.image_filter import sobel_edges as sobel_edges
from fkeras.ops.image_filter import ssim as ssim
from fkeras.ops.image_patches import extract_patches as extract_patches
from fkeras.ops.image_patches import extract_patches_3d as extract_patches_3d
from fkeras.ops.image_patches import reconstruct_patches as reconstruct_patches
from fkeras.ops.image_resize import crop_images as crop_images
from fkeras.ops.image_resize import pad_images as pad_images
from fkeras.ops.image_resize import resize as resize
from fkeras.ops.image_resize import scale_and_translate as scale_and_translate
from fkeras.ops.image_warp import affine_transform as affine_transform
from fkeras.ops.image_warp import elastic_transform as elastic_transform
from fkeras.ops.image_warp import map_coordinates as map_coordinates
from fkeras.ops.image_warp import perspective_transform as perspective_transform

if not TYPE_CHECKING:  # a checker must see that other names do not exist
    __getattr__, __dir__ = namespaces.of(__name__)
