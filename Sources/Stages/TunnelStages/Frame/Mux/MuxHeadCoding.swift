package import HTTPMessages
package import NIOCore
package import Pipeline
import Platform

/// Heads on the wire. A head that comes is checked as if a stranger had written it, for what is let through here is written
/// to origins and clients as it is.
package enum MuxHeadCoding {
    /// The bit of a plain request's kind that says that its response's body may come deflated.
    static let takesDeflatedFlag: UInt8 = 0x80
    /// The bit that says that the name of the client's connection follows.
    static let clientNameFlag: UInt8 = 0x40
    /// The bit that says that the exchange's id follows.
    static let exchangeFlag: UInt8 = 0x20

    /// Nothing is written, and the result is false, when it is too large for a frame.
    /// - Parameters:
    ///   - takesDeflated: In place of what the head says of that.
    ///   - client: The name of the client's connection, see `ClientConnection`, where the peer takes one.
    ///   - exchange: The exchange's id, where the peer takes one.
    package static func encode(
        _ head: RequestHead, takesDeflated: Bool? = nil, client: UInt64? = nil, exchange: UInt64? = nil, into out: inout ByteBuffer
    ) -> Bool {
        let method = head.method.utf8
        let authority = head.authority.utf8
        let path = head.path.utf8
        let block = head.fields.block
        guard method.count <= UInt8.max, authority.count <= UInt16.max, path.count <= UInt16.max,
            head.fields.count <= UInt16.max
        else { return false }
        let size =
            24 + (client == nil ? 0 : 8) + (exchange == nil ? 0 : 8) + method.count + authority.count + path.count
            + block.readableBytes
        guard size <= MuxLimits.head else { return false }
        let flags =
            (takesDeflated ?? head.takesDeflated ? takesDeflatedFlag : 0) | (client == nil ? 0 : clientNameFlag)
            | (exchange == nil ? 0 : exchangeFlag)
        out.writeWithUnsafeMutableBytes(minimumWritableBytes: size) { out in
            var out = UnsafeMutableRawBufferPointer(rebasing: out[..<size])
            out.put(head.kind.rawValue | flags)
            out.put(head.scheme.rawValue)
            if let client { out.put(client) }
            if let exchange { out.put(exchange) }
            out.put(head.body)
            out.put(UInt8(method.count))
            out.put(head.method)
            out.put(UInt16(authority.count))
            out.put(head.authority)
            out.put(UInt16(path.count))
            out.put(head.path)
            out.put(UInt16(head.fields.count))
            block.withUnsafeReadableBytes { out.put($0) }
            return size - out.count
        }
        return true
    }

    /// Writes a response's head as the payload of HEAD; false, with nothing written, if it is too large for a frame.
    package static func encode(_ head: ResponseHead, into out: inout ByteBuffer) -> Bool {
        // Peers that take it in another response than 101 can't be told from those that end the session for it.
        if head.status == 426, head.fields.contains("Upgrade") {
            var head = head
            head.fields.remove("Upgrade")
            return encode(head, into: &out)
        }
        let reason = head.phrase.withBytes(\.count)
        let block = head.fields.block
        let size = 16 + reason + block.readableBytes
        guard reason <= UInt16.max, head.fields.count <= UInt16.max, size <= MuxLimits.head else { return false }
        out.writeWithUnsafeMutableBytes(minimumWritableBytes: size) { out in
            var out = UnsafeMutableRawBufferPointer(rebasing: out[..<size])
            out.put(UInt16(truncatingIfNeeded: head.status))
            out.put(head.body)
            out.put(UInt16(reason))
            head.phrase.withBytes { out.put($0) }
            out.put(UInt16(head.fields.count))
            block.withUnsafeReadableBytes { out.put($0) }
            return size - out.count
        }
        return true
    }

    /// Writes trailers as the payload of TRAILERS; false, with nothing written, if they are too large for a frame.
    package static func encode(_ fields: HeaderFields, into out: inout ByteBuffer) -> Bool {
        guard fields.count <= UInt16.max, fields.block.readableBytes + 2 <= MuxLimits.head else { return false }
        out.reserveCapacity(minimumWritableBytes: 2 + fields.block.readableBytes)
        out.writeInteger(UInt16(fields.count))
        out.writeImmutableBuffer(fields.block)
        return true
    }

    /// - Parameters:
    ///   - offered: What this side has said of the bodies that it takes. What it hasn't is malformed.
    ///   - takesNames: Whether it has said that requests may name their client's connection and their exchange; the same goes for that.
    package static func decodeRequest(
        _ payload: ByteBuffer, offered: BodyCapabilities, takesNames: Bool = false
    ) -> RequestHead? {
        var payload = payload
        guard let kindByte = payload.readInteger(as: UInt8.self),
            let kind = RequestKind(rawValue: kindByte & ~(takesDeflatedFlag | clientNameFlag | exchangeFlag)),
            let scheme = payload.readInteger(as: UInt8.self).flatMap(Scheme.init)
        else { return nil }
        var connectionName: UInt64?
        if kindByte & clientNameFlag != 0 {
            guard takesNames, let name = payload.readInteger(as: UInt64.self) else { return nil }
            connectionName = name
        }
        var exchangeName: UInt64?
        if kindByte & exchangeFlag != 0 {
            guard takesNames, let name = payload.readInteger(as: UInt64.self) else { return nil }
            exchangeName = name
        }
        guard let body = payload.readBodyLength(),
            let methodLength = payload.readInteger(as: UInt8.self), methodLength > 0,
            let method = payload.readText(Int(methodLength), HTTPGrammar.isTokenByte),
            let authorityLength = payload.readInteger(as: UInt16.self),
            let authority = payload.readText(Int(authorityLength), HTTPGrammar.isTargetByte),
            let pathLength = payload.readInteger(as: UInt16.self),
            let path = payload.readText(Int(pathLength), { $0 < 0x80 && HTTPGrammar.isTargetByte($0) }),
            let fields = payload.readFields(upgrade: kind == .upgrade)
        else { return nil }
        guard let parsed = Authority(authority) else { return nil }
        let takesDeflated = kindByte & takesDeflatedFlag != 0
        if takesDeflated || body.isDeflated { guard offered.contains(.deflate), kind == .plain else { return nil } }
        switch kind {
        case .tunnel:
            guard method == "CONNECT", parsed.port != nil, path.isEmpty, scheme == .none else { return nil }
        case .plain, .upgrade:
            guard method != "CONNECT", scheme != .none, path.first == "/" || path == "*" else { return nil }
        }
        var head = RequestHead(
            kind: kind, method: method, scheme: scheme, authority: authority, path: path, body: body, fields: fields)
        head.takesDeflated = takesDeflated
        head.connectionName = connectionName
        head.exchangeName = exchangeName
        return head
    }

    /// A response's head from a HEAD frame's payload; nil if it is malformed, or deflated where that wasn't offered.
    package static func decodeResponse(_ payload: ByteBuffer, mayBeDeflated: Bool) -> ResponseHead? {
        var payload = payload
        guard let status = payload.readInteger(as: UInt16.self), (100...999).contains(status),
            let body = payload.readBodyLength(),
            let reasonLength = payload.readInteger(as: UInt16.self),
            let phrase = payload.readPhrase(Int(reasonLength)),
            let fields = payload.readFields(upgrade: status == 101),
            !body.isDeflated || mayBeDeflated && status >= 200
        else { return nil }
        return ResponseHead(status: Int(status), phrase: phrase, body: body, fields: fields)
    }

    /// What a decoded head takes up, in bytes, beside what every stream does.
    static func size(_ head: RequestHead) -> Int {
        size(head.fields) + head.method.utf8.count + head.authority.utf8.count + head.path.utf8.count
    }

    static func size(_ fields: HeaderFields) -> Int { fields.block.storageCapacity + 64 }

    /// The fields from a TRAILERS frame's payload; nil if they are malformed.
    package static func decodeTrailers(_ payload: ByteBuffer) -> HeaderFields? {
        var payload = payload
        return payload.readFields(upgrade: false)
    }
}

extension UnsafeMutableRawBufferPointer {
    /// Ten bytes at most.
    fileprivate mutating func put(_ length: BodyLength) {
        switch length {
        case .none: put(UInt8(0))
        case .known(let count):
            put(UInt8(1))
            put(count)
        case .unknown: put(UInt8(2))
        case .deflated(let original):
            put(UInt8(3))
            put(original.map { .known($0) } ?? .unknown)
        }
    }
}

extension ByteBuffer {
    fileprivate mutating func readBodyLength() -> BodyLength? {
        switch readInteger(as: UInt8.self) {
        case 0: .some(.none)
        case 1: readInteger(as: Int64.self).flatMap { $0 >= 0 ? .known($0) : nil }
        case 2: .unknown
        case 3: readOriginalLength()
        default: nil
        }
    }

    private mutating func readOriginalLength() -> BodyLength? {
        switch readInteger(as: UInt8.self) {
        case 1: readInteger(as: Int64.self).flatMap { $0 >= 0 ? .deflated($0) : nil }
        case 2: .deflated(nil)
        default: nil
        }
    }

    fileprivate mutating func readText(_ length: Int, _ isAllowed: (UInt8) -> Bool) -> String? {
        guard readableBytes >= length else { return nil }
        let isLegal = withUnsafeReadableBytes { UnsafeRawBufferPointer(rebasing: $0[..<length]).allSatisfy(isAllowed) }
        return isLegal ? readString(length: length) : nil
    }

    fileprivate mutating func readPhrase(_ length: Int) -> ReasonPhrase? {
        guard readableBytes >= length else { return nil }
        defer { moveReaderIndex(forwardBy: length) }
        return withUnsafeReadableBytes {
            let bytes = UnsafeRawBufferPointer(rebasing: $0[..<length])
            return HTTPGrammar.isFieldValue(bytes) ? ReasonPhrase(bytes) : nil
        }
    }

    /// The rest of a head. Fields that belong to one hop or to a message's framing must not be among them.
    fileprivate mutating func readFields(upgrade: Bool) -> HeaderFields? {
        // In memory of their own, for heads are kept as long as their exchange and what was read is much larger.
        guard let count = readInteger(as: UInt16.self),
            let fields = HeaderFields(block: slice().compacted(), count: Int(count))
        else { return nil }
        var isClean = true
        fields.forEach { name, _ in
            if HTTPGrammar.isHopField(name), !(upgrade && HTTPGrammar.equal(name, "upgrade" as StaticString)) {
                isClean = false
            }
        }
        moveReaderIndex(to: writerIndex)
        return isClean ? fields : nil
    }
}
