package import HTTPMessages
package import NIOCore

/// What a client is told of its request (RFC 1928, 6).
package enum SOCKSReply: UInt8, Sendable {
    /// The tunnel is open.
    case succeeded = 0
    /// A failure that no other code fits.
    case generalFailure = 1
    /// A rule forbids the connection.
    case notAllowed = 2
    /// The network can't be reached.
    case networkUnreachable = 3
    /// The host can't be reached, or its name not resolved.
    case hostUnreachable = 4
    /// The host refused the connection.
    case connectionRefused = 5
    /// The command is another than CONNECT.
    case commandNotSupported = 7
    /// The type of address is unknown.
    case addressTypeNotSupported = 8

    /// The reply as it is sent. The exit's own address, which could stand in it, is nobody's business.
    package var message: ByteBuffer { ByteBuffer(bytes: [5, rawValue, 0, 1, 0, 0, 0, 0, 0, 0]) }

    /// The reply for a CONNECT that was answered with this response: by its error in `Proxy-Status` (RFC 9209, 2.3), where the
    /// other end of the tunnel has said it, else by its status.
    package init(_ head: ResponseHead) {
        if (200..<300).contains(head.status) {
            self = .succeeded
        } else if let error = ProxyStatus.error(in: head.fields), let reply = Self(error) {
            self = reply
        } else {
            switch head.status {
            case 401, 403, 407, 429, 451: self = .notAllowed
            case 502, 504: self = .hostUnreachable
            case 503: self = .networkUnreachable
            default: self = .generalFailure
            }
        }
    }

    private init?(_ error: String) {
        switch error {
        case "destination_ip_prohibited", "http_request_denied": self = .notAllowed
        case "dns_error", "destination_not_found", "destination_unavailable", "destination_ip_unroutable", "connection_timeout":
            self = .hostUnreachable
        case "connection_refused": self = .connectionRefused
        default: return nil
        }
    }
}
