import Crypto
import Pipeline
import Platform

extension LoadedConfiguration {
    /// By what it is known in logs: SHA-256 in hexadecimal digits of the file's text, as `sha256sum` says it of the file. Of one that includes
    /// others, of all texts behind each other, in the order in which they are read.
    package var hash256: String {
        var hash = SHA256()
        for text in texts { hash.update(data: Array(text.utf8)) }
        return Hexadecimal.string(hash.finalize())
    }
}
