package import NIOCore

/// Reads the heads of one direction of a connection, with the table that they share (RFC 7541), and keeps their bytes as they are.
package struct H2FieldDecoder: Sendable {
    /// What a block of fields was decoded to.
    package enum Result: Sendable, Equatable {
        /// The fields, in the order in which they were sent.
        case fields([H2Field])
        /// The list is larger than any that is taken.
        case tooLarge
        /// No block of fields: what follows on the connection can't be read any more.
        case malformed
    }

    private var table = H2FieldTable()
    private let listLimit: Int

    /// A decoder at the start of a connection.
    ///
    /// - Parameter listLimit: What a list may have, in bytes, each field with 32 more.
    package init(listLimit: Int) { self.listLimit = listLimit }

    /// Decodes one whole block: a HEADERS frame's and those of the CONTINUATION frames behind it. Once it was `malformed` or too large, the
    /// table no longer fits the peer's.
    package mutating func decode(_ block: ByteBuffer) -> Result {
        block.withUnsafeReadableBytes { decode(H2FieldReader($0)) }
    }

    private mutating func decode(_ start: H2FieldReader) -> Result {
        var reader = start
        var fields: [H2Field] = []
        var listSize = 0
        var resizes = 0
        while !reader.isAtEnd {
            var field: H2Field
            switch reader.form() {
            case .indexed(let index):
                guard let known = table[index] else { return .malformed }
                field = known
                field.isNeverIndexed = false
            case .literal(let index, let isKept, let isNeverIndexed):
                guard let name = index == 0 ? reader.text() : table[index]?.name, let value = reader.text() else {
                    return .malformed
                }
                field = H2Field(name, value)
                field.isNeverIndexed = isNeverIndexed
                if isKept { table.add(field) }
            case .tableSize(let size):
                // In front of all fields, and twice at most (RFC 7541, 4.2).
                resizes += 1
                guard fields.isEmpty, resizes <= 2, table.resize(size) else { return .malformed }
                continue
            case nil: return .malformed
            }
            listSize += field.size
            guard listSize <= listLimit else { return .tooLarge }
            fields.append(field)
        }
        return .fields(fields)
    }
}
