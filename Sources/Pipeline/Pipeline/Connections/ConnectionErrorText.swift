import NIOCore
import NIOPosix

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Why a connection could not be opened or was lost, in a few words for a person.
package enum ConnectionErrorText {
    /// - Parameter peer: Who is at the other end, where that is known.
    package static func describe(_ error: any Error, about peer: String = "the other side") -> String {
        switch error {
        case let error as NIOConnectionError:
            if error.connectionErrors.isEmpty { return "the name can't be resolved" }
            return error.connectionErrors.first.map { describe($0.error) } ?? "it can't be reached"
        case let error as IOError:
            return describe(errno: error.errnoCode)
        case ChannelError.connectTimeout:
            return "connecting took too long"
        case ChannelError.eof, ChannelError.ioOnClosedChannel, ChannelError.alreadyClosed:
            return "the connection was closed"
        default:
            return TLSFailure(error)?.sentence(about: peer) ?? "\(error)"
        }
    }

    static func describe(errno code: CInt) -> String {
        switch code {
        case ECONNREFUSED: "the connection was refused"
        case ECONNRESET, EPIPE: "the connection was reset"
        case EHOSTUNREACH, ENETUNREACH: "there is no route to it"
        case ETIMEDOUT: "it doesn't answer"
        case EMFILE, ENFILE: "too many files are open here"
        default: String(cString: strerror(code))
        }
    }
}
