import NIOCore
import Pipeline

/// Tells by a connection's first byte which protocol it speaks.
struct DetectReader: FirstBytesReader {
    /// What a SOCKS5 client begins with, and 4 for one whose version is refused with a reason. No HTTP method begins so.
    private static let socksVersions: ClosedRange<UInt8> = 4...5

    let connection: Inbound
    let port: DetectPort

    func read(_ all: ByteBuffer, newest: ByteBuffer) -> FirstBytesDecision {
        guard let first = all.readableBytesView.first else { return .wait }
        return .give(all) { [connection, port] _ in
            try (Self.socksVersions.contains(first) ? port.socks : port.http).accept(connection)
        }
    }
}
