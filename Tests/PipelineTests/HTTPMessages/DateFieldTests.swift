import Pipeline
import Testing

/// RFC 9110, 5.6.7 and 6.6.1.
@Suite struct DateFieldTests {
    @Test(arguments: [
        (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"), (0, "Thu, 01 Jan 1970 00:00:00 GMT"),
        (951_782_400, "Tue, 29 Feb 2000 00:00:00 GMT"), (1_773_075_845, "Mon, 09 Mar 2026 17:04:05 GMT"),
        (4_102_444_799, "Thu, 31 Dec 2099 23:59:59 GMT"),
    ])
    func `A time`(_ seconds: Int, _ text: String) { #expect(HTTPDate.text(seconds) == text) }

    @Test func `Who gets one`() {
        let field = DateField()
        let get = RequestHead(method: "GET", scheme: .http, authority: "a", path: "/")
        let connect = RequestHead(kind: .tunnel, method: "CONNECT", scheme: .none, authority: "a:1", path: "")
        #expect(field.value(for: ResponseHead(status: 200), to: get)?.hasSuffix(" GMT") == true)
        #expect(field.value(for: ResponseHead(status: 502), to: connect) != nil)
        #expect(field.value(for: ResponseHead(status: 103), to: get) == nil)
        #expect(field.value(for: ResponseHead(status: 200), to: connect) == nil)
        let dated = ResponseHead(status: 200, fields: HeaderFields([("DATE", "Mon, 09 Mar 2026 17:04:05 GMT")]))
        #expect(field.value(for: dated, to: get) == nil)
    }
}
