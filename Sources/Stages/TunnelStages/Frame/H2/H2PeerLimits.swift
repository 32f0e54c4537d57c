import NIOCore
package import NIOHPACK
package import NIOHTTP2

/// How large a head may be that one connection's peer is sent, by its settings (RFC 9113, 6.5.2). The library writes a head in one frame:
/// one that isn't allowed mustn't be given to it, for it would end the connection with all of its streams. Shared by a connection's streams
/// and confined to its loop.
package final class H2PeerLimits {
    /// The largest frame's payload, in bytes.
    private var frameSize = 16_384
    /// The largest list of fields, in bytes, each with 32 more.
    private var listSize = Int.max

    /// The limits before SETTINGS: frames of 16,384 bytes, and lists of any size (RFC 9113, 6.5.2).
    package init() {}

    /// Takes what the peer has announced.
    package func take(_ settings: HTTP2Settings) {
        for setting in settings {
            switch setting.parameter {
            case .maxFrameSize: frameSize = setting.value
            case .maxHeaderListSize: listSize = setting.value
            default: break
            }
        }
    }

    /// Whether a head, or trailers, can be sent.
    package func allow(_ headers: HPACKHeaders) -> Bool {
        let size = Self.listSize(headers)
        guard size <= listSize else { return false }
        // No byte has a code of more than 30 bits (RFC 7541, B), one beyond ASCII has two here (`H2Text`), and what stands before a field's
        // bytes is less than 32 bytes.
        return size * 8 <= frameSize || Self.encodedBound(headers) <= frameSize
    }

    /// The size of a list of fields as SETTINGS_MAX_HEADER_LIST_SIZE counts it, in bytes.
    package static func listSize(_ headers: HPACKHeaders) -> Int {
        headers.reduce(0) { $0 + $1.name.utf8.count + H2Text.count($1.value) + 32 }
    }

    /// What a head takes up at most, in bytes: without help from the fields that a connection has had before.
    private static func encodedBound(_ headers: HPACKHeaders) -> Int {
        var encoder = HPACKEncoder(allocator: ByteBufferAllocator(), maxDynamicTableSize: 0)
        var block = ByteBuffer()
        guard (try? encoder.encode(headers: headers, to: &block)) != nil else { return .max }
        // The form that a field has with such help may take two bytes more, and a change of that memory's size a few.
        return block.readableBytes + 2 * headers.count + 16
    }
}

@available(*, unavailable)
extension H2PeerLimits: Sendable {}
