"""`tar.gz` archives: written so that the same content has the same bytes everywhere, and read without being trusted."""

from glue.archives.names import normalised
from glue.archives.pickles import PickleScan, pickle_risk
from glue.archives.reading import Limits, read_archive
from glue.archives.writing import ArchiveWriter

__all__ = ["ArchiveWriter", "Limits", "PickleScan", "normalised", "pickle_risk", "read_archive"]
