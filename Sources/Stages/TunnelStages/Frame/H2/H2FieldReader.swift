/// Reads the parts of which HPACK's blocks of fields are made (RFC 7541, 5 and 6). Nil for what breaks off or goes beyond bounds.
struct H2FieldReader {
    /// What a field is written as.
    enum Form {
        case indexed(Int)
        case literal(name: Int, isKept: Bool, isNeverIndexed: Bool)
        case tableSize(Int)
    }

    private let bytes: UnsafeRawBufferPointer
    private(set) var offset = 0

    init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    var isAtEnd: Bool { offset >= bytes.count }

    mutating func form() -> Form? {
        guard !isAtEnd else { return nil }
        let first = bytes[offset]
        switch first {
        case 0x80...: return integer(prefix: 7).map { .indexed($0) }
        case 0x40...: return integer(prefix: 6).map { .literal(name: $0, isKept: true, isNeverIndexed: false) }
        case 0x20...: return integer(prefix: 5).map { .tableSize($0) }
        default:
            let isNeverIndexed = first & 0x10 != 0
            return integer(prefix: 4).map { .literal(name: $0, isKept: false, isNeverIndexed: isNeverIndexed) }
        }
    }

    mutating func text() -> [UInt8]? {
        guard !isAtEnd else { return nil }
        let isCoded = bytes[offset] & 0x80 != 0
        guard let length = integer(prefix: 7), length <= bytes.count - offset else { return nil }
        let part = UnsafeRawBufferPointer(rebasing: bytes[offset..<(offset + length)])
        offset += length
        guard isCoded else { return Array(part) }
        var text: [UInt8] = []
        text.reserveCapacity(length * 8 / 5)
        return H2HuffmanCode.decode(part, into: &text) ? text : nil
    }

    private mutating func integer(prefix: Int) -> Int? {
        guard !isAtEnd else { return nil }
        let mask = 1 << prefix - 1
        var value = Int(bytes[offset]) & mask
        offset += 1
        guard value == mask else { return value }
        // No number here is larger than a head may be, with room for zeros in front.
        for shift in stride(from: 0, through: 28, by: 7) {
            guard !isAtEnd else { return nil }
            let byte = bytes[offset]
            offset += 1
            value += Int(byte & 0x7F) << shift
            if byte & 0x80 == 0 { return value }
        }
        return nil
    }
}
