// Whoever puts pipelines together imports `Stages` and has every stage that comes with the program.
@_exported public import ControlStages
@_exported public import Filters
@_exported public import TunnelStages
