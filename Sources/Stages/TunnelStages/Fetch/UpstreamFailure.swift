import ConfigurationLanguage
import HTTPMessages
import NIOCore
import NIOPosix
import Names
import Pipeline
import Platform

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// What went wrong with an origin, as a client is told.
enum UpstreamFailure {
    static func connecting(to origin: Origin, _ error: any Error) -> Failure {
        let place = Authority(host: origin.host, port: origin.port).text
        switch error {
        case let error as NIOConnectionError:
            let failures = error.connectionErrors.map(\.error)
            if let failure = failures.last { return connecting(to: origin, failure) }
            return Failure(.unreachable, "\(place) can't be reached")
        case ChannelError.connectTimeout:
            return Failure(.timeout, "\(place) didn't take the connection in time")
        case let error as IOError where error.errnoCode == ETIMEDOUT:
            return Failure(.timeout, "\(place) didn't take the connection in time")
        case let error as IOError where error.errnoCode == ECONNREFUSED:
            return Failure(.connectionRefused, "\(place): \(ConnectionFailure.words(for: error))")
        default:
            return Failure(.unreachable, "\(place): \(ConnectionFailure.words(for: error))")
        }
    }

    static func resolving(_ origin: Origin, _ failure: NameFailure, after time: TimeAmount?) -> Failure {
        let code: Failure.Code =
            switch failure {
            case .noAnswer, .deadline: .timeout
            case .tooMany, .noDescriptor: .excessive
            case .noSuchName, .noAddress, .malformed, .serverFailed, .answerInvalid: .nameNotResolved
            }
        return Failure(code, failure.sentence(about: origin.host, after: time.map { .nanoseconds($0.nanoseconds) }))
    }

    static func noFreeConnection(to origin: Origin, of limit: Int, in time: Duration) -> Failure {
        Failure(.excessive, "none of the \(limit) connections to \(origin.host) that there may be became free in \(time.printed)")
    }

    static func noDescriptor(for origin: Origin) -> Failure {
        Failure(.excessive, "there is no file descriptor left for a connection to \(origin.host)")
    }

    /// Whether no connection could be made because the process has no descriptor for it.
    static func isForWantOfDescriptors(_ error: any Error) -> Bool {
        guard let attempts = error as? NIOConnectionError else { return FileDescriptors.areExhausted(error) }
        return attempts.connectionErrors.contains { FileDescriptors.areExhausted($0.error) }
    }

    static func lost(_ origin: Origin, _ error: (any Error)?) -> Failure {
        let place = Authority(host: origin.host, port: origin.port).text
        switch error {
        case nil:
            return Failure(.originClosed, "\(place) closed the connection before its answer was complete")
        case let error?:
            if let failure = TLSFailure(error) { return Failure(.originInvalid, failure.sentence(about: place)) }
            return Failure(.originClosed, "\(place): \(ConnectionFailure.words(for: error))")
        }
    }
}

extension Authority {
    var text: String {
        let bracketed = host.contains(":") ? "[\(host)]" : host
        return port.map { "\(bracketed):\($0)" } ?? bracketed
    }
}
