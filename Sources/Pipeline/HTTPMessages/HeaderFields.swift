package import NIOCore

/// The fields of a head or of trailers, as they came: order, duplicates, case and bytes are kept.
///
/// They lie in one block, each as a 16-bit name length, a 16-bit value length, the name and the value, which is also their
/// form on the wire between agent and server: fields are passed on by copying the block.
public struct HeaderFields: Sendable, Equatable {
    /// The entries, one behind the other.
    package private(set) var block: ByteBuffer
    /// How many fields there are; fields of one name count each.
    public private(set) var count: Int

    /// No fields.
    public init() {
        block = ByteBuffer()
        count = 0
    }

    /// Fields from names and values, in their order. Those that `append` refuses are left out.
    public init(_ fields: [(String, String)]) {
        self.init()
        for (name, value) in fields { append(name, value) }
    }

    /// Takes a block that came over the wire, or nil if it isn't `count` well-formed entries and nothing else.
    package init?(block: ByteBuffer, count: Int) {
        guard block.withUnsafeReadableBytes({ Self.isWellFormed($0, count) }) else { return nil }
        self.block = block
        self.count = count
    }

    private static func isWellFormed(_ bytes: UnsafeRawBufferPointer, _ count: Int) -> Bool {
        var offset = 0
        for _ in 0..<count {
            guard bytes.count - offset >= 4 else { return false }
            let nameLength = Int(bytes[offset]) << 8 | Int(bytes[offset + 1])
            let valueLength = Int(bytes[offset + 2]) << 8 | Int(bytes[offset + 3])
            offset += 4
            guard bytes.count - offset >= nameLength + valueLength else { return false }
            let value = offset + nameLength
            guard HTTPGrammar.isToken(UnsafeRawBufferPointer(rebasing: bytes[offset..<value])),
                HTTPGrammar.isFieldValue(UnsafeRawBufferPointer(rebasing: bytes[value..<(value + valueLength)]))
            else { return false }
            offset = value + valueLength
        }
        return offset == bytes.count
    }

    /// Whether there is no field.
    public var isEmpty: Bool { count == 0 }

    /// Adds a field behind the others. A name that is no token, or a value with a byte that no value may have, is refused
    /// with `false`; so are names and values over 65,535 bytes.
    @discardableResult
    public mutating func append(_ name: String, _ value: String) -> Bool {
        var name = name
        var value = value
        return name.withUTF8 { name in value.withUTF8 { value in append(name: .init(name), value: .init(value)) } }
    }

    /// The same, of bytes.
    @discardableResult
    public mutating func append(name: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer) -> Bool {
        guard name.count <= UInt16.max, value.count <= UInt16.max, HTTPGrammar.isToken(name), HTTPGrammar.isFieldValue(value)
        else { return false }
        appendChecked(name: name, value: value)
        return true
    }

    /// Adds a field whose bytes and lengths were checked.
    package mutating func appendChecked(name: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer) {
        // Into memory that is looked for once, for this is done for each field of each head.
        let size = 4 + name.count + value.count
        block.writeWithUnsafeMutableBytes(minimumWritableBytes: size) { out in
            out[0] = UInt8(truncatingIfNeeded: name.count >> 8)
            out[1] = UInt8(truncatingIfNeeded: name.count)
            out[2] = UInt8(truncatingIfNeeded: value.count >> 8)
            out[3] = UInt8(truncatingIfNeeded: value.count)
            UnsafeMutableRawBufferPointer(rebasing: out[4...]).copyMemory(from: name)
            UnsafeMutableRawBufferPointer(rebasing: out[(4 + name.count)...]).copyMemory(from: value)
            return size
        }
        count += 1
    }

    /// Makes room for fields of so many bytes together.
    package mutating func reserve(_ bytes: Int) { block.reserveCapacity(bytes) }

    /// Calls `body` with each field's name and value, in order. The pointers are good only during the call.
    @inline(__always)
    public func forEach(_ body: (_ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) -> Void) {
        block.withUnsafeReadableBytes { bytes in
            var offset = 0
            for _ in 0..<count {
                let nameLength = Int(bytes[offset]) << 8 | Int(bytes[offset + 1])
                let valueLength = Int(bytes[offset + 2]) << 8 | Int(bytes[offset + 3])
                let name = UnsafeRawBufferPointer(rebasing: bytes[(offset + 4)..<(offset + 4 + nameLength)])
                let valueStart = offset + 4 + nameLength
                body(name, UnsafeRawBufferPointer(rebasing: bytes[valueStart..<(valueStart + valueLength)]))
                offset = valueStart + valueLength
            }
        }
    }

    /// The values of every field of that name, in order. Names are compared without case (RFC 9110, 5.1). Bytes that aren't UTF-8 are shown
    /// as U+FFFD: what is to be passed on is taken from `forEach`.
    public subscript(_ name: String) -> [String] {
        var result: [String] = []
        forEach { if HTTPGrammar.equal($0, name) { result.append(String(decoding: $1, as: UTF8.self)) } }
        return result
    }

    /// The first value of that name, shown as by the subscript.
    public func first(_ name: String) -> String? {
        var result: String?
        forEach { if result == nil, HTTPGrammar.equal($0, name) { result = String(decoding: $1, as: UTF8.self) } }
        return result
    }

    /// Whether there is a field of the name, in any case of letters.
    public func contains(_ name: String) -> Bool {
        var found = false
        forEach { field, _ in if HTTPGrammar.equal(field, name) { found = true } }
        return found
    }

    /// Removes the fields for which `body` is true.
    public mutating func removeAll(where body: (_ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) -> Bool) {
        var hit = false
        forEach { if body($0, $1) { hit = true } }
        guard hit else { return }
        var kept = HeaderFields()
        kept.reserve(block.readableBytes)
        forEach { if !body($0, $1) { kept.appendChecked(name: $0, value: $1) } }
        self = kept
    }

    /// Takes out every field of the name, in any case of letters.
    public mutating func remove(_ name: String) {
        removeAll { field, _ in HTTPGrammar.equal(field, name) }
    }

    /// Gives every field of a name another one, and puts them behind all others. Their values' bytes stay as they are. A new name that
    /// is no token, or is longer than 65,535 bytes, is refused with `false`.
    @discardableResult
    public mutating func rename(_ name: String, to newName: String) -> Bool {
        var newName = newName
        return newName.withUTF8 { newName in
            let newName = UnsafeRawBufferPointer(newName)
            guard HTTPGrammar.isToken(newName), newName.count <= UInt16.max else { return false }
            var renamed = HeaderFields()
            forEach { if HTTPGrammar.equal($0, name) { renamed.appendChecked(name: newName, value: $1) } }
            guard !renamed.isEmpty else { return true }
            remove(name)
            renamed.forEach { appendChecked(name: $0, value: $1) }
            return true
        }
    }

    /// Adds an element to a field whose value is a list, and puts its fields together in one behind all others (RFC 9110, 5.3). The bytes of
    /// what is there stay as they are. Refused with `false` as by `append`.
    @discardableResult
    public mutating func appendElement(_ element: String, to name: String) -> Bool {
        var value = ByteBuffer()
        forEach { field, elements in
            if HTTPGrammar.equal(field, name), !elements.isEmpty {
                value.writeBytes(elements)
                value.writeStaticString(", ")
            }
        }
        value.writeString(element)
        var name = name
        var changed = self
        changed.remove(name)
        let isDone = value.withUnsafeReadableBytes { value in
            name.withUTF8 { changed.append(name: UnsafeRawBufferPointer($0), value: value) }
        }
        if isDone { self = changed }
        return isDone
    }

    /// Puts one field in the place of all of that name.
    @discardableResult
    public mutating func set(_ name: String, _ value: String) -> Bool {
        remove(name)
        return append(name, value)
    }

    /// Every field as strings, in order; bytes that are not UTF-8 are shown as U+FFFD.
    public var list: [(name: String, value: String)] {
        var result: [(name: String, value: String)] = []
        result.reserveCapacity(count)
        forEach { result.append((String(decoding: $0, as: UTF8.self), String(decoding: $1, as: UTF8.self))) }
        return result
    }
}
