"""The configuration: typed, checked before any job is planned, and told in plain words where it is wrong."""

from forewarn.config.load import load_configuration, overlaid, read_yaml
from forewarn.config.model import Configuration
from forewarn.config.names import organism_name

__all__ = ["Configuration", "load_configuration", "organism_name", "overlaid", "read_yaml"]
