package import NIOCore

/// What stands between the library and a connection for what goes: puts the bytes that fields have in the place of the characters that the
/// library has for them (`H2Text`). Such fields are written as literals that aren't kept, so that no table has those characters.
package struct H2OutgoingHeads: Sendable {
    /// How many of the bytes to come belong to what has begun.
    private var passing: Int

    /// - Parameter preface: How many bytes stand in front of the first frame.
    package init(preface: Int) { passing = preface }

    /// What is to be sent. The library writes a head as one frame, and a frame's header in one piece.
    package mutating func take(_ bytes: ByteBuffer) -> ByteBuffer {
        var index = bytes.readerIndex
        var result: ByteBuffer?
        while index < bytes.writerIndex {
            if passing > 0 {
                let count = min(passing, bytes.writerIndex - index)
                if var part = result == nil ? nil : bytes.getSlice(at: index, length: count) { result?.writeBuffer(&part) }
                passing -= count
                index += count
                continue
            }
            guard var header = H2FrameHeader(bytes, at: index) else {
                if var rest = bytes.getSlice(at: index, length: bytes.writerIndex - index) { result?.writeBuffer(&rest) }
                break
            }
            let payload = index + H2FrameHeader.size
            let front = header.flags & H2FrameHeader.priority != 0 ? 5 : 0
            if header.type == H2FrameHeader.headers, header.length >= front,
                let block = bytes.getSlice(at: payload + front, length: header.length - front), var restored = Self.restore(block)
            {
                var all = result ?? bytes.getSlice(at: bytes.readerIndex, length: index - bytes.readerIndex) ?? ByteBuffer()
                let length = header.length
                header.length = front + restored.readableBytes
                header.write(to: &all)
                if var priority = bytes.getSlice(at: payload, length: front) { all.writeBuffer(&priority) }
                all.writeBuffer(&restored)
                result = all
                index = payload + length
            } else {
                if var part = result == nil ? nil : bytes.getSlice(at: index, length: H2FrameHeader.size) {
                    result?.writeBuffer(&part)
                }
                passing = header.length
                index = payload
            }
        }
        return result ?? bytes
    }

    /// A block of fields with the bytes that they have; nil if it has them already.
    private static func restore(_ block: ByteBuffer) -> ByteBuffer? {
        block.withUnsafeReadableBytes { bytes in
            var reader = H2FieldReader(bytes)
            var result: ByteBuffer?
            while !reader.isAtEnd {
                let start = reader.offset
                guard let form = reader.form() else { return nil }
                if case .literal(let index, let isKept, let isNeverIndexed) = form {
                    guard let name = index == 0 ? reader.text() : [], let value = reader.text() else { return nil }
                    if !isKept, value.contains(where: { $0 >= 0x80 }) {
                        var all = result ?? ByteBuffer(bytes: bytes[..<start])
                        H2FieldWriter.begin(name: index, isNeverIndexed: isNeverIndexed, to: &all)
                        if index == 0 { H2FieldWriter.write(name, to: &all) }
                        H2FieldWriter.write(H2Text.bytes(value), to: &all)
                        result = all
                        continue
                    }
                }
                result?.writeBytes(bytes[start..<reader.offset])
            }
            return result
        }
    }
}
