package import HTTPMessages
package import NIOCore
import Pipeline
import Platform

/// One message of the JSON protocol. Encoded, it is one object on a line of its own.
package enum JSONEnvelope: Sendable, Equatable {
    /// `http_request`: a whole request with its body. `client` names the client's connection to a server of ours, `exchange` is the id that the
    /// exchange has at the agent.
    case httpRequest(
        id: String, method: String, url: String, fields: HeaderFields, body: ByteBuffer, client: UInt64? = nil,
        exchange: UInt64? = nil)
    /// `http_response`: a whole response, or in `error` why there is none; an empty `error` stands for none.
    case httpResponse(id: String, status: Int, fields: HeaderFields, body: ByteBuffer, error: String)
    /// `connect_open`: asks for a TCP connection to a host and port. `exchange` as in `httpRequest`.
    case connectOpen(id: String, address: String, exchange: UInt64? = nil)
    /// `connect_ack`: whether the connection is open, and if it isn't, why.
    case connectAck(id: String, ok: Bool, error: String)
    /// `connect_data`: bytes of an open connection, in Base64 on the wire.
    case connectData(id: String, chunk: ByteBuffer)
    /// `connect_close`: ends a connection both ways; an empty `error` stands for a regular end.
    case connectClose(id: String, error: String)
    /// `ws_open`: asks for a WebSocket to a URL. `client` and `exchange` as in `httpRequest`.
    case webSocketOpen(id: String, url: String, fields: HeaderFields, client: UInt64? = nil, exchange: UInt64? = nil)
    /// `ws_ack`: whether the WebSocket is open, and if it isn't, why.
    case webSocketAck(id: String, ok: Bool, error: String)
    /// `ws_message`: one whole message; `kind` is its opcode (RFC 6455, 5.2).
    case webSocketMessage(id: String, kind: Int, data: ByteBuffer)
    /// `ws_close`: ends a WebSocket with a close code (RFC 6455, 7.4).
    case webSocketClose(id: String, code: Int, error: String)
    /// A server of ours takes nothing new soon, and nothing that its agent has sent is lost if that opens no more. A type that others don't
    /// know, and ignore; the id is nobody's.
    case goingAway(id: String = "0")

    /// The longest id of an exchange, in bytes of UTF-8; a message with a longer one is malformed.
    package static let idLimit = 128

    /// A response in place of the origin's. The reason is its body as well, for agents of the first Fluidity pass on that alone.
    static func failure(id: String, status: Int, _ reason: String) -> JSONEnvelope {
        .httpResponse(
            id: id, status: status, fields: HeaderFields([("Content-Type", "text/plain; charset=utf-8")]),
            body: ByteBuffer(string: reason + "\n"), error: reason)
    }

    // MARK: - Decoding

    /// Reads a message; nil for one of an unknown type, which is ignored.
    package static func decode(_ bytes: ByteBuffer) throws(JSONProblem) -> JSONEnvelope? {
        let value = try JSONValue(parsing: bytes)
        guard let type = value["type"]?.text else { throw .malformed }
        guard let decode = decoders[type] else { return nil }
        guard let payload = value["payload"], let id = payload["id"]?.text, !id.isEmpty, id.utf8.count <= idLimit else {
            throw .malformed
        }
        return try decode(Payload(value: payload, id: id))
    }

    private typealias Decoder = @Sendable (Payload) throws(JSONProblem) -> JSONEnvelope

    private static let decoders: [String: Decoder] = [
        "http_request": { payload throws(JSONProblem) in
            .httpRequest(
                id: payload.id, method: try payload.needed("method"), url: try payload.needed("url"),
                fields: try payload.fields(), body: try payload.data("body"), client: payload.client,
                exchange: payload.exchange)
        },
        "http_response": { payload throws(JSONProblem) in
            .httpResponse(
                id: payload.id, status: try payload.int("status_code"), fields: try payload.fields(),
                body: try payload.data("body"), error: try payload.text("error"))
        },
        "connect_open": { payload throws(JSONProblem) in
            .connectOpen(id: payload.id, address: try payload.needed("address", "host"), exchange: payload.exchange)
        },
        "connect_ack": { payload throws(JSONProblem) in
            .connectAck(id: payload.id, ok: try payload.ok(), error: try payload.text("error"))
        },
        "connect_data": { payload throws(JSONProblem) in
            .connectData(id: payload.id, chunk: try payload.data("chunk", "data"))
        },
        "connect_close": { payload throws(JSONProblem) in
            .connectClose(id: payload.id, error: try payload.text("error"))
        },
        "ws_open": { payload throws(JSONProblem) in
            .webSocketOpen(
                id: payload.id, url: try payload.needed("url"), fields: try payload.fields(), client: payload.client,
                exchange: payload.exchange)
        },
        "ws_ack": { payload throws(JSONProblem) in
            .webSocketAck(id: payload.id, ok: try payload.ok(), error: try payload.text("error"))
        },
        "ws_message": { payload throws(JSONProblem) in
            .webSocketMessage(id: payload.id, kind: try payload.int("message_type"), data: try payload.data("data"))
        },
        "ws_close": { payload throws(JSONProblem) in
            .webSocketClose(id: payload.id, code: try payload.int("code"), error: try payload.text("error"))
        },
        "going_away": { payload throws(JSONProblem) in .goingAway(id: payload.id) },
    ]

    private struct Payload {
        let value: JSONValue
        let id: String

        /// Absent is as good as null.
        private func member(_ names: [String]) -> JSONValue? {
            for name in names {
                if let member = value[name], member != .null { return member }
            }
            return nil
        }

        func text(_ name: String) throws(JSONProblem) -> String {
            guard let member = member([name]) else { return "" }
            guard let text = member.text else { throw .malformed }
            return text
        }

        func needed(_ names: String...) throws(JSONProblem) -> String {
            guard let text = member(names)?.text else { throw .malformed }
            return text
        }

        func int(_ name: String) throws(JSONProblem) -> Int {
            guard let member = member([name]) else { return 0 }
            guard let int = member.int else { throw .malformed }
            return int
        }

        /// The name of the client's connection, in hexadecimal digits, for a number may have no more than 53 bits. What isn't one is
        /// somebody else's member of that name.
        var client: UInt64? { value["client"]?.text.flatMap(ClientConnection.name) }

        /// The exchange's id, likewise.
        var exchange: UInt64? { value["exchange"]?.text.flatMap { ExchangeID(digits: $0)?.rawValue } }

        func ok() throws(JSONProblem) -> Bool {
            guard let ok = member(["ok", "success"])?.bool else { throw .malformed }
            return ok
        }

        func data(_ names: String...) throws(JSONProblem) -> ByteBuffer {
            guard let member = member(names) else { return ByteBuffer() }
            guard let text = member.bytes, let bytes = text.withUnsafeReadableBytes({ Base64.decode($0) }) else { throw .malformed }
            return bytes
        }

        /// Fields that no exchange could have are left out.
        func fields() throws(JSONProblem) -> HeaderFields {
            var fields = HeaderFields()
            guard let map = member(["headers"]) else { return fields }
            guard case .object(let members) = map else { throw .malformed }
            for member in members {
                guard case .array(let values) = member.value else { throw .malformed }
                for value in values {
                    guard let text = value.text else { throw .malformed }
                    fields.append(member.name, text)
                }
            }
            return fields
        }
    }

    // MARK: - Encoding

    /// Writes the message as one JSON object and a line feed.
    package func encode(into buffer: inout ByteBuffer) {
        switch self {
        case .httpRequest(let id, let method, let url, let fields, let body, let client, let exchange):
            Self.begin("http_request", id, &buffer)
            buffer.writeNumber("client", client)
            buffer.writeNumber("exchange", exchange)
            buffer.writeMember("method", method)
            buffer.writeMember("url", url)
            buffer.writeMember("headers", fields)
            if body.readableBytes > 0 { buffer.writeMember("body", body) }
        case .httpResponse(let id, let status, let fields, let body, let error):
            Self.begin("http_response", id, &buffer)
            buffer.writeString(",\"status_code\":\(status)")
            buffer.writeMember("headers", fields)
            if body.readableBytes > 0 { buffer.writeMember("body", body) }
            if !error.isEmpty { buffer.writeMember("error", error) }
        case .connectOpen(let id, let address, let exchange):
            Self.begin("connect_open", id, &buffer)
            buffer.writeNumber("exchange", exchange)
            buffer.writeMember("address", address)
        case .connectAck(let id, let ok, let error):
            Self.begin("connect_ack", id, &buffer)
            buffer.writeString(",\"ok\":\(ok)")
            buffer.writeMember("error", error)
        case .connectData(let id, let chunk):
            Self.begin("connect_data", id, &buffer)
            buffer.writeMember("chunk", chunk)
        case .connectClose(let id, let error):
            Self.begin("connect_close", id, &buffer)
            buffer.writeMember("error", error)
        case .webSocketOpen(let id, let url, let fields, let client, let exchange):
            Self.begin("ws_open", id, &buffer)
            buffer.writeNumber("client", client)
            buffer.writeNumber("exchange", exchange)
            buffer.writeMember("url", url)
            buffer.writeMember("headers", fields)
        case .webSocketAck(let id, let ok, let error):
            Self.begin("ws_ack", id, &buffer)
            buffer.writeString(",\"ok\":\(ok)")
            buffer.writeMember("error", error)
        case .webSocketMessage(let id, let kind, let data):
            Self.begin("ws_message", id, &buffer)
            buffer.writeString(",\"message_type\":\(kind)")
            buffer.writeMember("data", data)
        case .webSocketClose(let id, let code, let error):
            Self.begin("ws_close", id, &buffer)
            buffer.writeString(",\"code\":\(code)")
            buffer.writeMember("error", error)
        case .goingAway(let id): Self.begin("going_away", id, &buffer)
        }
        buffer.writeStaticString("}}\n")
    }

    private static func begin(_ type: StaticString, _ id: String, _ buffer: inout ByteBuffer) {
        buffer.writeStaticString("{\"type\":\"")
        buffer.writeStaticString(type)
        buffer.writeStaticString("\",\"payload\":{\"id\":")
        buffer.writeJSONString(id)
    }
}

extension ByteBuffer {
    fileprivate mutating func writeName(_ name: StaticString) {
        writeStaticString(",\"")
        writeStaticString(name)
        writeStaticString("\":")
    }

    fileprivate mutating func writeMember(_ name: StaticString, _ text: String) {
        writeName(name)
        writeJSONString(text)
    }

    fileprivate mutating func writeMember(_ name: StaticString, _ bytes: ByteBuffer) {
        writeName(name)
        writeInteger(UInt8(ascii: "\""))
        Base64.encode(bytes, into: &self)
        writeInteger(UInt8(ascii: "\""))
    }

    fileprivate mutating func writeNumber(_ name: StaticString, _ number: UInt64?) {
        if let number { writeMember(name, String(number, radix: 16)) }
    }

    /// Values of one name stand in one list, in their order.
    fileprivate mutating func writeMember(_ name: StaticString, _ fields: HeaderFields) {
        writeName(name)
        writeStaticString("{")
        var names: [String] = []
        var values: [String: [String]] = [:]
        for (name, value) in fields.list {
            let key = name.lowercased()
            if values[key] == nil { names.append(name) }
            values[key, default: []].append(value)
        }
        for (index, name) in names.enumerated() {
            if index > 0 { writeStaticString(",") }
            writeJSONString(name)
            writeStaticString(":[")
            for (index, value) in (values[name.lowercased()] ?? []).enumerated() {
                if index > 0 { writeStaticString(",") }
                writeJSONString(value)
            }
            writeStaticString("]")
        }
        writeStaticString("}")
    }
}
