import HTTPMessages
package import NIOCore

/// Reads the requests of one connection.
///
/// Lines end with CR LF and nothing is repaired: what two programs could understand differently is refused, so that nobody can
/// hide a request in another. The parser holds no more than the line that isn't complete yet, as long as `next()` is called
/// until it is nil before more is appended. After an error it stays in it and holds nothing.
package struct HTTP1RequestParser: Sendable {
    /// What the parser yields of a request.
    package typealias Part = HTTP1Part<HTTP1RequestHead>

    private enum State {
        case line, fields, body, stopped
        case failed(HTTP1Error)
    }

    private var reader: HTTP1MessageReader
    private var state = State.line
    private var emptyLines = 0
    /// The request asks for another protocol, which would follow its body.
    private var stopsBehindBody = false
    private var method = ""
    private var target = ""
    private var minorVersion = 1

    /// A parser at the start of a connection.
    package init(limits: HTTP1Limits = .init()) { reader = HTTP1MessageReader(limits: limits) }

    /// Takes what was read.
    package mutating func append(_ bytes: ByteBuffer) {
        if case .failed = state { return }
        reader.input.append(bytes)
    }

    /// The next part, or nil if more bytes are needed. Pipelined requests simply follow.
    ///
    /// After the head of a CONNECT, or of a request without body whose `upgrade` isn't nil, there is no `.end`: the parser stops,
    /// `next()` is nil and what was read stays here until `takeRest()` or `resume()`. With a body it stops behind the body's `.end`.
    package mutating func next() throws(HTTP1Error) -> Part? {
        do throws(HTTP1Error) {
            return try advance()
        } catch {
            state = .failed(error)
            _ = reader.input.takeAll()
            throw error
        }
    }

    /// Whatever was not parsed, raw: what follows a CONNECT or Upgrade that was granted, behind what is missing of the request's body.
    package mutating func takeRest() -> ByteBuffer { reader.input.takeAll() }

    /// Goes on with the next request after a CONNECT or Upgrade that was not granted.
    ///
    /// Bytes that are already here (`bufferedBytes`) may have been meant for the tunnel. Somebody else may have chosen them, so
    /// that a caller had better close the connection than let them be read as a request.
    package mutating func resume() {
        stopsBehindBody = false
        if case .stopped = state { state = .line }
    }

    /// The client ends its side; to be called when `next()` is nil. An error if that is in the middle of a request.
    package mutating func finish() throws(HTTP1Error) -> Part? {
        switch state {
        case .stopped: return nil
        case .line where reader.input.count == 0: return nil
        case .failed(let error): throw error
        case .line, .fields, .body:
            let error = HTTP1Error(.truncated)
            state = .failed(error)
            _ = reader.input.takeAll()
            throw error
        }
    }

    /// How many bytes are held that no part has been made of.
    package var bufferedBytes: Int { reader.input.count }

    /// Nothing of a request has come since the last one's end.
    package var isIdle: Bool {
        if case .line = state { return reader.input.count == 0 }
        return false
    }

    private mutating func advance() throws(HTTP1Error) -> Part? {
        while true {
            switch state {
            case .line:
                guard try readLine() else { return nil }
                reader.beginFields(.request)
                state = .fields
            case .fields:
                guard try reader.readFields() else { return nil }
                return .head(try makeHead())
            case .body:
                switch try reader.nextBody() {
                case nil: return nil
                case .bytes(let bytes): return .body(bytes)
                case .end(let trailers):
                    state = stopsBehindBody ? .stopped : .line
                    stopsBehindBody = false
                    return .end(trailers)
                }
            case .stopped: return nil
            case .failed(let error): throw error
            }
        }
    }

    private mutating func readLine() throws(HTTP1Error) -> Bool {
        let limits = reader.limits
        while true {
            // What is no HTTP at all, a TLS handshake say, may never have a line feed.
            if let first = reader.input.first, !HTTP1Syntax.isTokenByte(first),
                first != HTTP1Syntax.carriageReturn, first != HTTP1Syntax.lineFeed
            {
                throw HTTP1Error(.badRequestLine)
            }
            // Two spaces, the version and CR LF.
            switch reader.input.findLine(within: limits.method + limits.target + 12) {
            case .incomplete: return false
            case .bare: throw HTTP1Error(.bareLineFeed)
            case .tooLong:
                let start = reader.input.buffer.readableBytesView.prefix(limits.method + 1)
                throw HTTP1Error(start.contains(HTTP1Syntax.space) ? .targetTooLong : .methodTooLong)
            case .complete(0):
                reader.input.consumeLine(0)
                emptyLines += 1
                guard emptyLines <= limits.emptyLines else { throw HTTP1Error(.tooManyEmptyLines) }
            case .complete(let length):
                (method, target, minorVersion) = try reader.input.buffer.withUnsafeReadableBytes {
                    bytes throws(HTTP1Error) in
                    try Self.parse(UnsafeRawBufferPointer(rebasing: bytes[..<length]), limits)
                }
                reader.input.consumeLine(length)
                emptyLines = 0
                return true
            }
        }
    }

    private static func parse(
        _ line: UnsafeRawBufferPointer, _ limits: HTTP1Limits
    ) throws(HTTP1Error) -> (String, String, Int) {
        guard let first = line.firstIndex(of: HTTP1Syntax.space), let last = line.lastIndex(of: HTTP1Syntax.space),
            first + 1 < last
        else { throw HTTP1Error(.badRequestLine) }
        let method = UnsafeRawBufferPointer(rebasing: line[..<first])
        guard HTTP1Syntax.isToken(method) else { throw HTTP1Error(.badRequestLine) }
        guard method.count <= limits.method else { throw HTTP1Error(.methodTooLong) }
        let target = UnsafeRawBufferPointer(rebasing: line[(first + 1)..<last])
        guard target.count <= limits.target else { throw HTTP1Error(.targetTooLong) }
        guard HTTP1Syntax.isTarget(target) else { throw HTTP1Error(.badTarget) }
        let minorVersion = try HTTP1Syntax.minorVersion(UnsafeRawBufferPointer(rebasing: line[(last + 1)...]))
        return (String(decoding: method, as: UTF8.self), HTTPGrammar.legalTarget(target), minorVersion)
    }

    private mutating func makeHead() throws(HTTP1Error) -> HTTP1RequestHead {
        var section = reader.takeSection()
        section.removeNamed()
        // RFC 9112, 3.2: also where the target has an authority of its own.
        guard section.hostCount > 0 || minorVersion == 0 else { throw HTTP1Error(.missingHost) }
        let body = try section.framing(minorVersion: minorVersion) ?? .none
        let isEmpty = body == .none || body == .known(0)
        let isConnect = method == "CONNECT"
        guard isEmpty || !isConnect else { throw HTTP1Error(.connectWithBody) }
        // RFC 9110, 7.8: HTTP/1.0 has no Upgrade.
        let upgrades = !isConnect && minorVersion > 0 && section.connectionUpgrade && section.upgrade != nil
        if upgrades {
            section.appendUpgrade()
            // Its length tells the body from what follows, at every hop.
            guard body != .unknown else { throw HTTP1Error(.upgradeWithoutLength) }
        }
        if isConnect || upgrades && isEmpty {
            state = .stopped
        } else {
            switch body {
            case .none: reader.beginBody(.length(0))
            case .known(let length): reader.beginBody(.length(length))
            case .unknown, .deflated: reader.beginBody(.chunkSize)
            }
            state = .body
            stopsBehindBody = upgrades
        }
        return HTTP1RequestHead(
            method: method, target: target, minorVersion: minorVersion, fields: section.fields, host: section.host, body: body,
            keepAlive: !section.close && (minorVersion > 0 || section.keepAlive), upgrade: upgrades ? section.upgrade : nil,
            // RFC 9110, 10.1.1: HTTP/1.0 has no 100 (Continue).
            expectsContinue: section.expectsContinue && minorVersion > 0 && !isEmpty,
            proxyAuthorization: section.proxyAuthorization)
    }
}
