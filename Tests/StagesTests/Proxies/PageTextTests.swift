import HTTPMessages
import NIOCore
import Testing
import TunnelStages

@Suite struct PageTextTests {
    private static let html = "text/html; charset=utf-8"

    @Test(
        arguments: [
            ("", "", ""),
            ("text/plain", "not\r\n\ttoday", "not today"),
            ("", "  plain words ", "plain words"),
            ("", " \n<html><body>a page", "a page"),
            ("application/json", "{\"error\": \"no\"}", "{\"error\": \"no\"}"),
            ("image/png", "\u{89}PNG", ""),
            ("application/octet-stream", "words", ""),
            (html, "<p>one</p><p>two</p>", "one two"),
            (html, "<title>Blocked</title><p>by policy", "Blocked: by policy"),
            // A title that the page repeats is said once.
            (html, "<TITLE>Access Denied</TITLE><h1>Access Denied</h1>Ask.", "Access Denied Ask."),
            (html, "<title>only this", "only this"),
            (html, "<script>if (a < b) x()</script>a<style>b{}</style>b<!-- c > --> <svg><text>d</text></svg>e", "a b e"),
            (html, "a<script>never ends", "a"),
            (html, "a<!-- never ends", "a"),
            (html, "a<p never ends", "a"),
            (html, "<a title=\"Proxy\">x</a>", "x"),
            (html, "&lt;b&gt; &amp;amp; &quot;&#39;&#x41;&nbsp;x&bogus; &#0; &#xD800; & &", "<b> &amp; \"'A x&bogus; &#xD800; & &"),
            // Control characters, directions of writing and the like never reach a terminal.
            ("text/plain", "a\u{1B}[31mb\u{202E}c\u{200B}d\u{0}e\u{7F}f\u{85}g\u{2028}h\u{E000}i", "a [31mbcd e f g hi"),
            ("text/plain", "Zugriff verweigert: größer 日本語", "Zugriff verweigert: größer 日本語"),
            ("text/plain", String(repeating: "x", count: 41), String(repeating: "x", count: 40) + "…"),
            ("text/plain", String(repeating: "x", count: 40) + "  ", String(repeating: "x", count: 40)),
        ] as [(String, String, String)])
    func `What a body says`(type: String, body: String, line: String) {
        let fields = HeaderFields(type.isEmpty ? [] : [("Content-Type", type)])
        #expect(PageText.line(ByteBuffer(string: body), fields, limit: 40) == line)
    }

    @Test func `Bytes that are no UTF-8, and a compressed body`() {
        let latin = ByteBuffer(bytes: [0x67, 0x72, 0xF6, 0xDF, 0x65, 0x72])
        #expect(PageText.line(latin, HeaderFields(), limit: 40) == "gr\u{FFFD}\u{FFFD}er")
        #expect(PageText.line(ByteBuffer(string: "x"), HeaderFields([("Content-Encoding", "gzip")]), limit: 40) == "")
    }

    /// No page makes it slow, or ends it.
    @Test(arguments: ["<", "</title", "<!--", "<title>", "<script>", "&", "&#x", "<a \"", "</script "])
    func `Pages of one thing`(piece: String) {
        let body = ByteBuffer(string: String(repeating: piece, count: (16 << 10) / piece.utf8.count))
        #expect(PageText.line(body, HeaderFields([("Content-Type", Self.html)]), limit: 40).unicodeScalars.count <= 41)
    }
}
