package import NIOCore

/// Why bytes are no stream of JSON envelopes.
package enum JSONProblem: Error, Sendable, Equatable {
    /// An object is over the limit, and so is what is left of it without its long texts.
    case tooLarge
    /// The bytes are no JSON object, or none that an envelope can be.
    case malformed
}

/// Cuts a stream of bytes into JSON objects, with any white space between them. It looks at each byte once, wherever reads are
/// split, and holds no more than one object of the limit's size and one read. A larger object is given out without its long texts.
package struct JSONScanner: Sendable {
    private let limit: Int
    private var buffer = ByteBuffer()
    /// How far the current object has been looked at.
    private var scanned = 0
    private var depth = 0
    private var isInString = false
    private var isEscaped = false
    /// What is left of an object over the limit, while that comes.
    private var elision: JSONElision?
    /// Whether the object that was given out last was over the limit.
    package private(set) var isElided = false

    /// - Parameter limit: The size of an object that is given out as it came, in bytes.
    package init(limit: Int) {
        self.limit = limit
    }

    /// Appends what was read. Call `next` until it returns nil before the next `append`.
    package mutating func append(_ bytes: ByteBuffer) {
        if buffer.readableBytes == 0 { buffer = bytes } else { buffer.writeImmutableBuffer(bytes) }
    }

    /// How many bytes are held that `next` has not given out.
    package var bufferedBytes: Int { buffer.readableBytes }

    /// The next whole object, or nil if more bytes are needed.
    package mutating func next() throws(JSONProblem) -> ByteBuffer? {
        guard elision == nil else { return try nextElided() }
        if scanned == 0 {
            skipSpace()
            guard let first = buffer.readableBytesView.first else { return nil }
            guard first == UInt8(ascii: "{") else { throw .malformed }
        }
        guard let end = scan() else {
            return buffer.readableBytes <= limit ? nil : try nextElided()
        }
        guard end <= limit else { return try nextElided() }
        scanned = 0
        isElided = false
        defer { if buffer.readableBytes == 0 { buffer = ByteBuffer() } }
        return buffer.readSlice(length: end)
    }

    private mutating func nextElided() throws(JSONProblem) -> ByteBuffer? {
        var current = elision.take() ?? JSONElision()
        (scanned, depth, isInString, isEscaped) = (0, 0, false, false)
        let isComplete = try current.take(&buffer)
        if buffer.readableBytes == 0 { buffer = ByteBuffer() }
        guard isComplete else {
            elision = current
            return nil
        }
        isElided = true
        return current.output
    }

    private mutating func skipSpace() {
        let count = buffer.readableBytesView.prefix { $0 == 0x20 || (0x09...0x0D).contains($0) }.count
        buffer.moveReaderIndex(forwardBy: count)
    }

    /// Where the object ends, once that has come.
    private mutating func scan() -> Int? {
        var (depth, isInString, isEscaped, offset) = (depth, isInString, isEscaped, scanned)
        var end: Int?
        buffer.withUnsafeReadableBytes { bytes in
            while offset < bytes.count, end == nil {
                let byte = bytes[offset]
                offset += 1
                if isInString {
                    if isEscaped {
                        isEscaped = false
                    } else if byte == UInt8(ascii: "\\") {
                        isEscaped = true
                    } else if byte == UInt8(ascii: "\"") {
                        isInString = false
                    }
                    continue
                }
                switch byte {
                case UInt8(ascii: "\""): isInString = true
                case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
                case UInt8(ascii: "}"), UInt8(ascii: "]"):
                    depth -= 1
                    if depth == 0 { end = offset }
                default: break
                }
            }
        }
        (self.depth, self.isInString, self.isEscaped, self.scanned) = (depth, isInString, isEscaped, offset)
        return end
    }
}
