package import HTTPMessages
package import NIOCore

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// What the Runtime API is told about an invocation.
package enum LambdaReply: Sendable, Equatable {
    /// The function's result, a JSON document.
    case response([UInt8])
    /// The function's error: a name for the kind, and a text.
    case failure(type: String, message: String)

    /// The largest answer that Lambda takes, in bytes.
    package static let limit = 6_291_556

    /// An exchange's whole answer, in the shape that the event's sender wants.
    package init(_ head: ResponseHead, _ body: ByteBuffer, to origin: LambdaEvent.Origin) {
        guard origin.isHTTP else {
            // For whom a status means nothing: a value, or an error that is retried, counted and alarmed on.
            let text = String(buffer: body)
            if (200..<300).contains(head.status) {
                let isJSON = head.fields.first("Content-Type")?.hasPrefix("application/json") ?? false
                self = .response(isJSON && !text.isEmpty ? Array(text.utf8) : Self.encoded(text))
            } else {
                let error = try? JSONDecoder().decode(ErrorBody.self, from: Data(body.readableBytesView))
                self = .failure(type: error?.code ?? "Status\(head.status)", message: error?.message ?? head.reason)
            }
            return
        }
        var answer = HTTPAnswer(statusCode: head.status)
        for (name, value) in head.fields.list {
            let key = answer.headers.keys.first { $0.lowercased() == name.lowercased() } ?? name
            if name.lowercased() == "set-cookie" {
                if origin == .gatewayV2 { answer.cookies = (answer.cookies ?? []) + [value] }
                if origin == .gatewayV1 {
                    answer.multiValueHeaders = ["Set-Cookie": (answer.multiValueHeaders?["Set-Cookie"] ?? []) + [value]]
                }
                continue
            }
            answer.headers[key] = answer.headers[key].map { "\($0), \(value)" } ?? value
        }
        if let text = String(validating: body.readableBytesView, as: UTF8.self) {
            answer.body = text
        } else {
            answer.body = Data(body.readableBytesView).base64EncodedString()
            answer.isBase64Encoded = true
        }
        self = .response(Self.encoded(answer))
    }

    /// An event that could not even become an exchange.
    package init(_ problem: LambdaEvent.Malformed) {
        guard problem.origin.isHTTP else {
            self = .failure(type: "bad_event", message: problem.message)
            return
        }
        let body = Self.encoded(ErrorBody(code: "bad_event", message: problem.message))
        var answer = HTTPAnswer(statusCode: 400)
        answer.headers["Content-Type"] = "application/json"
        answer.body = String(decoding: body, as: UTF8.self)
        self = .response(Self.encoded(answer))
    }

    /// What the error calls of the Runtime API want.
    package static func errorDocument(type: String, message: String) -> [UInt8] {
        encoded(ErrorDocument(errorMessage: message, errorType: type))
    }

    private static func encoded(_ value: some Encodable) -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return (try? encoder.encode(value)).map { Array($0) } ?? Array("null".utf8)
    }

    private struct HTTPAnswer: Encodable {
        var statusCode: Int
        var headers: [String: String] = [:]
        var multiValueHeaders: [String: [String]]?
        var cookies: [String]?
        var body = ""
        var isBase64Encoded = false
    }

    private struct ErrorBody: Codable {
        var code: String
        var message: String
    }

    private struct ErrorDocument: Encodable {
        var errorMessage: String
        var errorType: String
        var stackTrace: [String] = []
    }
}
