import HTTPMessages
package import NIOHTTP2

extension Failure {
    /// The code that a stream is reset with (RFC 9113, 7).
    package var h2Code: HTTP2ErrorCode {
        switch code {
        case .none: .noError
        case .cancelled: .cancel
        case .protocolViolation, .originInvalid: .protocolError
        case .flowControl: .flowControlError
        case .excessive: .enhanceYourCalm
        case .refused, .draining: .refusedStream
        case .nameNotResolved, .unreachable, .connectionRefused, .originClosed, .tunnelLost, .tunnelDown, .timeout: .connectError
        default: .internalError
        }
    }

    /// What a stream's reset means for its exchange.
    package init(h2Code code: HTTP2ErrorCode, from peer: String) {
        switch code {
        case .noError, .cancel: self.init(.cancelled, "\(peer) cancelled the stream")
        case .refusedStream: self.init(.refused, "\(peer) takes no more streams for now")
        case .enhanceYourCalm: self.init(.excessive, "\(peer) finds it too much")
        case .connectError: self.init(.originClosed, "\(peer) lost the connection to the origin")
        case .protocolError, .frameSizeError, .compressionError, .streamClosed:
            self.init(.protocolViolation, "\(peer) says that HTTP/2's rules were broken (\(code.networkCode))")
        default: self.init(.tunnelLost, "\(peer) reset the stream (\(code.networkCode))")
        }
    }
}
