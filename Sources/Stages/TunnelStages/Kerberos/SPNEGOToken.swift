/// The outermost layer of what Negotiate shows (RFC 4178, 4.2): one mechanism is offered, with its first piece. Which one it is was
/// decided before, so there is nothing to negotiate, and no list whose order would have to be protected.
enum SPNEGOToken {
    /// The first piece, `NegTokenInit`.
    static func first(_ mechanism: GSSObject, _ token: [UInt8]) -> [UInt8] {
        let mechanisms = element(0xA0, element(0x30, element(0x06, mechanism.bytes)))
        let initial = element(0xA0, element(0x30, mechanisms + element(0xA2, element(0x04, token))))
        return element(0x60, element(0x06, GSSObject.spnego.bytes) + initial)
    }

    /// What the other side has in its answer for the mechanism, `NegTokenResp`; the bytes themselves where they have no such layer, nil for an
    /// answer without anything.
    static func answer(_ bytes: [UInt8]) -> [UInt8]? {
        guard bytes.first == 0xA1 else { return bytes }
        var outer = bytes[...]
        guard var sequence = take(0xA1, &outer), var rest = take(0x30, &sequence) else { return nil }
        while let tag = rest.first, let value = take(tag, &rest) {
            guard tag == 0xA2 else { continue }
            var value = value
            return take(0x04, &value).map(Array.init)
        }
        return nil
    }

    private static func element(_ tag: UInt8, _ content: [UInt8]) -> [UInt8] {
        let count = content.count
        if count < 0x80 { return [tag, UInt8(count)] + content }
        if count < 0x100 { return [tag, 0x81, UInt8(count)] + content }
        if count < 0x1_0000 { return [tag, 0x82, UInt8(count >> 8), UInt8(count & 0xFF)] + content }
        return [tag, 0x83, UInt8(count >> 16 & 0xFF), UInt8(count >> 8 & 0xFF), UInt8(count & 0xFF)] + content
    }

    /// The content of the element with which the bytes begin, if it has that tag and is whole.
    private static func take(_ tag: UInt8, _ bytes: inout ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
        guard bytes.popFirst() == tag, let first = bytes.popFirst() else { return nil }
        var length = Int(first)
        if first >= 0x80 {
            let digits = bytes.prefix(Int(first & 0x7F))
            guard (1...3).contains(digits.count), digits.count == Int(first & 0x7F) else { return nil }
            bytes = bytes.dropFirst(digits.count)
            length = digits.reduce(0) { $0 << 8 | Int($1) }
        }
        guard bytes.count >= length else { return nil }
        let content = bytes.prefix(length)
        bytes = bytes.dropFirst(length)
        return content
    }
}
