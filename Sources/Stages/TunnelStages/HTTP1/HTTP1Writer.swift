package import HTTPMessages
package import NIOCore
import Platform

/// How a body is sent.
package enum BodyFraming: Sendable, Hashable {
    /// There is no body, or what follows is a tunnel.
    case none
    /// As so many bytes, announced in Content-Length.
    case length(Int64)
    /// In the chunked coding (RFC 9112, 7.1).
    case chunked
    /// Up to the end of the connection, for a client of HTTP/1.0.
    case untilClose
}

/// Writes heads and chunks to the end of a buffer. The framing and the fields of the connection follow from the head's values;
/// should such fields be among a head's fields all the same, they are left out.
package enum HTTP1Writer {
    /// Writes a request to an origin: in origin-form, or in authority-form if it is a CONNECT. `Host` comes first.
    ///
    /// Throws, and writes nothing, if method, path or authority is something that it can't be: it may come from a peer, and a
    /// line end in it would be the beginning of another request.
    ///
    /// - Parameter close: the connection isn't used further.
    /// - Returns: how the body is to be sent, never until the connection closes.
    package static func request(
        _ head: RequestHead, close: Bool = false, into buffer: inout ByteBuffer
    ) throws(HTTP1Error) -> BodyFraming {
        try check(head)
        let isTunnel = head.kind == .tunnel
        let target = isTunnel ? head.authority : head.path
        buffer.reserveCapacity(
            minimumWritableBytes: head.method.utf8.count + target.utf8.count + head.authority.utf8.count
                + head.fields.block.readableBytes + 128)
        let size = head.method.utf8.count + target.utf8.count + head.authority.utf8.count + 20
        buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: size) { out in
            var out = UnsafeMutableRawBufferPointer(rebasing: out[..<size])
            out.put(head.method)
            out.put(" " as StaticString)
            out.put(target)
            out.put(" HTTP/1.1\r\nHost: " as StaticString)
            out.put(head.authority)
            out.put("\r\n" as StaticString)
            return size
        }
        let upgrades = head.kind == .upgrade
        if upgrades {
            buffer.writeStaticString("Connection: upgrade\r\n")
        } else if close {
            buffer.writeStaticString("Connection: close\r\n")
        }
        writeFields(head.fields, withUpgrade: upgrades, into: &buffer)
        let framing: BodyFraming
        switch head.body {
        case _ where isTunnel: framing = .none
        case .known(let length):
            framing = .length(length)
            writeLength(length, into: &buffer)
        case .unknown:
            framing = .chunked
            buffer.writeStaticString("Transfer-Encoding: chunked\r\n")
        case .none:
            framing = .none
            // Methods that usually have a body say that there is none (RFC 9110, 8.6).
            if head.method == "POST" || head.method == "PUT" || head.method == "PATCH" { writeLength(0, into: &buffer) }
        case .deflated:
            throw HTTP1Error(.deflatedBody)
        }
        buffer.writeStaticString("\r\n")
        return framing
    }

    /// Writes a response to a client.
    ///
    /// - Parameters:
    ///   - minorVersion: the client's. A client of HTTP/1.0 gets no informational response: nothing is written.
    ///   - keepAlive: the connection is used further.
    ///   - date: the value of a `Date` that isn't among its fields.
    /// - Returns: how the body is to be sent; if until the connection closes, then the connection isn't used further, whatever
    ///   `keepAlive` says.
    package static func response(
        _ head: ResponseHead, to request: RequestHead, minorVersion: Int = 1, keepAlive: Bool, date: String? = nil,
        into buffer: inout ByteBuffer
    ) -> BodyFraming {
        let isOld = minorVersion == 0
        if head.isInformational && isOld { return .none }
        buffer.reserveCapacity(
            minimumWritableBytes: head.phrase.withBytes(\.count) + head.fields.block.readableBytes + 128)
        writeStatusLine(head, into: &buffer)

        if head.opensTunnel(for: request) {
            let upgrades = head.status == 101
            if upgrades { buffer.writeStaticString("Connection: upgrade\r\n") }
            writeFields(head.fields, withUpgrade: upgrades, into: &buffer)
            buffer.writeStaticString("\r\n")
            return .none
        }

        if let date { writeField("Date: ", date, into: &buffer) }
        let framing = framing(of: head, to: request, isOld: isOld)
        // What a 426 requires is said of this connection, as a sender of Upgrade has to say (RFC 9110, 7.8).
        let offers = head.status == 426 && !isOld && head.fields.contains("Upgrade")
        if !(100..<200).contains(head.status) {
            if offers { buffer.writeStaticString("Connection: upgrade\r\n") }
            if framing == .untilClose || !keepAlive {
                buffer.writeStaticString("Connection: close\r\n")
            } else if isOld {
                buffer.writeStaticString("Connection: keep-alive\r\n")
            }
        }
        writeFields(head.fields, withUpgrade: offers, into: &buffer)
        switch framing {
        case .length(let length): writeLength(length, into: &buffer)
        case .chunked: buffer.writeStaticString("Transfer-Encoding: chunked\r\n")
        case .untilClose: break
        case .none:
            if !head.isBodyless(for: request) {
                writeLength(0, into: &buffer)
            } else if case .known(let length) = head.body, head.status >= 200, head.status != 204 {
                // To HEAD, or 304: the length of the body that isn't sent.
                writeLength(length, into: &buffer)
            }
        }
        buffer.writeStaticString("\r\n")
        return framing
    }

    /// Before `length` bytes of a chunk. Nothing is written for 0, which would end the body.
    package static func chunkHeader(length: Int, into buffer: inout ByteBuffer) {
        guard length > 0 else { return }
        let digits = (Int.bitWidth - length.leadingZeroBitCount + 3) / 4
        buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: digits + 2) { out in
            var rest = length
            for index in (0..<digits).reversed() {
                let digit = UInt8(truncatingIfNeeded: rest & 15)
                out[index] = digit < 10 ? 0x30 + digit : 0x57 + digit
                rest >>= 4
            }
            out[digits] = HTTP1Syntax.carriageReturn
            out[digits + 1] = HTTP1Syntax.lineFeed
            return digits + 2
        }
    }

    /// Behind a chunk's bytes.
    package static func chunkTrailer(into buffer: inout ByteBuffer) {
        buffer.writeStaticString("\r\n")
    }

    /// Ends a chunked body. Trailers that no trailer section may have are left out.
    package static func lastChunk(trailers: HeaderFields? = nil, into buffer: inout ByteBuffer) {
        buffer.writeStaticString("0\r\n")
        if let trailers {
            writeFields(trailers, into: &buffer) { HTTP1FieldSection.isForbiddenInTrailers($0) }
        }
        buffer.writeStaticString("\r\n")
    }

    private static func framing(of head: ResponseHead, to request: RequestHead, isOld: Bool) -> BodyFraming {
        if head.isBodyless(for: request) { return .none }
        return switch head.body {
        // A deflated body never gets here; should it, none of it is written, and the connection ends.
        case .none, .deflated: .none
        case .known(let length): .length(length)
        case .unknown: isOld ? .untilClose : .chunked
        }
    }
}
