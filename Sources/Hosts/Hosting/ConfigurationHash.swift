import ConfigurationLanguage
import Crypto
import Pipeline
import Platform

extension LoadedConfiguration {
    /// Tells configurations apart for people: SHA-256 of what counts, defaults and overrides included and secrets left out.
    var hash256: String { Hexadecimal.string(SHA256.hash(data: Array(description.utf8))) }
}
