/// An XML document as far as AWS's answers need it: elements and text. No document type, so no entities beyond the five that
/// XML has and numbers; bounded in depth and number.
package struct XMLElement: Sendable, Equatable {
    /// The element's name without its prefix.
    package var name: String
    /// The text directly in the element, its entities resolved; empty for one that has elements in it.
    package var text = ""
    /// The elements directly in the element, in order.
    package var children: [XMLElement] = []

    private static let depthLimit = 64
    private static let elementLimit = 100_000

    /// Not XML, or not the little of it that AWS answers with.
    package struct Malformed: Error, Sendable, Equatable {
        /// Where the document can't be read further, in bytes from its beginning.
        package var offset: Int
    }

    init(name: String) { self.name = name }

    /// Reads a whole document and gives its root.
    package init(_ bytes: [UInt8]) throws(Malformed) {
        var reader = Reader(bytes: bytes)
        self = try reader.document()
    }

    /// The elements of that name, wherever they are, in order.
    package func all(_ name: String) -> [XMLElement] {
        children.flatMap { $0.name == name ? [$0] : $0.all(name) }
    }

    /// The text of the first element of that name, wherever it is.
    package func firstText(_ name: String) -> String? {
        for child in children {
            if child.name == name { return child.text }
            if let found = child.firstText(name) { return found }
        }
        return nil
    }

    /// The first element of that name among the children.
    package func child(_ name: String) -> XMLElement? { children.first { $0.name == name } }

    /// Text as it can stand in an element.
    package static func escaped(_ text: String) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "\"": result += "&quot;"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }

    private struct Reader {
        let bytes: [UInt8]
        var index = 0
        var elements = 0

        init(bytes: [UInt8]) { self.bytes = bytes }

        var malformed: Malformed { Malformed(offset: index) }

        func starts(with text: StaticString) -> Bool {
            let length = text.utf8CodeUnitCount
            guard index + length <= bytes.count else { return false }
            return text.withUTF8Buffer { buffer in bytes[index..<(index + length)].elementsEqual(buffer) }
        }

        mutating func skip(past text: StaticString) throws(Malformed) {
            while index < bytes.count {
                if starts(with: text) {
                    index += text.utf8CodeUnitCount
                    return
                }
                index += 1
            }
            throw malformed
        }

        /// White space, the declaration and comments.
        mutating func skipMisc() throws(Malformed) {
            while index < bytes.count {
                if bytes[index] <= 0x20 {
                    index += 1
                } else if starts(with: "<?") {
                    try skip(past: "?>")
                } else if starts(with: "<!--") {
                    try skip(past: "-->")
                } else {
                    return
                }
            }
        }

        mutating func document() throws(Malformed) -> XMLElement {
            if starts(with: "\u{FEFF}") { index += 3 }
            try skipMisc()
            var open: [XMLElement] = []
            while true {
                guard index < bytes.count else { throw malformed }
                if bytes[index] != 0x3C {
                    guard !open.isEmpty else { throw malformed }
                    open[open.count - 1].text += try text()
                } else if starts(with: "</") {
                    guard var finished = open.popLast() else { throw malformed }
                    index += 2
                    let name = try name()
                    while index < bytes.count, bytes[index] <= 0x20 { index += 1 }
                    guard name == finished.name, index < bytes.count, bytes[index] == 0x3E else { throw malformed }
                    index += 1
                    if !finished.children.isEmpty { finished.text = "" }
                    guard !open.isEmpty else { return try ended(finished) }
                    open[open.count - 1].children.append(finished)
                } else if starts(with: "<![CDATA[") {
                    index += 9
                    let start = index
                    try skip(past: "]]>")
                    guard !open.isEmpty else { throw malformed }
                    open[open.count - 1].text += String(decoding: bytes[start..<(index - 3)], as: UTF8.self)
                } else if starts(with: "<!--") || starts(with: "<?") {
                    try skipMisc()
                } else {
                    elements += 1
                    guard open.count < XMLElement.depthLimit, elements <= XMLElement.elementLimit else { throw malformed }
                    index += 1
                    let element = XMLElement(name: try name())
                    if try tagCloses() {
                        guard !open.isEmpty else { return try ended(element) }
                        open[open.count - 1].children.append(element)
                    } else {
                        open.append(element)
                    }
                }
            }
        }

        mutating func ended(_ root: XMLElement) throws(Malformed) -> XMLElement {
            try skipMisc()
            guard index == bytes.count else { throw malformed }
            return root
        }

        /// A name without its prefix.
        mutating func name() throws(Malformed) -> String {
            let start = index
            while index < bytes.count, Self.isNameByte(bytes[index]) { index += 1 }
            let name = bytes[start..<index].split(separator: 0x3A).last
            guard let name, !name.isEmpty else { throw malformed }
            return String(decoding: name, as: UTF8.self)
        }

        /// Passes over the attributes; true for an empty element.
        mutating func tagCloses() throws(Malformed) -> Bool {
            var quote: UInt8?
            while index < bytes.count {
                let byte = bytes[index]
                index += 1
                if let open = quote {
                    if byte == open { quote = nil }
                } else if byte == 0x22 || byte == 0x27 {
                    quote = byte
                } else if byte == 0x3E {
                    return bytes[index - 2] == 0x2F
                } else if byte == 0x3C {
                    throw malformed
                }
            }
            throw malformed
        }

        mutating func text() throws(Malformed) -> String {
            var result: [UInt8] = []
            while index < bytes.count, bytes[index] != 0x3C {
                if bytes[index] == 0x26 {
                    let start = index
                    guard let end = bytes[index...].prefix(12).firstIndex(of: 0x3B) else { throw malformed }
                    index = end + 1
                    result += try entity(String(decoding: bytes[(start + 1)..<end], as: UTF8.self))
                } else {
                    result.append(bytes[index])
                    index += 1
                }
            }
            return String(decoding: result, as: UTF8.self)
        }

        func entity(_ name: String) throws(Malformed) -> [UInt8] {
            switch name {
            case "amp": return [0x26]
            case "lt": return [0x3C]
            case "gt": return [0x3E]
            case "quot": return [0x22]
            case "apos": return [0x27]
            default:
                let number =
                    name.hasPrefix("#x")
                    ? UInt32(name.dropFirst(2), radix: 16)
                    : name.hasPrefix("#") ? UInt32(name.dropFirst()) : nil
                guard let scalar = number.flatMap(Unicode.Scalar.init) else { throw malformed }
                return Array(String(scalar).utf8)
            }
        }

        static func isNameByte(_ byte: UInt8) -> Bool {
            switch byte {
            case 0x30...0x3A, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F, 0x80...: true
            default: false
            }
        }
    }
}
