// Whoever writes a stage, or embeds a pipeline, imports `Pipeline` and has what its declarations are made of: which floor of this program
// a type is on is no business of theirs. In this package every file imports the floors that it uses by their own names.
@_exported public import Addresses
@_exported public import ConfigurationLanguage
@_exported public import HTTPMessages
@_exported public import Instruments
@_exported public import Platform
