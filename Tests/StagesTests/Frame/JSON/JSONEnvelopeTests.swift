import HTTPMessages
import NIOCore
import Testing
import TunnelStages

@Suite struct JSONEnvelopeTests {
    private static let id = "0123456789abcdef0123456789abcdef"
    private static let fields = HeaderFields([("Accept", "a"), ("X-Quote", "\"\\"), ("Accept", "b")])

    static let examples: [(JSONEnvelope, String)] = [
        (
            .httpRequest(id: id, method: "POST", url: "http://h/", fields: fields, body: ByteBuffer(string: "hello")),
            #"{"type":"http_request","payload":{"id":"\#(id)","method":"POST","url":"http://h/","headers":{"Accept":["a","b"],"X-Quote":["\"\\"]},"body":"aGVsbG8="}}"#
        ),
        (
            .httpResponse(id: id, status: 204, fields: HeaderFields(), body: ByteBuffer(), error: ""),
            #"{"type":"http_response","payload":{"id":"\#(id)","status_code":204,"headers":{}}}"#
        ),
        (.connectOpen(id: id, address: "h:443"), #"{"type":"connect_open","payload":{"id":"\#(id)","address":"h:443"}}"#),
        (.connectAck(id: id, ok: false, error: "no"), #"{"type":"connect_ack","payload":{"id":"\#(id)","ok":false,"error":"no"}}"#),
        (
            .connectData(id: id, chunk: ByteBuffer(string: "hi")),
            #"{"type":"connect_data","payload":{"id":"\#(id)","chunk":"aGk="}}"#
        ),
        (.connectClose(id: id, error: ""), #"{"type":"connect_close","payload":{"id":"\#(id)","error":""}}"#),
        (
            .webSocketOpen(id: id, url: "wss://h/c", fields: HeaderFields([("Origin", "x")])),
            #"{"type":"ws_open","payload":{"id":"\#(id)","url":"wss://h/c","headers":{"Origin":["x"]}}}"#
        ),
        (
            .webSocketOpen(id: id, url: "ws://h/c", fields: HeaderFields(), client: .max),
            #"{"type":"ws_open","payload":{"id":"\#(id)","client":"ffffffffffffffff","url":"ws://h/c","headers":{}}}"#
        ),
        (.webSocketAck(id: id, ok: true, error: ""), #"{"type":"ws_ack","payload":{"id":"\#(id)","ok":true,"error":""}}"#),
        (
            .webSocketMessage(id: id, kind: 1, data: ByteBuffer(string: "hi")),
            #"{"type":"ws_message","payload":{"id":"\#(id)","message_type":1,"data":"aGk="}}"#
        ),
        (
            .webSocketClose(id: id, code: 4001, error: "bye"),
            #"{"type":"ws_close","payload":{"id":"\#(id)","code":4001,"error":"bye"}}"#
        ),
        (.goingAway(id: id), #"{"type":"going_away","payload":{"id":"\#(id)"}}"#),
    ]

    @Test(arguments: examples.indices)
    func `The table's own form`(index: Int) throws {
        let (envelope, text) = Self.examples[index]
        var buffer = ByteBuffer()
        envelope.encode(into: &buffer)
        #expect(String(buffer: buffer) == text + "\n")
        let decoded = try JSONEnvelope.decode(ByteBuffer(string: text))
        guard case .httpRequest(let id, _, _, let fields, let body, _, _) = decoded else {
            #expect(decoded == envelope)
            return
        }
        #expect(id == Self.id && body == ByteBuffer(string: "hello"))
        #expect(fields == HeaderFields([("Accept", "a"), ("Accept", "b"), ("X-Quote", "\"\\")]))
    }

    @Test(arguments: [
        (
            #"{"payload":{"host":"h:1","id":"x","more":[1]},"type":"connect_open"}"#,
            JSONEnvelope.connectOpen(id: "x", address: "h:1")
        ),
        (#"{"type":"connect_data","payload":{"id":"x","data":"aGk="}}"#, .connectData(id: "x", chunk: ByteBuffer(string: "hi"))),
        (#"{"type":"connect_ack","payload":{"id":"x","success":true}}"#, .connectAck(id: "x", ok: true, error: "")),
        (#"{"type":"connect_close","payload":{"id":"x"}}"#, .connectClose(id: "x", error: "")),
        (
            #"{"type":"ws_open","payload":{"id":"x","url":"ws://h/","client":"1f"}}"#,
            .webSocketOpen(id: "x", url: "ws://h/", fields: HeaderFields(), client: 31)
        ),
        // A member of somebody else's.
        (
            #"{"type":"ws_open","payload":{"id":"x","url":"ws://h/","client":{"a":1}}}"#,
            .webSocketOpen(id: "x", url: "ws://h/", fields: HeaderFields())
        ),
        (
            #"{"type":"ws_open","payload":{"id":"x","url":"ws://h/","client":"ann"}}"#,
            .webSocketOpen(id: "x", url: "ws://h/", fields: HeaderFields())
        ),
        (
            #"{"type":"http_response","payload":{"id":"x","status_code":200,"headers":null,"body":null}}"#,
            .httpResponse(id: "x", status: 200, fields: HeaderFields(), body: ByteBuffer(), error: "")
        ),
        (
            #"{"type":"connect_data","payload":{"id":"x","chunk":"aG\u006b\u003d"}}"#,
            .connectData(id: "x", chunk: ByteBuffer(string: "hi"))
        ),
    ])
    func `What others write`(text: String, expected: JSONEnvelope) throws {
        #expect(try JSONEnvelope.decode(ByteBuffer(string: text)) == expected)
    }

    @Test func `Unknown types are ignored`() throws {
        #expect(try JSONEnvelope.decode(ByteBuffer(string: #"{"type":"hello","payload":7}"#)) == nil)
        #expect(try JSONEnvelope.decode(ByteBuffer(string: #"{"type":"","whatever":{}}"#)) == nil)
    }

    @Test(arguments: [
        "{}", #"{"type":1}"#, #"{"type":"connect_open"}"#, #"{"type":"connect_open","payload":{}}"#,
        #"{"type":"connect_open","payload":{"id":"","address":"h:1"}}"#, #"{"type":"connect_open","payload":{"id":"x"}}"#,
        #"{"type":"connect_data","payload":{"id":"x","chunk":"a"}}"#, #"{"type":"connect_ack","payload":{"id":"x","ok":1}}"#,
        #"{"type":"http_response","payload":{"id":"x","status_code":1.5}}"#,
        #"{"type":"http_response","payload":{"id":"x","status_code":200,"headers":{"a":"b"}}}"#,
        #"{"type":"ws_message","payload":{"id":7,"message_type":1}}"#,
    ])
    func `Malformed ones`(text: String) {
        #expect(throws: JSONProblem.malformed) { try JSONEnvelope.decode(ByteBuffer(string: text)) }
    }

    /// Whatever comes, it is decoded or refused, and what is decoded can be written and read again.
    @Test func `Mutations`() throws {
        var generator = SeededGenerator(7)
        var decoded = 0
        for _ in 0..<20_000 {
            var bytes = Array(Self.examples[Int.random(in: Self.examples.indices, using: &generator)].1.utf8)
            for _ in 0..<Int.random(in: 0...3, using: &generator) {
                let place = Int.random(in: bytes.indices, using: &generator)
                switch Int.random(in: 0...2, using: &generator) {
                case 0: bytes[place] = UInt8.random(in: .min ... .max, using: &generator)
                case 1: bytes.remove(at: place)
                default: bytes.insert(bytes[Int.random(in: bytes.indices, using: &generator)], at: place)
                }
            }
            var scanner = JSONScanner(limit: 4_096)
            scanner.append(ByteBuffer(bytes: bytes))
            do {
                while let value = try scanner.next() {
                    guard let envelope = try JSONEnvelope.decode(value) else { continue }
                    decoded += 1
                    var buffer = ByteBuffer()
                    envelope.encode(into: &buffer)
                    let again = try? JSONEnvelope.decode(buffer)
                    #expect(again != nil)
                }
            } catch {
                // Refused: a `JSONProblem` and nothing else, as its type says.
            }
        }
        #expect(decoded > 5_000)
    }
}
