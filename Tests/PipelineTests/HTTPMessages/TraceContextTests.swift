import HTTPMessages
import Testing

/// The field `traceparent` (W3C Trace Context, 3.2).
@Suite struct TraceContextTests {
    private static let trace = "0af7651916cd43dd8448eb211c80319c"
    private static let valid = "00-\(trace)-b7ad6b7169203331-01"

    private static func read(_ values: String...) -> TraceContext? {
        TraceContext(in: HeaderFields(values.map { ("TraceParent", $0) }))
    }

    @Test func `A context and its value`() throws {
        let context = try #require(Self.read(Self.valid))
        #expect(context.traceID == Self.trace)
        #expect(context.parent == 0xB7AD_6B71_6920_3331 && context.isSampled)
        #expect(context.value == Self.valid)
        #expect(Self.read("00-\(Self.trace)-b7ad6b7169203331-00")?.isSampled == false)
        #expect(Self.read("cc-\(Self.trace)-b7ad6b7169203331-03-more")?.value == Self.valid)
        #expect(Self.read("cc-\(Self.trace)-b7ad6b7169203331-01")?.value == Self.valid)
    }

    @Test(arguments: [
        "", "00", "ff-\(trace)-b7ad6b7169203331-01", "00-\(trace)-b7ad6b7169203331-01-more", "cc-\(trace)-b7ad6b7169203331-01more",
        "00-00000000000000000000000000000000-b7ad6b7169203331-01", "00-\(trace)-0000000000000000-01",
        "00-\(trace.uppercased())-b7ad6b7169203331-01", "00-\(trace)-b7ad6b7169203331-0", "00_\(trace)-b7ad6b7169203331-01",
        "00-\(trace)-b7ad6b716920333g-01", " 00-\(trace)-b7ad6b7169203331-01",
    ])
    func `What is none`(_ value: String) { #expect(Self.read(value) == nil) }

    @Test func `One of two counts as none`() {
        #expect(Self.read(Self.valid, Self.valid) == nil)
        #expect(TraceContext(in: HeaderFields()) == nil)
    }
}
