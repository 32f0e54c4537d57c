import HTTPMessages
import Testing

/// The page that says why there is no other.
@Suite struct AnswerPageTests {
    private static let page = AnswerPage(
        title: "A <b> & \"c\"", sentence: "'x' <script>alert(1)</script>", advice: "Try & try.", facts: [("Name", "<i>value</i>")],
        refresh: nil)

    @Test func `Nothing that others say is markup`() {
        let html = Self.page.html
        #expect(!html.contains("<script>") && !html.contains("<b>") && !html.contains("<i>"))
        #expect(html.contains("&lt;script&gt;") && html.contains("<dt>Name</dt><dd>&lt;i&gt;value&lt;/i&gt;</dd>"))
        #expect(html.contains("A &lt;b&gt; &amp; &quot;c&quot;"))
    }

    @Test func `It loads nothing and runs nothing`() {
        let html = AnswerPage(title: "t", sentence: "s", refresh: 3).html
        for word in ["<script", "src=", "href=", "url(", "@import", "http://", "https://", "<img", "<link", "onload"] {
            #expect(!html.contains(word), "\(word)")
        }
        #expect(html.contains("<meta http-equiv=\"refresh\" content=\"3\">") && !Self.page.html.contains("http-equiv"))
        #expect(AnswerPage.policy.hasPrefix("default-src 'none'"))
    }

    @Test func `A response with a page has its length and its type`() {
        var response = LocalResponse(status: 502, body: "plain\n", failure: Failure(.unreachable, "plain"))
        Self.page.replaceBody(of: &response)
        #expect(response.head.body == .known(Int64(response.body.utf8.count)))
        #expect(response.head.fields["Content-Type"] == ["text/html; charset=utf-8"])
        #expect(response.head.fields.first("Content-Security-Policy") == AnswerPage.policy)
    }

    @Test(
        arguments: [
            (["text/html"], true), (["text/HTML;q=0.9, */*"], true), (["application/xhtml+xml", "text/html"], true),
            (["*/*"], false),
            (["text/htmlx"], false), (["text/*"], false), ([], false), (["application/json, x/text/html"], false),
        ] as [([String], Bool)])
    func `Who reads HTML`(_ values: [String], _ expected: Bool) {
        var head = RequestHead(
            method: "GET", scheme: .http, authority: "a", path: "/", fields: HeaderFields(values.map { ("Accept", $0) }))
        #expect(head.acceptsHTML == expected)
        head.kind = .tunnel
        #expect(!head.acceptsHTML)
    }

    @Test func `Every reason has its words`() {
        for reason in Failure.Reason.allCases {
            #expect(!reason.title.isEmpty && !reason.advice.isEmpty && reason.advice.hasSuffix("."))
        }
    }
}
