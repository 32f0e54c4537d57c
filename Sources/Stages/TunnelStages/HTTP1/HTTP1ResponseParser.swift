import HTTPMessages
package import NIOCore

/// Reads the responses of one connection as strictly as `HTTP1RequestParser` reads requests.
package struct HTTP1ResponseParser: Sendable {
    /// What the parser yields of a response.
    package typealias Part = HTTP1Part<HTTP1ResponseHead>

    /// What of a request decides about the response's end.
    private struct Request {
        var isHead = false
        var isConnect = false
        var isUpgrade = false
    }

    private enum State {
        case idle, line, fields, body, stopped
        case failed(HTTP1Error)
    }

    private var reader: HTTP1MessageReader
    private var state = State.idle
    private var request = Request()
    /// Requests that were sent before the response to an earlier one ended. There are none without pipelining.
    private var laterRequests: [Request] = []
    /// A byte of the response that is expected has come.
    private var hasBegun = false
    private var status = 0
    private var phrase = ReasonPhrase("")
    private var minorVersion = 1

    /// A parser at the start of a connection, which expects no response yet.
    package init(limits: HTTP1Limits = .init()) { reader = HTTP1MessageReader(limits: limits) }

    /// To be called when a request is sent, once for each: a response's end depends on the request. Bytes that came before it
    /// are no answer to it and remain an error.
    ///
    /// - Parameter upgrade: the request asks for another protocol, so that 101 may come.
    package mutating func expectResponse(to method: String, upgrade: Bool = false) {
        let next = Request(isHead: method == "HEAD", isConnect: method == "CONNECT", isUpgrade: upgrade)
        if case .idle = state {
            if reader.input.count == 0 { begin(next) }
        } else {
            laterRequests.append(next)
        }
    }

    /// Takes what was read.
    package mutating func append(_ bytes: ByteBuffer) {
        if case .failed = state { return }
        if bytes.readableBytes > 0 { hasBegun = true }
        reader.input.append(bytes)
    }

    /// The next part, or nil if more bytes are needed. A byte while no response is expected is an error.
    ///
    /// Behind an informational head comes another head, without `.end` between them. After the head of a 2xx to CONNECT, or of
    /// 101, there is no `.end` either: the parser stops, and what was read stays here until `takeRest()`.
    package mutating func next() throws(HTTP1Error) -> Part? {
        do throws(HTTP1Error) {
            return try advance()
        } catch {
            fail(error)
            throw error
        }
    }

    /// Whatever was not parsed, raw: what follows a granted CONNECT or Upgrade.
    package mutating func takeRest() -> ByteBuffer { reader.input.takeAll() }

    /// The origin ended its side; to be called when `next()` is nil. That is the `.end` of a response without a length; in the
    /// middle of something else it is an error.
    package mutating func finish() throws(HTTP1Error) -> Part? {
        let error: HTTP1Error
        switch state {
        case .stopped: return nil
        case .idle where reader.input.count == 0: return nil
        case .body where reader.isUntilClose:
            endResponse()
            return .end(nil)
        case .failed(let earlier): throw earlier
        case .idle: error = HTTP1Error(.unexpectedBytes)
        case .line: error = HTTP1Error(hasBegun ? .truncated : .noResponse)
        case .fields, .body: error = HTTP1Error(.truncated)
        }
        fail(error)
        throw error
    }

    /// How many bytes are held that no part has been made of.
    package var bufferedBytes: Int { reader.input.count }

    /// No response is expected and nothing has come.
    package var isIdle: Bool {
        if case .idle = state { return reader.input.count == 0 }
        return false
    }

    private mutating func begin(_ request: Request) {
        self.request = request
        hasBegun = reader.input.count > 0
        state = .line
    }

    private mutating func endResponse() {
        if laterRequests.isEmpty {
            state = .idle
        } else {
            begin(laterRequests.removeFirst())
        }
    }

    private mutating func fail(_ error: HTTP1Error) {
        state = .failed(error)
        _ = reader.input.takeAll()
    }

    private mutating func advance() throws(HTTP1Error) -> Part? {
        while true {
            switch state {
            case .idle:
                guard reader.input.count == 0 else { throw HTTP1Error(.unexpectedBytes) }
                return nil
            case .line:
                guard try readLine() else { return nil }
                reader.beginFields(.response)
                state = .fields
            case .fields:
                guard try reader.readFields() else { return nil }
                return .head(try makeHead())
            case .body:
                switch try reader.nextBody() {
                case nil: return nil
                case .bytes(let bytes): return .body(bytes)
                case .end(let trailers):
                    endResponse()
                    return .end(trailers)
                }
            case .stopped: return nil
            case .failed(let error): throw error
            }
        }
    }

    private mutating func readLine() throws(HTTP1Error) -> Bool {
        // What speaks another protocol may never send a line feed.
        guard reader.input.agrees(with: "HTTP/") else { throw HTTP1Error(.badStatusLine) }
        switch reader.input.findLine(within: reader.limits.statusLine) {
        case .incomplete: return false
        case .bare: throw HTTP1Error(.bareLineFeed)
        case .tooLong: throw HTTP1Error(.statusLineTooLong)
        case .complete(let length):
            (minorVersion, status, phrase) = try reader.input.buffer.withUnsafeReadableBytes { bytes throws(HTTP1Error) in
                try Self.parse(UnsafeRawBufferPointer(rebasing: bytes[..<length]))
            }
            reader.input.consumeLine(length)
            return true
        }
    }

    /// Many origins leave out the reason, some of them also the space before it.
    private static func parse(_ line: UnsafeRawBufferPointer) throws(HTTP1Error) -> (Int, Int, ReasonPhrase) {
        guard line.count >= 12, line[8] == HTTP1Syntax.space, line.count == 12 || line[12] == HTTP1Syntax.space else {
            throw HTTP1Error(.badStatusLine)
        }
        let minorVersion = try HTTP1Syntax.minorVersion(UnsafeRawBufferPointer(rebasing: line[..<8]))
        var status = 0
        for digit in line[9..<12] {
            guard HTTP1Syntax.isDigit(digit) else { throw HTTP1Error(.badStatusLine) }
            status = status * 10 + Int(digit &- 0x30)
        }
        let reason = UnsafeRawBufferPointer(rebasing: line[min(13, line.count)...])
        guard status >= 100, HTTP1Syntax.isFieldValue(reason) else { throw HTTP1Error(.badStatusLine) }
        return (minorVersion, status, ReasonPhrase(reason))
    }

    private mutating func makeHead() throws(HTTP1Error) -> HTTP1ResponseHead {
        var section = reader.takeSection()
        section.removeNamed()
        if status == 101 {
            guard request.isUpgrade, minorVersion > 0 else { throw HTTP1Error(.unexpectedUpgrade) }
            section.appendUpgrade()
        }
        if status == 426 { section.appendUpgrade() }
        var head = HTTP1ResponseHead(
            status: status, phrase: phrase, minorVersion: minorVersion, fields: section.fields,
            keepAlive: !section.close && (minorVersion > 0 || section.keepAlive),
            upgrade: status == 101 ? section.upgrade : nil, proxyHop: section.proxyHop)
        // RFC 9110, 9.3.6 and 8.6: what these say of a length has no meaning.
        if status == 101 || request.isConnect && (200..<300).contains(status) {
            head.keepAlive = false
            state = .stopped
            return head
        }
        if head.isInformational {
            state = .line
            return head
        }
        state = .body
        reader.beginBody(.length(0))
        if status == 204 { return head }

        let framing = try section.framing(minorVersion: minorVersion)
        head.body = framing ?? .none
        head.isChunked = framing == .unknown
        if request.isHead || status == 304 { return head }
        switch framing {
        case .known(let length): reader.beginBody(.length(length))
        case .unknown, .deflated: reader.beginBody(.chunkSize)
        case .some(.none), nil:
            reader.beginBody(.untilClose)
            head.body = .unknown
            head.keepAlive = false
        }
        return head
    }
}
