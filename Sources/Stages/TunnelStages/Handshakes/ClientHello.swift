package import NIOCore

/// The protocols that a client names in the first message of TLS (RFC 8446, 4.1.2; RFC 7301, 3.1).
///
/// The library reads the message by itself, and goes on without a protocol where none of those named is known. This looks only for what it
/// doesn't tell; what it can't read here is left to the library to refuse.
package struct ClientHello: Equatable {
    /// Nil where the client names none, or what came is no such message.
    package let protocols: [String]?

    /// The longest message that is looked at; a longer one has no business in front of a handshake.
    private static let limit = 16 << 10

    /// What is known after some bytes of a connection: nil while more are needed to tell.
    package init?(_ bytes: ByteBuffer) {
        var records = bytes
        var message = ByteBuffer()
        var wanted: Int?
        while true {
            if wanted == nil, let head = message.getInteger(at: message.readerIndex, as: UInt32.self) {
                guard head >> 24 == 1 else { break }
                wanted = 4 + Int(head & 0xFF_FFFF)
            }
            if let wanted, wanted > Self.limit { break }
            if let wanted, message.readableBytes >= wanted {
                protocols = message.readSlice(length: wanted).flatMap(Self.protocols)
                return
            }
            guard let kind = records.readInteger(as: UInt8.self) else { return nil }
            // A record of the handshake, which is at most 16 KiB long and not empty.
            guard kind == 22 else { break }
            guard records.readSlice(length: 2) != nil, let length = records.readInteger(as: UInt16.self) else { return nil }
            guard (1...(1 << 14)).contains(length) else { break }
            guard var record = records.readSlice(length: Int(length)) else { return nil }
            message.writeBuffer(&record)
        }
        protocols = nil
    }

    private static func protocols(of message: ByteBuffer) -> [String]? {
        var message = message
        // The head, version and random; the session's id, the ciphers, the compressions.
        guard message.readSlice(length: 4 + 2 + 32) != nil, message.readVector(of: UInt8.self) != nil,
            message.readVector(of: UInt16.self) != nil, message.readVector(of: UInt8.self) != nil,
            var extensions = message.readVector(of: UInt16.self)
        else { return nil }
        while let kind = extensions.readInteger(as: UInt16.self), var content = extensions.readVector(of: UInt16.self) {
            guard kind == 16 else { continue }
            guard var list = content.readVector(of: UInt16.self) else { return nil }
            var names: [String] = []
            while let name = list.readVector(of: UInt8.self) {
                names.append(String(decoding: name.readableBytesView, as: UTF8.self))
            }
            return names
        }
        return nil
    }
}

extension ByteBuffer {
    /// Bytes behind their number.
    fileprivate mutating func readVector<Length: FixedWidthInteger>(of length: Length.Type) -> ByteBuffer? {
        readInteger(as: length).flatMap { readSlice(length: Int($0)) }
    }
}
