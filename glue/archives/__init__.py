"""`tar.gz` archives: written so that the same content has the same bytes everywhere, and read without being trusted."""

from glue.archives.names import normalised
from glue.archives.pickles import pickle_risk
from glue.archives.reading import HEAD, Limits, read_archive
from glue.archives.writing import ArchiveWriter

__all__ = ["HEAD", "ArchiveWriter", "Limits", "normalised", "pickle_risk", "read_archive"]
