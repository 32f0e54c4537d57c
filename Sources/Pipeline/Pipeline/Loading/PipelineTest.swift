import Addresses
package import ConfigurationLanguage
package import NIOCore

/// One entry of a file's `tests`: a request, and what is expected of the pipeline.
package struct PipelineTest: NestedConfiguration {
    /// `name`: what the test shows.
    package var name = ""
    /// `request`: what the client sends.
    package var request = Request()
    /// `origin`: what the origin answers, where the request reaches it.
    package var origin = Origin()
    /// `times`: how often the request is sent; what is expected is of the last.
    package var times = 1
    /// `expect`: what is expected of the pipeline.
    package var expect = Expectation()

    package init() {}

    package static let schema = Schema<PipelineTest>(
        .required("name", \.name, "What the test shows."),
        .optional("request", \.request, "What the client sends."),
        .optional("origin", \.origin, "What the origin answers, where the request reaches it."),
        .optional("times", \.times, in: 1...100_000, "How often the request is sent; what is expected is of the last."),
        .required("expect", \.expect, "What is expected. What isn't named isn't looked at.")
    )

    /// What the client sends.
    package struct Request: NestedConfiguration {
        /// `method`: the method of the request.
        package var method = "GET"
        /// `url`: the request target in absolute-form (RFC 9112, 3.2.2); host and port for CONNECT.
        package var url = "http://example.com/"
        /// `fields`: the header fields of the request.
        package var fields = ExpectedFields()
        /// `body`: the body as text; empty for none.
        package var body = ""
        /// `client`: who sends it.
        package var client = Client()

        package init() {}

        package static let schema = Schema<Request>(
            .optional("method", \.method, "The method; with CONNECT, `url` is a host and a port."),
            .optional("url", \.url, "The whole URL, as a proxy's client writes it."),
            .optional("fields", \.fields, "Header fields, by name."),
            .optional("body", \.body, "The body, as text."),
            .optional("client", \.client, "Who sends it.")
        )
    }

    /// Who the client is.
    package struct Client: NestedConfiguration {
        /// `address`: the client's address and port.
        package var address = "192.0.2.1:50000"
        /// `common-name`: the common name in the client's certificate.
        package var commonName: String?
        /// `dns-names`: the DNS names in the client's certificate.
        package var dnsNames: [String] = []
        /// `uris`: the URIs in the client's certificate.
        package var uris: [String] = []
        /// `public-key-hash`: SHA-256 of the client's public key, in hexadecimal digits.
        package var publicKeyHash: String?

        package init() {}

        package static let schema = Schema<Client>(
            .optional("address", \.address, "Where it comes from."),
            .optional("common-name", \.commonName, "The common name in its certificate."),
            .optional("dns-names", \.dnsNames, "The DNS names in its certificate."),
            .optional("uris", \.uris, "The URIs in its certificate."),
            .optional("public-key-hash", \.publicKeyHash, "The SHA-256 of its public key, in hexadecimal digits.")
        )

        /// Nil for a client without a certificate.
        package var certificate: PeerIdentity? {
            guard commonName != nil || !dnsNames.isEmpty || !uris.isEmpty || publicKeyHash != nil else { return nil }
            return PeerIdentity(
                subject: commonName.map { "CN=\($0)" } ?? "", commonName: commonName, dnsNames: dnsNames, uris: uris,
                publicKeyHash: publicKeyHash ?? "")
        }
    }

    /// What the origin answers.
    package struct Origin: NestedConfiguration {
        /// `address`: where the origin's name leads; nil leaves rules on networks to hosts that are addresses.
        package var address: OriginAddress?
        /// `status`: the status of the origin's response.
        package var status = 200
        /// `fields`: the header fields of the origin's response.
        package var fields = ExpectedFields()
        /// `body`: the body of the origin's response, as text.
        package var body = ""

        package init() {}

        package static let schema = Schema<Origin>(
            .optional(
                "address", \.address,
                "The address that its name leads to, for rules on networks. Without it they decide on hosts that are addresses only."
            ),
            .optional("status", \.status, in: 200...599, "The status."),
            .optional("fields", \.fields, "Header fields, by name."),
            .optional("body", \.body, "The body, as text.")
        )
    }

    /// What is to come of it.
    package struct Expectation: NestedConfiguration {
        /// `status`: the status that the client gets; nil for any.
        package var status: Int?
        /// `fields`: the fields that the client gets; `*` stands for anything.
        package var fields = ExpectedFields()
        /// `body`: the body that the client gets, where `*` stands for anything; nil for any.
        package var body: String?
        /// `stage`: the stage that answers, or `origin`; nil for any.
        package var stage: String?
        /// `route`: the branch that takes it, `outer/inner` for one within another; nil for any.
        package var route: String?
        /// `identity`: the name of the one who is found to be behind the request; nil for any.
        package var identity: String?
        /// `origin`: what reaches the origin.
        package var origin = Reached()

        package init() {}

        package static let schema = Schema<Expectation>(
            .optional("status", \.status, in: 100...599, "The status that the client gets."),
            .optional(
                "fields", \.fields, "Fields that it gets; a star stands for anything, `~` for a field that must not be there."),
            .optional("body", \.body, "The body that it gets; a star stands for anything."),
            .optional("stage", \.stage, "The stage that answers; `origin` where none of them does."),
            .optional("route", \.route, "The branch that takes it; `outer/inner` for one within another."),
            .optional("identity", \.identity, "The name of the one who is found to be behind the request."),
            .optional("origin", \.origin, "What reaches the origin.")
        )
    }

    /// What is to reach the origin.
    package struct Reached: NestedConfiguration {
        /// `requests`: how many requests reach the origin, retries included; nil for any number.
        package var requests: Int?
        /// `method`: the method of the last request; nil for any.
        package var method: String?
        /// `url`: the URL of the last request, or host and port for CONNECT; nil for any.
        package var url: String?
        /// `fields`: the fields of the last request; `*` stands for anything.
        package var fields = ExpectedFields()
        /// `body`: the body of the last request, where `*` stands for anything; nil for any.
        package var body: String?

        package init() {}

        package static let schema = Schema<Reached>(
            .optional("requests", \.requests, in: 0...1_000, "How many requests reach it, tries of a stage included."),
            .optional("method", \.method, "The method of the last one."),
            .optional("url", \.url, "Its URL; for CONNECT, host and port."),
            .optional(
                "fields", \.fields, "Fields that it has; a star stands for anything, `~` for a field that must not be there."),
            .optional("body", \.body, "Its body; a star stands for anything.")
        )
    }
}

/// A file with nothing but tests, beside the file that they are about.
struct PipelineTestFile: StageConfiguration {
    var tests: [PipelineTest] = []

    static let schema = Schema<PipelineTestFile>(.required("tests", \.tests, "Requests, and what is expected of the pipeline."))
}

/// An IP address, in a test that looks up no name.
package struct OriginAddress: Sendable, Equatable, ScalarConfigurationValue {
    /// The address with port 0.
    package let address: SocketAddress
    package let printed: String

    package static var typeDescription: String { "an address such as 192.0.2.7" }

    package init(configured text: String) throws(InvalidValue) {
        guard let address = IPAddress(text).flatMap({ SocketAddress($0, port: 0) }) else { throw InvalidValue() }
        self.address = address
        printed = text.printed
    }
}

/// Header fields of a test by name; nil stands for a field that isn't there.
package struct ExpectedFields: Sendable, Equatable, ConfigurationValue {
    /// A field's name and value.
    package struct Field: Sendable, Equatable {
        /// The field's name, in the case of the file.
        package var name: String
        /// The value, where an expectation may have `*` for anything; nil for a field that must not be there.
        package var value: String?
    }

    /// The fields in the order of the file.
    package var fields: [Field] = []

    /// No fields.
    package init() {}

    package static var typeDescription: String { "header fields such as { Accept: text/html }" }
    package static var shape: ValueShape { .table(.oneOf([.text, .null])) }

    package static func decode(_ node: ConfigurationNode, in context: DecodingContext) -> ExpectedFields? {
        var result = ExpectedFields()
        switch node.content {
        case .null:
            return result
        case .mapping(let entries):
            for entry in entries {
                switch entry.value.content {
                case .null: result.fields.append(Field(name: entry.key, value: nil))
                case .scalar(let scalar): result.fields.append(Field(name: entry.key, value: scalar.text))
                case .sequence, .mapping:
                    context.report("the field '\(entry.key)' wants a text", at: entry.value)
                    return nil
                }
            }
            return result
        case .scalar, .sequence:
            context.reject(node, wanted: typeDescription)
            return nil
        }
    }

    package var printed: String {
        "{ "
            + fields.map { "\(PlainText.quotedIfNeeded($0.name)): \($0.value.map(PlainText.quotedIfNeeded) ?? "~")" }
            .joined(separator: ", ") + " }"
    }

    /// Those that are there.
    package var present: [(String, String)] { fields.compactMap { field in field.value.map { (field.name, $0) } } }
}
