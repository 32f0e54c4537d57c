import Crypto
import Pipeline
import Platform

extension LoadedConfiguration {
    /// By what it is known in logs: SHA-256 of the file's text in hexadecimal digits, as `sha256sum` says it of the file.
    package var hash256: String { Hexadecimal.string(SHA256.hash(data: Array(text.utf8))) }
}
