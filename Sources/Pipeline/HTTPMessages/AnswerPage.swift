/// What a person is told in place of what was asked for: a small page for a browser, lines of text for everybody else. One look for all. It has no
/// scripts and loads nothing.
package struct AnswerPage: Sendable, Equatable {
    /// What happened, in a few words.
    package var title: String
    /// What happened, in a sentence.
    package var sentence: String
    /// What to do about it; empty where there is nothing to say.
    package var advice: String
    /// What helps whoever looks into it: names and values.
    package var facts: [(name: String, value: String)]
    /// After how many seconds a browser asks again; nil for never.
    package var refresh: Int?

    /// A page that isn't asked for again.
    package init(
        title: String, sentence: String, advice: String = "", facts: [(name: String, value: String)] = [], refresh: Int? = nil
    ) {
        self.title = title
        self.sentence = sentence
        self.advice = advice
        self.facts = facts
        self.refresh = refresh
    }

    package static func == (one: AnswerPage, other: AnswerPage) -> Bool {
        one.title == other.title && one.sentence == other.sentence && one.advice == other.advice && one.refresh == other.refresh
            && one.facts.elementsEqual(other.facts, by: ==)
    }

    /// What the page may do: nothing but have its style.
    package static let policy =
        "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

    /// The page in HTML.
    package var html: String {
        let refresh = refresh.map { "<meta http-equiv=\"refresh\" content=\"\($0)\">" } ?? ""
        let advice = advice.isEmpty ? "" : "<p>\(Self.escaped(advice))</p>"
        let facts = facts.map { "<dt>\(Self.escaped($0.name))</dt><dd>\(Self.escaped($0.value))</dd>" }.joined(separator: "\n")
        return """
            <!DOCTYPE html>
            <html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">\(refresh)
            <title>\(Self.escaped(title))</title>
            <style>
            :root{color-scheme:light dark}
            body{font:1.05rem/1.5 system-ui,sans-serif;max-width:38rem;margin:12vh auto;padding:0 1rem;overflow-wrap:break-word}
            h1{font-size:1.5rem;line-height:1.25}
            dl{display:grid;grid-template-columns:max-content 1fr;gap:.15rem 1rem;margin-top:2rem;font-size:.9rem}
            dt{font-weight:600}dd{margin:0}
            </style></head>
            <body><main><h1>\(Self.escaped(title))</h1>
            <p>\(Self.escaped(sentence))</p>
            \(advice)
            <dl>
            \(facts)
            </dl></main></body></html>

            """
    }

    /// Puts the page, as HTML, in the place of a response's body.
    package func replaceBody(of response: inout LocalResponse) {
        response.setBody(html, type: "text/html; charset=utf-8")
        response.head.fields.set("Content-Security-Policy", Self.policy)
        response.head.fields.set("Cache-Control", "no-store")
    }

    /// A text in which nothing is markup.
    package static func escaped(_ text: String) -> String {
        var result = ""
        for character in text {
            switch character {
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "&": result += "&amp;"
            case "\"": result += "&quot;"
            case "'": result += "&#39;"
            default: result.append(character)
            }
        }
        return result
    }
}

extension LocalResponse {
    /// Puts another text in the place of the body.
    package mutating func setBody(_ text: String, type: String) {
        body = text
        head.body = .known(Int64(text.utf8.count))
        head.fields.set("Content-Type", type)
    }
}

extension RequestHead {
    /// Whether whoever sent it would read a page in HTML. A tunnel's client shows what it gets to nobody.
    package var acceptsHTML: Bool {
        guard kind == .plain else { return false }
        var accepts = false
        fields.forEach { name, value in
            guard HTTPGrammar.equal(name, "accept" as StaticString) else { return }
            HTTPGrammar.forEachListElement(value) { element in
                let type = element.prefix { $0 != UInt8(ascii: ";") && $0 != 0x20 && $0 != 0x09 }
                if HTTPGrammar.equal(UnsafeRawBufferPointer(rebasing: type), "text/html" as StaticString) { accepts = true }
            }
        }
        return accepts
    }
}
