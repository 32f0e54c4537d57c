import NIOCore

/// What is left of an object that is larger than it may be: all of it but its long texts, so that it can be said whose it was. It takes the
/// object as it comes and holds little, however large that is.
struct JSONElision {
    /// Texts up to this size, in bytes, are kept. Longer ones are left empty.
    private static let textLimit = 1_024
    /// What may be left, in bytes.
    private static let limit = 64 << 10

    private(set) var output = ByteBuffer()
    private var depth = 0
    private var isInText = false
    private var isEscaped = false
    private var isDropping = false
    private var isAtClosingQuote = false
    /// Where the current text begins.
    private var textStart = 0

    /// Takes what there is of the object. True once that is complete.
    mutating func take(_ input: inout ByteBuffer) throws(JSONProblem) -> Bool {
        var isComplete = false
        let taken = input.withUnsafeReadableBytes { bytes in
            var offset = 0
            while offset < bytes.count, !isComplete, output.readableBytes <= Self.limit {
                if isInText {
                    let end = self.textEnd(bytes, from: offset)
                    keep(bytes[offset..<end])
                    offset = end
                    guard offset < bytes.count else { break }
                    isAtClosingQuote = true
                }
                output.writeInteger(bytes[offset])
                isComplete = note(bytes[offset])
                offset += 1
            }
            return offset
        }
        input.moveReaderIndex(forwardBy: taken)
        guard output.readableBytes <= Self.limit else { throw .tooLarge }
        return isComplete
    }

    /// Where the current text's closing quote is, or the end of the bytes.
    private mutating func textEnd(_ bytes: UnsafeRawBufferPointer, from start: Int) -> Int {
        var offset = start
        while offset < bytes.count {
            if isEscaped {
                isEscaped = false
            } else if bytes[offset] == UInt8(ascii: "\\") {
                isEscaped = true
            } else if bytes[offset] == UInt8(ascii: "\"") {
                break
            }
            offset += 1
        }
        return offset
    }

    private mutating func keep(_ part: Slice<UnsafeRawBufferPointer>) {
        guard !isDropping else { return }
        if output.writerIndex - textStart + part.count <= Self.textLimit {
            output.writeBytes(part)
        } else {
            output.moveWriterIndex(to: textStart)
            isDropping = true
        }
    }

    /// Takes note of a byte outside of texts, or of a text's closing quote. True for the last one of the object.
    private mutating func note(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "\""):
            isInText = !isAtClosingQuote
            isAtClosingQuote = false
            isDropping = false
            textStart = output.writerIndex
        case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
        case UInt8(ascii: "}"), UInt8(ascii: "]"): depth -= 1
        default: break
        }
        return depth == 0
    }
}
