#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// Whom servers are verified by where a configuration doesn't say it.
package enum SystemTrust {
    /// The PEM file that `SSL_CERT_FILE` names; nil for what the system has.
    package static var file: String? {
        getenv("SSL_CERT_FILE").map { String(cString: $0) }.flatMap { $0.isEmpty ? nil : $0 }
    }
}
