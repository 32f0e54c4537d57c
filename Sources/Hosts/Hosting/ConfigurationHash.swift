import Crypto

/// By what a configuration is known in the audit log.
enum ConfigurationHash {
    /// SHA-256 of a text in UTF-8, in hexadecimal digits, as `sha256sum` says it of the file.
    static func sha256(_ text: String) -> String {
        let digits = Array("0123456789abcdef")
        return SHA256.hash(data: Array(text.utf8)).reduce(into: "") { hex, byte in
            hex.append(digits[Int(byte >> 4)])
            hex.append(digits[Int(byte & 15)])
        }
    }
}
