package import HTTPMessages
package import NIOCore
import Platform

/// What the body of an answer says to a person: the text of a page of HTML, or the body itself where it is plain text.
package enum PageText {
    /// In one line. Empty for what is no text: another type, or one that is compressed.
    ///
    /// - Parameters:
    ///   - body: Its beginning may be enough.
    ///   - fields: The answer's, which say what the body is.
    ///   - limit: The most characters.
    package static func line(_ body: ByteBuffer, _ fields: HeaderFields, limit: Int) -> String {
        let type = fields.first("Content-Type")?.lowercased() ?? ""
        let isText = type.isEmpty || type.hasPrefix("text/") || type.hasPrefix("application/xhtml") || type.contains("json")
        guard isText, !fields.contains("Content-Encoding") else { return "" }
        let text = String(buffer: body)
        let isPage = type.contains("html") || text.drop(while: \.isWhitespace).first == "<"
        guard isPage else { return ForeignText.line(text, limit: limit) }
        let page = Page(text)
        let title = ForeignText.line(page.title, limit: limit)
        let shown = ForeignText.line(page.text, limit: limit)
        if shown.isEmpty { return title }
        // Many pages say at their beginning what their title is.
        return title.isEmpty || shown.contains(title) ? shown : ForeignText.line("\(title): \(page.text)", limit: limit)
    }

    /// The words of a page, as far as they are shown. Read once from the beginning to the end, or to where it was cut off.
    private struct Page {
        private(set) var title = ""
        private(set) var text = ""

        /// Elements whose content is no text.
        private static let unseen: Set<String> = ["script", "style", "template", "noscript", "svg"]
        private static let entities = ["amp": "&", "lt": "<", "gt": ">", "quot": "\"", "apos": "'", "nbsp": " "]

        init(_ page: String) {
            var rest = page[...]
            while let tag = rest.firstIndex(of: "<") {
                text += Self.decoded(rest[..<tag]) + " "
                rest = rest[tag...]
                if rest.hasPrefix("<!--") {
                    rest = rest.firstRange(of: "-->").map { rest[$0.upperBound...] } ?? ""
                    continue
                }
                let inside = rest.dropFirst().prefix { $0 != ">" }
                rest = rest[inside.endIndex...].dropFirst()
                let name = inside.prefix(while: \.isLetter).lowercased()
                guard name == "title" || Self.unseen.contains(name) else { continue }
                let content = Self.content(of: name, rest)
                if name == "title", title.isEmpty { title = Self.decoded(content) }
                rest = rest[content.endIndex...]
            }
            text += Self.decoded(rest)
        }

        /// What stands before an element's end tag.
        private static func content(of name: String, _ rest: Substring) -> Substring {
            var tail = rest
            while let tag = tail.firstIndex(of: "<") {
                tail = tail[tag...]
                if tail.dropFirst().first == "/", tail.dropFirst(2).prefix(name.count).lowercased() == name {
                    return rest[..<tag]
                }
                tail = tail.dropFirst()
            }
            return rest
        }

        /// With characters in place of their references. What is none stays as it is.
        private static func decoded(_ words: Substring) -> String {
            var result = ""
            var rest = words
            while let start = rest.firstIndex(of: "&") {
                result += rest[..<start]
                rest = rest[start...].dropFirst()
                let name = rest.prefix(8).prefix { $0 != ";" }
                guard rest[name.endIndex...].first == ";", let character = character(String(name)) else {
                    result += "&"
                    continue
                }
                result += character
                rest = rest[name.endIndex...].dropFirst()
            }
            return result + rest
        }

        private static func character(_ name: String) -> String? {
            if let character = entities[name] { return character }
            guard name.hasPrefix("#") else { return nil }
            let digits = name.dropFirst()
            let number = digits.lowercased().hasPrefix("x") ? UInt32(digits.dropFirst(), radix: 16) : UInt32(digits)
            return number.flatMap { Unicode.Scalar($0) }.map { String(Character($0)) }
        }
    }
}
