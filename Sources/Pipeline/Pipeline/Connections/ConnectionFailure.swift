import NIOCore
import NIOPosix

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Why a connection, or a question over one, came to nothing: in a few words for a person.
///
/// Errors of libraries are made for those who write programs: they name functions, numbers, and places in the library's source. What isn't
/// known here is told by its kind alone. Errors of this program have a sentence of their own.
package enum ConnectionFailure {
    /// - Parameter peer: Who is at the other end, where that is known.
    package static func words(for error: any Error, about peer: String = "the other side") -> String {
        switch error {
        case let error as IOError: return words(forSystemError: error.errnoCode)
        case let error as NIOConnectionError:
            return error.connectionErrors.first.map { words(for: $0.error, about: peer) } ?? "the name can't be resolved"
        case ChannelError.connectTimeout: return "connecting took too long"
        case ChannelError.eof, ChannelError.ioOnClosedChannel, ChannelError.alreadyClosed, ChannelError.inputClosed,
            ChannelError.outputClosed:
            return "the connection was closed"
        case is SocketAddressError, is SocketAddressError.UnknownHost: return "the name can't be resolved"
        case is CancellationError: return "it was cancelled"
        default: break
        }
        if let failure = TLSFailure(error) { return failure.sentence(about: peer) }
        let type = String(reflecting: Swift.type(of: error))
        if type == "AsyncHTTPClient.HTTPClientError" { return words(forClientError: "\(error)") }
        guard isForeign(type) else { return "\(error)" }
        let name = type.split(separator: ".").last ?? ""
        return name.contains("Decoding") || name.contains("HTTPParser")
            ? "\(peer) answered with something that can't be understood" : "it failed (\(name))"
    }

    /// Whether the other side's machine has said that nobody listens there.
    package static func isRefusal(_ error: any Error) -> Bool {
        switch error {
        case let error as IOError: error.errnoCode == ECONNREFUSED
        case let error as NIOConnectionError:
            !error.connectionErrors.isEmpty && error.connectionErrors.allSatisfy { isRefusal($0.error) }
        default: false
        }
    }

    /// - Parameter code: As in `errno`.
    package static func words(forSystemError code: CInt) -> String {
        switch code {
        case ECONNREFUSED: "the connection was refused"
        case ECONNRESET, EPIPE: "the connection was reset"
        case EHOSTUNREACH, ENETUNREACH: "there is no route to it"
        case ETIMEDOUT: "it doesn't answer"
        case EMFILE, ENFILE: "too many files are open here"
        default: String(cString: strerror(code))
        }
    }

    /// By the names that the client's errors have.
    private static func words(forClientError description: String) -> String {
        let kind = description.split(separator: ".", maxSplits: 1).last ?? ""
        func isOne(of names: String...) -> Bool { names.contains { kind.hasPrefix($0) } }
        if isOne(of: "deadlineExceeded", "readTimeout", "writeTimeout") { return "it doesn't answer in time" }
        if isOne(of: "connectTimeout", "getConnectionFromPoolTimeout") { return "connecting took too long" }
        if isOne(of: "tlsHandshakeTimeout") { return "the TLS handshake took too long" }
        if isOne(of: "remoteConnectionClosed", "uncleanShutdown") { return "the connection was closed" }
        if isOne(of: "invalidURL", "emptyHost", "emptyScheme", "unsupportedScheme", "missingSocketPath") {
            return "its URL is malformed"
        }
        if isOne(of: "proxyAuthenticationRequired") { return "the proxy on the way wants a password" }
        if isOne(of: "invalidProxyResponse", "httpProxyHandshakeTimeout", "socksHandshakeTimeout") {
            return "the proxy on the way doesn't answer as one"
        }
        if isOne(of: "redirect") { return "it leads from one place to another and to no answer" }
        if isOne(of: "cancelled", "requestStreamCancelled") { return "it was cancelled" }
        return "the exchange failed (\(kind.prefix { $0.isLetter }))"
    }

    private static func isForeign(_ type: String) -> Bool {
        let module = type.prefix { $0 != "." }
        return module.hasPrefix("NIO") || module.hasPrefix("_NIO") || module.hasPrefix("Foundation")
            || ["Swift", "AsyncHTTPClient", "X509", "SwiftASN1", "Crypto", "CryptoExtras", "JWTKit"].contains(String(module))
    }
}
