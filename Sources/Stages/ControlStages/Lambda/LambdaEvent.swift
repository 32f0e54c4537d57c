package import HTTPMessages
package import NIOCore

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// What a function was invoked with, as a request, and how whoever invoked it wants to be answered.
package struct LambdaEvent: Sendable, Equatable {
    /// Who invoked the function.
    package enum Origin: String, Sendable, Equatable {
        /// API Gateway REST, payload format 1.0.
        case gatewayV1
        /// API Gateway HTTP and function URLs, payload format 2.0.
        case gatewayV2
        /// An EventBridge rule or EventBridge Scheduler.
        case schedule
        /// A call of the function itself, with `action` in a JSON object.
        case direct

        /// Whether an answer is an HTTP response with a status, or a value or an error.
        package var isHTTP: Bool { self == .gatewayV1 || self == .gatewayV2 }
    }

    /// Where the event comes from, and so the form of its answer.
    package var origin: Origin
    /// The request that the event stands for.
    package var head: RequestHead
    /// The request's body, decoded.
    package var body: ByteBuffer
    /// The address of the client, or what kind of event it is, for logs.
    package var remote: String
    /// Whether AWS let in only who may: IAM, an API key of the gateway's, an authorizer. Nobody can write that into an event but
    /// AWS, and whoever IAM lets invoke the function itself.
    package var isAuthenticated: Bool

    /// An event that isn't what it seems to be.
    package struct Malformed: Error, Sendable, Equatable {
        /// What is wrong with the event, as a sentence's end.
        package var message: String
        /// Whoever sent it wants an HTTP answer.
        package var origin: Origin
    }

    /// Reads an event of any of the known shapes, a JSON document.
    package init(_ bytes: [UInt8]) throws(Malformed) {
        guard let document = try? JSONDecoder().decode(LambdaEventDocument.self, from: Data(bytes)) else {
            throw Malformed(message: "the event is not a JSON document of a known shape", origin: .direct)
        }
        switch document {
        case .gatewayV1(let event): try self.init(event)
        case .gatewayV2(let event): try self.init(event)
        case .schedule(let name, let reason):
            self.init(origin: .schedule, path: "/", remote: name, reason: reason)
        case .direct(let action, let reason):
            // A name is a path segment or nothing.
            let isName = action.utf8.allSatisfy { (0x61...0x7A).contains($0) || $0 == 0x2D } && action.utf8.count <= 64
            guard isName else { throw Malformed(message: "'action' is no name of an action", origin: .direct) }
            self.init(origin: .direct, path: "/" + action, remote: "direct", reason: reason)
        }
    }

    private init(origin: Origin, path: String, remote: String, reason: String?) {
        self.origin = origin
        self.remote = remote
        isAuthenticated = true
        head = RequestHead(method: "POST", scheme: .https, authority: "lambda", path: path)
        body = ByteBuffer()
        // As an HTTP request would say it.
        guard let reason, let document = try? JSONEncoder().encode(["reason": String(reason.prefix(1_000))]) else { return }
        body.writeBytes(document)
        head.body = .known(Int64(body.readableBytes))
        head.fields.append("Content-Type", "application/json")
    }

    private init(_ event: LambdaEventDocument.GatewayV1) throws(Malformed) {
        var fields = FieldList(origin: .gatewayV1)
        if let multi = event.multiValueHeaders {
            for (name, values) in multi.sorted(by: { $0.key < $1.key }) {
                for value in values ?? [] { try fields.add(name, value ?? "") }
            }
        } else {
            for (name, value) in (event.headers ?? [:]).sorted(by: { $0.key < $1.key }) { try fields.add(name, value ?? "") }
        }
        var pairs: [String] = []
        if let multi = event.multiValueQueryStringParameters {
            for (name, values) in multi.sorted(by: { $0.key < $1.key }) {
                for value in values ?? [] { pairs.append(URLText.pair(name, value ?? "")) }
            }
        } else {
            for (name, value) in (event.queryStringParameters ?? [:]).sorted(by: { $0.key < $1.key }) {
                pairs.append(URLText.pair(name, value ?? ""))
            }
        }
        try self.init(
            origin: .gatewayV1, method: event.httpMethod, path: event.path, query: pairs.joined(separator: "&"), fields: fields,
            body: event.body, isBase64: event.isBase64Encoded ?? false, remote: event.requestContext?.identity?.sourceIp,
            isAuthenticated: Self.isAuthenticated(event.requestContext))
    }

    private static func isAuthenticated(_ context: LambdaEventDocument.GatewayV1.Context?) -> Bool {
        guard let context else { return false }
        let names = [context.identity?.apiKeyId, context.identity?.userArn].compactMap(\.self).filter { !$0.isEmpty }
        return !names.isEmpty || context.authorizer?.isEmpty == false
    }

    private init(_ event: LambdaEventDocument.GatewayV2) throws(Malformed) {
        var fields = FieldList(origin: .gatewayV2)
        for (name, value) in (event.headers ?? [:]).sorted(by: { $0.key < $1.key }) { try fields.add(name, value ?? "") }
        if let cookies = event.cookies, !cookies.isEmpty { try fields.add("cookie", cookies.joined(separator: "; ")) }
        try self.init(
            origin: .gatewayV2, method: event.requestContext.http.method,
            path: event.rawPath ?? event.requestContext.http.path ?? "/",
            query: event.rawQueryString ?? "", fields: fields, body: event.body, isBase64: event.isBase64Encoded ?? false,
            remote: event.requestContext.http.sourceIp, isAuthenticated: event.requestContext.authorizer?.isEmpty == false)
    }

    private init(
        origin: Origin, method: String, path: String, query: String, fields: FieldList, body: String?, isBase64: Bool,
        remote: String?, isAuthenticated: Bool
    ) throws(Malformed) {
        guard !method.isEmpty, method.utf8.count <= 64, method.utf8.allSatisfy(HTTPGrammar.isTokenByte) else {
            throw Malformed(message: "the event's method is no HTTP method", origin: origin)
        }
        let target = query.isEmpty ? path : "\(path)?\(query)"
        guard target.hasPrefix("/"), target.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != 0x23 }) else {
            throw Malformed(message: "the event's path is no path of a URL", origin: origin)
        }
        var bytes = ByteBuffer()
        if let body {
            if isBase64 {
                guard let data = Data(base64Encoded: body) else {
                    throw Malformed(message: "the event's body is not the base64 that it says it is", origin: origin)
                }
                bytes.writeBytes(data)
            } else {
                bytes.writeString(body)
            }
        }
        self.origin = origin
        self.body = bytes
        self.remote = remote ?? "-"
        self.isAuthenticated = isAuthenticated
        head = RequestHead(
            method: method, scheme: .https, authority: fields.host ?? "lambda", path: target,
            body: bytes.readableBytes > 0 ? .known(Int64(bytes.readableBytes)) : .none, fields: fields.fields)
    }
}

/// The fields of an event that mean something beyond the hop that it came by.
private struct FieldList {
    let origin: LambdaEvent.Origin
    var fields = HeaderFields()
    var host: String?

    private static let dropped: Set<String> = [
        "connection", "content-length", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade",
    ]

    init(origin: LambdaEvent.Origin) {
        self.origin = origin
    }

    mutating func add(_ name: String, _ value: String) throws(LambdaEvent.Malformed) {
        let lower = name.lowercased()
        if lower == "host" {
            host = Authority(value).map { _ in value } ?? host
            return
        }
        guard !Self.dropped.contains(lower) else { return }
        guard fields.append(name, value) else {
            throw LambdaEvent.Malformed(message: "a header of the event is no HTTP field", origin: origin)
        }
    }
}

enum URLText {
    static func pair(_ name: String, _ value: String) -> String { "\(encoded(name))=\(encoded(value))" }

    private static func encoded(_ text: String) -> String {
        let digits = Array("0123456789ABCDEF".utf8)
        var result: [UInt8] = []
        for byte in text.utf8 {
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F, 0x7E: result.append(byte)
            default: result += [0x25, digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return String(decoding: result, as: UTF8.self)
    }
}
