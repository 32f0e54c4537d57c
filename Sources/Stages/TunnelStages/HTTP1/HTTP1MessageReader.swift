import HTTPMessages
import NIOCore

/// The part of a parser that requests and responses share: the lines of the fields, and the body.
struct HTTP1MessageReader: Sendable {
    var input = HTTP1Input()
    let limits: HTTP1Limits
    private(set) var section = HTTP1FieldSection(.request)
    private var body = Body.length(0)
    private var extensionBytes = 0

    init(limits: HTTP1Limits) { self.limits = limits }

    enum Body: Sendable, Equatable {
        /// That many bytes are still to come.
        case length(Int64)
        case chunkSize
        case chunk(Int64)
        /// The CR, then the LF, behind a chunk's bytes.
        case chunkCarriageReturn, chunkLineFeed
        case trailers
        case untilClose
    }

    enum BodyPart {
        case bytes(ByteBuffer)
        case end(HeaderFields?)
    }

    var isUntilClose: Bool { body == .untilClose }

    mutating func beginFields(_ kind: HTTP1FieldSection.Kind) {
        section = HTTP1FieldSection(kind)
        // One allocation for the fields of nearly every head.
        section.reserve(min(input.count, 1024))
    }

    /// The head's fields, of which nothing is kept, so that a filter can change them without a copy. What stays is ready for
    /// the trailers.
    mutating func takeSection() -> HTTP1FieldSection {
        var head = section.trailers()
        swap(&head, &section)
        return head
    }

    mutating func beginBody(_ body: Body) {
        self.body = body
        extensionBytes = 0
    }

    /// Reads lines up to the empty one: true when it was read.
    mutating func readFields() throws(HTTP1Error) -> Bool {
        while true {
            // Two bytes more than the limit, for the empty line; `add` counts exactly.
            switch input.findLine(within: max(0, limits.fields - section.bytes) + 2) {
            case .incomplete: return false
            case .tooLong: throw HTTP1Error(.fieldsTooLarge)
            case .bare: throw HTTP1Error(.bareLineFeed)
            case .complete(0):
                input.consumeLine(0)
                return true
            case .complete(let length):
                let problem = input.buffer.withUnsafeReadableBytes {
                    section.add(UnsafeRawBufferPointer(rebasing: $0[..<length]), limits: limits)
                }
                if let problem { throw HTTP1Error(problem) }
                input.consumeLine(length)
            }
        }
    }

    /// The next piece of the body, or nil if more bytes are needed.
    mutating func nextBody() throws(HTTP1Error) -> BodyPart? {
        while true {
            switch body {
            case .length(0): return .end(nil)
            case .length(let remaining):
                guard let bytes = input.take(remaining) else { return nil }
                body = .length(remaining - Int64(bytes.readableBytes))
                return .bytes(bytes)
            case .untilClose:
                return input.take(.max).map { .bytes($0) }
            case .chunkSize:
                guard let size = try readChunkSize() else { return nil }
                body = size > 0 ? .chunk(size) : .trailers
            case .chunk(let remaining):
                guard let bytes = input.take(remaining) else { return nil }
                let left = remaining - Int64(bytes.readableBytes)
                body = left > 0 ? .chunk(left) : .chunkCarriageReturn
                return .bytes(bytes)
            case .chunkCarriageReturn:
                guard let byte = input.takeByte() else { return nil }
                guard byte == HTTP1Syntax.carriageReturn else { throw HTTP1Error(.badChunkEnd) }
                body = .chunkLineFeed
            case .chunkLineFeed:
                guard let byte = input.takeByte() else { return nil }
                guard byte == HTTP1Syntax.lineFeed else { throw HTTP1Error(.badChunkEnd) }
                body = .chunkSize
            case .trailers:
                guard try readFields() else { return nil }
                section.removeNamed()
                body = .length(0)
                return .end(section.fields.isEmpty ? nil : section.fields)
            }
        }
    }

    private mutating func readChunkSize() throws(HTTP1Error) -> Int64? {
        // A size of sixteen bytes, the extensions, CR LF.
        switch input.findLine(within: 16 + limits.chunkExtensions - extensionBytes + 2) {
        case .incomplete: return nil
        case .tooLong: throw HTTP1Error(.chunkExtensionsTooLarge)
        case .bare: throw HTTP1Error(.bareLineFeed)
        case .complete(let length):
            let (size, width) = try input.buffer.withUnsafeReadableBytes { bytes throws(HTTP1Error) in
                try Self.parseChunkSize(UnsafeRawBufferPointer(rebasing: bytes[..<length]))
            }
            extensionBytes += length - width
            guard extensionBytes <= limits.chunkExtensions else { throw HTTP1Error(.chunkExtensionsTooLarge) }
            input.consumeLine(length)
            return size
        }
    }

    private static let sizeWidth = 16

    /// The size, and how many bytes it takes. Extensions (RFC 9112, 7.1.1) are looked over and left out: they concern one hop.
    ///
    /// Blanks may stand behind the size: before an extension by that grammar, without one because servers pad sizes so. What pads one to
    /// the width of the longest is no extension, however many chunks there are.
    private static func parseChunkSize(_ line: UnsafeRawBufferPointer) throws(HTTP1Error) -> (Int64, Int) {
        var size: UInt64 = 0
        var digits = 0
        while digits < line.count, digits <= sizeWidth, let digit = HTTP1Syntax.hexDigit(line[digits]) {
            size = size << 4 | UInt64(digit)
            digits += 1
        }
        guard (1...sizeWidth).contains(digits), let size = Int64(exactly: size) else { throw HTTP1Error(.badChunkSize) }
        var end = digits
        while end < line.count, HTTP1Syntax.isBlank(line[end]) { end += 1 }
        let rest = UnsafeRawBufferPointer(rebasing: line[end...])
        guard rest.isEmpty || rest[0] == UInt8(ascii: ";") && HTTP1Syntax.isFieldValue(rest) else {
            throw HTTP1Error(.badChunkSize)
        }
        return (size, max(digits, min(end, sizeWidth)))
    }
}
