import HTTPMessages
import NIOCore

/// Collects the fields of a head or of trailers: the end-to-end fields as they came, and what the others say of the connection
/// and the framing.
///
/// Removed are `Connection` and every field that it names, `Keep-Alive`, `TE`, `Transfer-Encoding`, `Upgrade`,
/// `Proxy-Connection` and the fields of proxy authentication (RFC 9110, 7.6.1 and 11.7), in a request every other `Proxy-*`
/// field too. A response keeps `Proxy-Status` (RFC 9209), which is end-to-end. `Host` and `Content-Length` are removed because
/// the head says the same. What those fields mean, and `Expect`, can't be taken away by naming them in `Connection`. `Trailer`
/// stays: RFC 9110 no longer counts it as hop-by-hop, and the trailers that it announces (6.6.2) are passed on.
struct HTTP1FieldSection: Sendable {
    enum Kind: Sendable { case request, response }

    private let kind: Kind
    private let isTrailers: Bool
    private(set) var fields = HeaderFields()
    /// Of all lines so far, with their ends.
    private(set) var bytes = 0
    private var count = 0

    private(set) var contentLength: Int64?
    private(set) var hasTransferEncoding = false
    private var chunkedCodings = 0
    private var hasOtherCoding = false
    private var endsWithChunked = false
    private(set) var hostCount = 0
    private(set) var host: String?
    private(set) var close = false
    private(set) var keepAlive = false
    private(set) var connectionUpgrade = false
    /// The protocols of `Upgrade` in one list, without those that only concern this connection.
    private(set) var upgrade: String?
    private(set) var expectsContinue = false
    private(set) var proxyAuthorization: String?
    private(set) var proxyHop: [ProxyHopField] = []
    /// The fields that `Connection` named.
    private var named: [String] = []

    init(_ kind: Kind, isTrailers: Bool = false) {
        self.kind = kind
        self.isTrailers = isTrailers
    }

    /// For the trailers that belong to this head.
    func trailers() -> HTTP1FieldSection {
        var section = HTTP1FieldSection(kind, isTrailers: true)
        if !named.isEmpty { section.named = named }
        return section
    }

    mutating func reserve(_ bytes: Int) { fields.reserve(bytes) }

    /// Takes a line without its CR LF.
    mutating func add(_ line: UnsafeRawBufferPointer, limits: HTTP1Limits) -> HTTP1Error.Code? {
        count += 1
        bytes += line.count + 2
        guard bytes <= limits.fields else { return .fieldsTooLarge }
        guard count <= limits.fieldCount else { return .tooManyFields }
        guard let first = line.first, !HTTP1Syntax.isBlank(first) else { return .foldedField }
        guard let colon = line.firstIndex(of: UInt8(ascii: ":")) else { return .missingColon }
        guard colon > 0 else { return .emptyFieldName }
        var name = UnsafeRawBufferPointer(rebasing: line[..<colon])
        if HTTP1Syntax.isBlank(name[colon - 1]) {
            // RFC 9112, 5.1: refused in a request, taken out of a response.
            guard kind == .response else { return .spaceBeforeColon }
            name = HTTPGrammar.trim(name)
        }
        guard HTTP1Syntax.isToken(name) else { return .badFieldName }
        let value = HTTPGrammar.trim(UnsafeRawBufferPointer(rebasing: line[(colon + 1)...]))
        guard HTTP1Syntax.isFieldValue(value) else { return .badFieldValue }
        guard name.count <= UInt16.max, value.count <= UInt16.max else { return .fieldsTooLarge }
        if isTrailers {
            if !Self.isForbiddenInTrailers(name) { fields.appendChecked(name: name, value: value) }
            return nil
        }
        return take(name, value, limits)
    }

    private mutating func take(
        _ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer, _ limits: HTTP1Limits
    ) -> HTTP1Error.Code? {
        switch name.count {
        case 2 where HTTP1Syntax.equal(name, "te"): return nil
        case 4 where HTTP1Syntax.equal(name, "host"):
            hostCount += 1
            guard kind == .request else { return nil }
            guard hostCount == 1 else { return .multipleHosts }
            guard HTTP1Syntax.isHost(value) else { return .badHost }
            host = String(decoding: value, as: UTF8.self)
            return nil
        case 6 where HTTP1Syntax.equal(name, "expect"):
            if HTTP1Syntax.equal(value, "100-continue") { expectsContinue = true }
        case 7 where HTTP1Syntax.equal(name, "upgrade"):
            addUpgrade(value)
            return nil
        case 10 where HTTP1Syntax.equal(name, "connection"):
            addConnection(value)
            return named.count > limits.connectionOptions ? .tooManyFields : nil
        case 10 where HTTP1Syntax.equal(name, "keep-alive"): return nil
        case 14 where HTTP1Syntax.equal(name, "content-length"): return addLength(value)
        case 17 where HTTP1Syntax.equal(name, "transfer-encoding"):
            addCodings(value)
            return nil
        case 7... where HTTP1Syntax.hasPrefix(name, "proxy-"):
            if HTTP1Syntax.equal(name, "proxy-authorization"), proxyAuthorization == nil {
                proxyAuthorization = String(decoding: value, as: UTF8.self)
            }
            guard kind == .response else { return nil }
            if Self.isProxyHop(name) {
                if let field = ProxyHopField(name, value) { proxyHop.append(field) }
                return nil
            }
        default: break
        }
        fields.appendChecked(name: name, value: value)
        return nil
    }

    /// RFC 9110, 8.6: values that are equal count as one; ours is written anew in any case. Everything else is refused.
    private mutating func addLength(_ value: UnsafeRawBufferPointer) -> HTTP1Error.Code? {
        var problem: HTTP1Error.Code?
        HTTPGrammar.forEachPart(value) { digits in
            if let number = Self.parseLength(digits) {
                if let contentLength, contentLength != number { problem = problem ?? .differingLengths }
                contentLength = number
            } else {
                problem = problem ?? .badLength
            }
        }
        return problem
    }

    private static func parseLength(_ digits: UnsafeRawBufferPointer) -> Int64? {
        guard !digits.isEmpty else { return nil }
        var number: Int64 = 0
        for digit in digits {
            guard HTTP1Syntax.isDigit(digit) else { return nil }
            let (product, tooLarge) = number.multipliedReportingOverflow(by: 10)
            let (sum, tooLargeAgain) = product.addingReportingOverflow(Int64(digit &- 0x30))
            guard !tooLarge, !tooLargeAgain else { return nil }
            number = sum
        }
        return number
    }

    private mutating func addCodings(_ value: UnsafeRawBufferPointer) {
        hasTransferEncoding = true
        HTTPGrammar.forEachListElement(value) { coding in
            endsWithChunked = HTTP1Syntax.equal(coding, "chunked")
            if endsWithChunked { chunkedCodings += 1 } else { hasOtherCoding = true }
        }
    }

    private mutating func addConnection(_ value: UnsafeRawBufferPointer) {
        HTTPGrammar.forEachListElement(value) { option in
            if HTTP1Syntax.equal(option, "close") {
                close = true
            } else if HTTP1Syntax.equal(option, "keep-alive") {
                keepAlive = true
            } else if HTTP1Syntax.equal(option, "upgrade") {
                connectionUpgrade = true
            } else if !HTTP1Syntax.equal(option, "expect"), HTTP1Syntax.isToken(option) {
                named.append(String(decoding: option, as: UTF8.self))
            }
        }
    }

    /// HTTP/2 without TLS and TLS itself would begin between the client and this program, which is no end of either. What is no
    /// protocol's name is left out.
    private mutating func addUpgrade(_ value: UnsafeRawBufferPointer) {
        HTTPGrammar.forEachListElement(value) { name in
            if HTTP1Syntax.equal(name, "h2c") || HTTP1Syntax.equal(name, "h2") || HTTP1Syntax.hasPrefix(name, "http/")
                || HTTP1Syntax.hasPrefix(name, "tls/")
                || !name.allSatisfy({ HTTP1Syntax.isTokenByte($0) || $0 == UInt8(ascii: "/") })
            {
                return
            }
            let name = String(decoding: name, as: UTF8.self)
            upgrade = upgrade.map { $0 + ", " + name } ?? name
        }
    }

    /// Removes what `Connection` named; it may stand before or behind those fields.
    mutating func removeNamed() {
        guard !named.isEmpty, !fields.isEmpty else { return }
        let names = named
        fields.removeAll { field, _ in names.contains { HTTPGrammar.equal(field, $0) } }
    }

    /// The body's length as the fields give it (RFC 9112, 6.3): nil if they say nothing.
    func framing(minorVersion: Int) throws(HTTP1Error) -> BodyLength? {
        guard hasTransferEncoding else { return contentLength.map { .known($0) } }
        guard contentLength == nil else { throw HTTP1Error(.lengthAndTransferEncoding) }
        guard minorVersion > 0 else { throw HTTP1Error(.transferEncodingTooOld) }
        // Where something else comes last, nobody can tell where the body ends (RFC 9112, 6.3).
        guard endsWithChunked || !hasOtherCoding else { throw HTTP1Error(.chunkedNotLast) }
        guard !hasOtherCoding else { throw HTTP1Error(.unsupportedTransferCoding) }
        guard chunkedCodings == 1 else { throw HTTP1Error(.badTransferEncoding) }
        return .unknown
    }

    /// Adds the `Upgrade` that is passed on: of a request, of a 101, and of a 426, which says with it what is required.
    mutating func appendUpgrade() {
        if let upgrade { fields.append("Upgrade", upgrade) }
    }
}
