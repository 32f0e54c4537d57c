import NIOCore

/// Frames of HTTP/2 (RFC 9113, 4.1), put together byte by byte.
enum H2Wire {
    struct Frame: Equatable {
        var type: UInt8
        var flags: UInt8
        var stream: UInt32
        var payload: ByteBuffer
    }

    static let (data, headers, reset, settings, ping, goAway, windowUpdate): (UInt8, UInt8, UInt8, UInt8, UInt8, UInt8, UInt8) =
        (0, 1, 3, 4, 6, 7, 8)
    static let preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

    static func frame(_ type: UInt8, _ stream: UInt32 = 0, flags: UInt8 = 0, _ payload: [UInt8] = []) -> [UInt8] {
        Array(MuxWire.integer(UInt32(payload.count)).dropFirst()) + [type, flags] + MuxWire.integer(stream) + payload
    }

    /// SETTINGS as pairs of a parameter and its value.
    static func announce(_ pairs: [(UInt16, UInt32)] = []) -> [UInt8] {
        frame(settings, 0, pairs.flatMap { MuxWire.integer($0.0) + MuxWire.integer($0.1) })
    }

    /// `:status: 200`, which is entry 8 of HPACK's static table (RFC 7541, A).
    static func ok(_ stream: UInt32, end: Bool = false) -> [UInt8] { frame(headers, stream, flags: end ? 5 : 4, [0x88]) }
    static func data(_ stream: UInt32, _ text: String, end: Bool = false) -> [UInt8] {
        frame(data, stream, flags: end ? 1 : 0, Array(text.utf8))
    }
    static func reset(_ stream: UInt32, _ code: UInt32) -> [UInt8] { frame(reset, stream, MuxWire.integer(code)) }
    static func goAway(_ last: UInt32, _ code: UInt32 = 0) -> [UInt8] {
        frame(goAway, 0, MuxWire.integer(last) + MuxWire.integer(code))
    }

    /// The frames that stand in bytes, behind a client's preface if there is one.
    static func frames(_ bytes: ByteBuffer) -> [Frame] {
        var bytes = bytes
        if bytes.getString(at: bytes.readerIndex, length: preface.utf8.count) == preface {
            bytes.moveReaderIndex(forwardBy: preface.utf8.count)
        }
        var frames: [Frame] = []
        while let high = bytes.readInteger(as: UInt8.self), let low = bytes.readInteger(as: UInt16.self),
            let type = bytes.readInteger(as: UInt8.self), let flags = bytes.readInteger(as: UInt8.self),
            let stream = bytes.readInteger(as: UInt32.self), let payload = bytes.readSlice(length: Int(high) << 16 | Int(low))
        {
            frames.append(Frame(type: type, flags: flags, stream: stream, payload: payload))
        }
        return frames
    }
}
