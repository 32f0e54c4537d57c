/// The words behind a response's status (RFC 9112, 4): text for whoever reads them, bytes for whoever passes them on.
package struct ReasonPhrase: Sendable, Equatable {
    /// Bytes that aren't UTF-8 are shown as U+FFFD.
    package let text: String
    /// What came, where it isn't UTF-8.
    private let bytes: [UInt8]?

    /// A phrase from a text, whose bytes are its UTF-8.
    package init(_ text: String) {
        self.text = text
        bytes = nil
    }

    /// Takes the bytes as they are, whatever they are.
    package init(_ bytes: UnsafeRawBufferPointer) {
        // Nearly every phrase is ASCII, and to validate it as UTF-8 costs more than all else that is done with it.
        if bytes.allSatisfy({ $0 < 0x80 }) {
            text = String(decoding: bytes, as: UTF8.self)
            self.bytes = nil
        } else {
            let text = String(validating: bytes, as: UTF8.self)
            self.text = text ?? String(decoding: bytes, as: UTF8.self)
            self.bytes = text == nil ? Array(bytes) : nil
        }
    }

    /// Calls `body` with the phrase's bytes. The pointer is good only during the call.
    @inline(__always)
    package func withBytes<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        if let bytes { return bytes.withUnsafeBytes(body) }
        var text = text
        return text.withUTF8 { body(UnsafeRawBufferPointer($0)) }
    }
}
