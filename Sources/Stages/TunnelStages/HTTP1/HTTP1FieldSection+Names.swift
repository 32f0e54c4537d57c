extension HTTP1FieldSection {
    /// The fields between a client and its proxy (RFC 9110, 11.7).
    static func isProxyHop(_ name: UnsafeRawBufferPointer) -> Bool {
        HTTP1Syntax.equal(name, "proxy-connection") || HTTP1Syntax.equal(name, "proxy-authenticate")
            || HTTP1Syntax.equal(name, "proxy-authorization") || HTTP1Syntax.equal(name, "proxy-authentication-info")
    }

    /// Fields that have no place in trailers (RFC 9110, 6.5.1): those of framing, routing and connections, and those that
    /// change what a recipient has long begun to do with the message. They are dropped.
    static func isForbiddenInTrailers(_ name: UnsafeRawBufferPointer) -> Bool {
        if HTTP1Syntax.hasPrefix(name, "proxy-") { return !HTTP1Syntax.equal(name, "proxy-status") }
        return switch name.count {
        case 2: HTTP1Syntax.equal(name, "te")
        case 4: HTTP1Syntax.equal(name, "host")
        case 5: HTTP1Syntax.equal(name, "range")
        case 6: HTTP1Syntax.equal(name, "expect")
        case 7: HTTP1Syntax.equal(name, "trailer") || HTTP1Syntax.equal(name, "upgrade")
        case 10:
            HTTP1Syntax.equal(name, "connection") || HTTP1Syntax.equal(name, "keep-alive")
                || HTTP1Syntax.equal(name, "set-cookie")
        case 12: HTTP1Syntax.equal(name, "content-type") || HTTP1Syntax.equal(name, "max-forwards")
        case 13:
            HTTP1Syntax.equal(name, "authorization") || HTTP1Syntax.equal(name, "cache-control")
                || HTTP1Syntax.equal(name, "content-range")
        case 14: HTTP1Syntax.equal(name, "content-length")
        case 16: HTTP1Syntax.equal(name, "content-encoding")
        case 17: HTTP1Syntax.equal(name, "transfer-encoding")
        default: false
        }
    }
}
