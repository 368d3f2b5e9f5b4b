"""Files: what data sets, pretrained networks, a hub and saving stand on. A table of contents."""

from fkeras.io.archive import extract_archive as extract_archive
from fkeras.io.archive_limits import ExtractionLimits as ExtractionLimits
from fkeras.io.archive_members import detect_format as detect_format
from fkeras.io.atomic import move_into_place as move_into_place
from fkeras.io.atomic import replacing_directory as replacing_directory
from fkeras.io.atomic import replacing_file as replacing_file
from fkeras.io.cache import cache_folder as cache_folder
from fkeras.io.cache import entry_path as entry_path
from fkeras.io.download import Patience as Patience
from fkeras.io.download import download as download
from fkeras.io.hashing import algorithm_for as algorithm_for
from fkeras.io.hashing import check_digest as check_digest
from fkeras.io.hashing import directory_digest as directory_digest
from fkeras.io.hashing import equal_digests as equal_digests
from fkeras.io.hashing import file_digest as file_digest
from fkeras.io.hashing import matches_digest as matches_digest
from fkeras.io.locks import locked as locked
from fkeras.io.urls import check_url as check_url
from fkeras.io.urls import file_name_in as file_name_in
