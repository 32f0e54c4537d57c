import HTTPMessages
import NIOCore
import Platform

extension HTTP1Writer {
    static func check(_ head: RequestHead) throws(HTTP1Error) {
        var method = head.method
        var authority = head.authority
        var path = head.path
        guard method.withUTF8({ HTTP1Syntax.isToken(UnsafeRawBufferPointer($0)) }) else { throw HTTP1Error(.badRequestLine) }
        guard authority.withUTF8({ HTTP1Syntax.isHost(UnsafeRawBufferPointer($0)) }) else { throw HTTP1Error(.badHost) }
        if head.kind == .tunnel {
            guard !authority.isEmpty else { throw HTTP1Error(.badTarget) }
        } else {
            let isTarget = path.withUTF8 { HTTP1Syntax.isTarget(UnsafeRawBufferPointer($0)) }
            guard isTarget, head.hasLegalPath else { throw HTTP1Error(.badTarget) }
            // Nobody could tell where the body ends and the other protocol begins.
            guard head.kind == .plain || head.body.original != .unknown else { throw HTTP1Error(.upgradeWithoutLength) }
        }
    }

    static func writeStatusLine(_ head: ResponseHead, into buffer: inout ByteBuffer) {
        head.phrase.withBytes { phrase in
            let phrase = HTTP1Syntax.isFieldValue(phrase) ? phrase : UnsafeRawBufferPointer(start: nil, count: 0)
            let size = phrase.count + 15
            buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: size) { out in
                var out = UnsafeMutableRawBufferPointer(rebasing: out[..<size])
                out.put("HTTP/1.1 " as StaticString)
                // Anything else than three digits is no status; an exchange that has one got a bad answer.
                putNumber(UInt64((100...999).contains(head.status) ? head.status : 502), digits: 3, into: &out)
                out.put(" " as StaticString)
                out.put(phrase)
                out.put("\r\n" as StaticString)
                return size
            }
        }
    }

    /// - Parameter name: with the colon and the space behind it.
    static func writeField(_ name: StaticString, _ value: String, into buffer: inout ByteBuffer) {
        let size = name.utf8CodeUnitCount + value.utf8.count + 2
        buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: size) { out in
            var out = UnsafeMutableRawBufferPointer(rebasing: out[..<size])
            out.put(name)
            out.put(value)
            out.put("\r\n" as StaticString)
            return size
        }
    }

    static func writeLength(_ length: Int64, into buffer: inout ByteBuffer) {
        let number = UInt64(max(0, length))
        var digits = 1
        var rest = number
        while rest >= 10 {
            rest /= 10
            digits += 1
        }
        let size = 18 + digits
        buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: size) { out in
            var out = UnsafeMutableRawBufferPointer(rebasing: out[..<size])
            out.put("Content-Length: " as StaticString)
            putNumber(number, digits: digits, into: &out)
            out.put("\r\n" as StaticString)
            return size
        }
    }

    /// In decimal digits, so many of them.
    private static func putNumber(_ number: UInt64, digits: Int, into out: inout UnsafeMutableRawBufferPointer) {
        guard digits <= out.count else { return }
        var rest = number
        for index in (0..<digits).reversed() {
            out[index] = 0x30 + UInt8(truncatingIfNeeded: rest % 10)
            rest /= 10
        }
        out = UnsafeMutableRawBufferPointer(rebasing: out[digits...])
    }

    /// All fields but those that are made anew.
    static func writeFields(_ fields: HeaderFields, withUpgrade: Bool, into buffer: inout ByteBuffer) {
        writeFields(fields, into: &buffer) { name in
            switch name.count {
            case 4: HTTP1Syntax.equal(name, "host")
            case 7: !withUpgrade && HTTP1Syntax.equal(name, "upgrade")
            case 10: HTTP1Syntax.equal(name, "connection") || HTTP1Syntax.equal(name, "keep-alive")
            case 14: HTTP1Syntax.equal(name, "content-length")
            case 17: HTTP1Syntax.equal(name, "transfer-encoding")
            default: false
            }
        }
    }

    @inline(__always)
    static func writeFields(
        _ fields: HeaderFields, into buffer: inout ByteBuffer, leavingOut isLeftOut: (UnsafeRawBufferPointer) -> Bool
    ) {
        // A field has as many bytes on the wire as in the block: colon, space, CR and LF instead of two lengths.
        buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: fields.block.readableBytes) { out in
            var end = 0
            fields.forEach { name, value in
                if isLeftOut(name) { return }
                UnsafeMutableRawBufferPointer(rebasing: out[end...]).copyMemory(from: name)
                end += name.count
                out[end] = UInt8(ascii: ":")
                out[end + 1] = HTTP1Syntax.space
                end += 2
                UnsafeMutableRawBufferPointer(rebasing: out[end...]).copyMemory(from: value)
                end += value.count
                out[end] = HTTP1Syntax.carriageReturn
                out[end + 1] = HTTP1Syntax.lineFeed
                end += 2
            }
            return end
        }
    }
}
