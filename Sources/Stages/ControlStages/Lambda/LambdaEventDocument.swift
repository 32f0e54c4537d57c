/// The events that functions are invoked with, as they are written. Which one it is follows from the keys that only it has.
enum LambdaEventDocument: Decodable {
    case gatewayV1(GatewayV1)
    case gatewayV2(GatewayV2)
    /// What kind of event it is, and why it was sent.
    case schedule(String, reason: String?)
    /// The action that it names, or nothing, and why.
    case direct(String, reason: String?)

    struct GatewayV1: Decodable {
        var path: String
        var httpMethod: String
        var headers: [String: String?]?
        var multiValueHeaders: [String: [String?]?]?
        var queryStringParameters: [String: String?]?
        var multiValueQueryStringParameters: [String: [String?]?]?
        var body: String?
        var isBase64Encoded: Bool?
        var requestContext: Context?

        struct Context: Decodable {
            var identity: Identity?
            var authorizer: Authorizer?
        }

        struct Identity: Decodable {
            var sourceIp: String?
            /// Of the key that the method demands; nil for a method that demands none, whatever the request has.
            var apiKeyId: String?
            /// Where IAM let the caller in.
            var userArn: String?
        }
    }

    /// What an authorizer found out: IAM, a token, a function. Only whether there was one counts.
    struct Authorizer: Decodable {
        var isEmpty: Bool

        private struct Name: CodingKey {
            var stringValue: String
            var intValue: Int? { nil }
            init?(stringValue: String) { self.stringValue = stringValue }
            init?(intValue: Int) { nil }
        }

        init(from decoder: any Decoder) throws {
            isEmpty = try decoder.container(keyedBy: Name.self).allKeys.isEmpty
        }
    }

    struct GatewayV2: Decodable {
        var rawPath: String?
        var rawQueryString: String?
        var headers: [String: String?]?
        var cookies: [String]?
        var body: String?
        var isBase64Encoded: Bool?
        var requestContext: Context

        struct Context: Decodable {
            var http: Request
            var authorizer: Authorizer?
        }

        struct Request: Decodable {
            var method: String
            var path: String?
            var sourceIp: String?
        }
    }

    private enum Key: String, CodingKey {
        case httpMethod
        case requestContext
        case detailType = "detail-type"
        case source
        case schedule
        case action
        case reason
    }

    private struct ContextKeys: Decodable { var http: Anything? }
    private struct Anything: Decodable { init(from decoder: any Decoder) throws {} }

    init(from decoder: any Decoder) throws {
        // `null`, a number, a text, a list: whoever invokes a function directly may say nothing.
        guard let container = try? decoder.container(keyedBy: Key.self) else {
            self = .direct("", reason: nil)
            return
        }
        if container.contains(.httpMethod) {
            self = .gatewayV1(try GatewayV1(from: decoder))
        } else if let context = try? container.decode(ContextKeys.self, forKey: .requestContext), context.http != nil {
            self = .gatewayV2(try GatewayV2(from: decoder))
        } else if container.contains(.detailType) {
            let name = try container.decode(String.self, forKey: .detailType)
            self = .schedule(name, reason: Self.reason(container))
        } else if container.contains(.action) {
            self = .direct(try container.decodeIfPresent(String.self, forKey: .action) ?? "", reason: Self.reason(container))
        } else if container.contains(.schedule) || container.contains(.source) || container.contains(.reason) {
            self = .schedule("Scheduled Event", reason: Self.reason(container))
        } else {
            self = .direct("", reason: nil)
        }
    }

    /// What a schedule's input says: its `reason`, or its `source` where that isn't AWS's own.
    private static func reason(_ container: KeyedDecodingContainer<Key>) -> String? {
        if let reason = try? container.decodeIfPresent(String.self, forKey: .reason) { return reason }
        let source = (try? container.decodeIfPresent(String.self, forKey: .source)).flatMap(\.self)
        return source?.hasPrefix("aws.") == false ? source : nil
    }
}
