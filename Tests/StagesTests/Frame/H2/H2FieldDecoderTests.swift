import NIOCore
import NIOHPACK
import Testing

@testable import TunnelStages

/// HPACK as RFC 7541 shows it, and as the library writes it.
@Suite struct H2FieldDecoderTests {
    private static func bytes(_ hex: String) -> [UInt8] {
        let digits = hex.compactMap(\.hexDigitValue)
        return stride(from: 0, to: digits.count, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
    }

    private func fields(_ list: [(String, String)]) -> [H2Field] { list.map { H2Field(Array($0.0.utf8), Array($0.1.utf8)) } }

    private func decode(_ hex: String, with decoder: inout H2FieldDecoder) -> [H2Field]? {
        guard case .fields(let fields) = decoder.decode(ByteBuffer(bytes: Self.bytes(hex))) else { return nil }
        return fields
    }

    private static let requests: [[(String, String)]] = [
        [(":method", "GET"), (":scheme", "http"), (":path", "/"), (":authority", "www.example.com")],
        [
            (":method", "GET"), (":scheme", "http"), (":path", "/"), (":authority", "www.example.com"),
            ("cache-control", "no-cache"),
        ],
        [
            (":method", "GET"), (":scheme", "https"), (":path", "/index.html"), (":authority", "www.example.com"),
            ("custom-key", "custom-value"),
        ],
    ]
    private static let responses: [[(String, String)]] = [
        [
            (":status", "302"), ("cache-control", "private"), ("date", "Mon, 21 Oct 2013 20:13:21 GMT"),
            ("location", "https://www.example.com"),
        ],
        [
            (":status", "307"), ("cache-control", "private"), ("date", "Mon, 21 Oct 2013 20:13:21 GMT"),
            ("location", "https://www.example.com"),
        ],
        [
            (":status", "200"), ("cache-control", "private"), ("date", "Mon, 21 Oct 2013 20:13:22 GMT"),
            ("location", "https://www.example.com"), ("content-encoding", "gzip"),
            ("set-cookie", "foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1"),
        ],
    ]

    @Test(
        arguments: [
            ("400a637573746f6d2d6b65790d637573746f6d2d686561646572", ("custom-key", "custom-header"), false),
            ("040c2f73616d706c652f70617468", (":path", "/sample/path"), false),
            ("100870617373776f726406736563726574", ("password", "secret"), true), ("82", (":method", "GET"), false),
        ] as [(String, (String, String), Bool)])
    func `Fields (RFC 7541, C.2)`(_ hex: String, _ field: (String, String), _ isNeverIndexed: Bool) {
        var decoder = H2FieldDecoder(listLimit: 1_000)
        var expected = H2Field(Array(field.0.utf8), Array(field.1.utf8))
        expected.isNeverIndexed = isNeverIndexed
        #expect(decode(hex, with: &decoder) == [expected])
    }

    @Test(arguments: [
        [
            "828684410f7777772e6578616d706c652e636f6d", "828684be58086e6f2d6361636865",
            "828785bf400a637573746f6d2d6b65790c637573746f6d2d76616c7565",
        ],
        ["828684418cf1e3c2e5f23a6ba0ab90f4ff", "828684be5886a8eb10649cbf", "828785bf408825a849e95ba97d7f8925a849e95bb8e8b4bf"],
    ])
    func `Requests (RFC 7541, C.3 and C.4)`(_ blocks: [String]) {
        var decoder = H2FieldDecoder(listLimit: 1_000)
        for (block, list) in zip(blocks, Self.requests) { #expect(decode(block, with: &decoder) == fields(list)) }
    }

    /// With a table of 256 bytes, from which fields are evicted.
    @Test(arguments: [
        [
            "4803333032580770726976617465611d4d6f6e2c203231204f637420323031332032303a31333a323120474d546e1768747470733a2f2f7777772e6578616d706c652e636f6d",
            "4803333037c1c0bf",
            "88c1611d4d6f6e2c203231204f637420323031332032303a31333a323220474d54c05a04677a69707738666f6f3d4153444a4b48514b425a584f5157454f50495541585157454f49553b206d61782d6167653d333630303b2076657273696f6e3d31",
        ],
        [
            "488264025885aec3771a4b6196d07abe941054d444a8200595040b8166e082a62d1bff6e919d29ad171863c78f0b97c8e9ae82ae43d3",
            "4883640effc1c0bf",
            "88c16196d07abe941054d444a8200595040b8166e084a62d1bffc05a839bd9ab77ad94e7821dd7f2e6c7b335dfdfcd5b3960d5af27087f3672c1ab270fb5291f9587316065c003ed4ee5b1063d5007",
        ],
    ])
    func `Responses (RFC 7541, C.5 and C.6)`(_ blocks: [String]) {
        var decoder = H2FieldDecoder(listLimit: 1_000)
        for (index, (block, list)) in zip(blocks, Self.responses).enumerated() {
            #expect(decode((index == 0 ? "3fe101" : "") + block, with: &decoder) == fields(list))
        }
        // Only the last three fields are there: 62 to 64.
        #expect(decode("c0", with: &decoder) != nil && decode("c1", with: &decoder) == nil)
    }

    @Test func `Every byte, and each two`() {
        for first in UInt8.min...UInt8.max {
            for text in [[first]] + (UInt8.min...UInt8.max).map({ [first, $0] }) {
                var coded: [UInt8] = []
                H2HuffmanCode.encode(text) { coded.append($0) }
                var decoded: [UInt8] = []
                let isDecoded = coded.withUnsafeBytes { H2HuffmanCode.decode($0, into: &decoded) }
                #expect(isDecoded && decoded == text && coded.count == H2HuffmanCode.codedLength(text))
            }
        }
    }

    @Test func `What the library writes`() throws {
        var random = SeededGenerator(3)
        var encoder = HPACKEncoder(allocator: ByteBufferAllocator())
        var decoder = H2FieldDecoder(listLimit: 1 << 20)
        for round in 0..<300 {
            let list = (0..<Int.random(in: 0...20, using: &random)).map { _ in
                let name = ["x-a", "cookie", "etag", ":path", "server"].randomElement(using: &random) ?? ""
                let value = (0..<Int.random(in: 0...200, using: &random)).map { _ in
                    Character(Unicode.Scalar(UInt8.random(in: 0...127, using: &random)))
                }
                return (name, round % 3 == 0 ? "same" : String(value))
            }
            var block = ByteBuffer()
            if round % 50 == 49 { try encoder.setDynamicTableSize(Int.random(in: 0...4_096, using: &random)) }
            try encoder.encode(headers: HPACKHeaders(list), to: &block)
            #expect(decoder.decode(block) == .fields(fields(list)))
        }
    }

    @Test func `A list that is too large`() {
        var decoder = H2FieldDecoder(listLimit: 100)
        #expect(decoder.decode(ByteBuffer(bytes: [0x82, 0x82])) != .tooLarge)
        #expect(decoder.decode(ByteBuffer(bytes: [0x82, 0x82, 0x82])) == .tooLarge)
    }
}
