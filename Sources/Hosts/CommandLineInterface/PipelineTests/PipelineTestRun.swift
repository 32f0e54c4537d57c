package import ConfigurationLanguage
import HTTPMessages
package import Logging
import NIOCore
package import Pipeline
import Rehearsal

/// Runs one test of a pipeline, on stages that were made for it alone.
package struct PipelineTestRun {
    private let configuration: LoadedConfiguration
    private let tests: LoadedTests
    private let index: Int
    private let logger: Logger

    /// A run of the test with that index, from 0.
    package init(_ configuration: LoadedConfiguration, _ tests: LoadedTests, _ index: Int, logger: Logger) {
        self.configuration = configuration
        self.tests = tests
        self.index = index
        self.logger = logger
    }

    private var test: PipelineTest { tests.tests[index] }

    /// What isn't as it is expected, each at its place.
    package func findings() async throws -> [ConfigurationError] {
        guard let request = Self.request(test.request) else {
            return [
                finding(
                    "'\(test.request.url)' is no URL that a client could ask for", "request.url",
                    hint: "write http://HOST/PATH; for CONNECT, HOST:PORT")
            ]
        }
        let rehearsal = try await RehearsedStages(configuration, logger: logger).begin()
        let client = RehearsedClient(remote: test.request.client.address, certificate: test.request.client.certificate)
        let response = Self.response(test.origin)
        do {
            var outcome: RehearsedOutcome?
            for _ in 0..<test.times {
                outcome = try await rehearsal.perform(
                    request, from: client, origin: test.origin.address?.address, script: { _, _ in response })
            }
            await rehearsal.end()
            return outcome.map(compare) ?? []
        } catch let error as RehearsalError {
            await rehearsal.end()
            return [finding(error.description, "name")]
        }
    }

    private static func request(_ request: PipelineTest.Request) -> RehearsedRequest? {
        RequestHead(
            method: request.method, url: request.url, fields: HeaderFields(request.fields.present),
            bodyBytes: request.body.utf8.count
        ).map { RehearsedRequest($0, body: request.body.isEmpty ? [] : [ByteBuffer(string: request.body)]) }
    }

    private static func response(_ origin: PipelineTest.Origin) -> RehearsedResponse {
        let length = origin.body.utf8.count
        return RehearsedResponse(
            ResponseHead(
                status: origin.status, body: .known(Int64(length)), fields: HeaderFields(origin.fields.present)),
            body: length == 0 ? [] : [ByteBuffer(string: origin.body)])
    }

    // MARK: - What is expected

    private func compare(_ outcome: RehearsedOutcome) -> [ConfigurationError] {
        let expect = test.expect
        var findings: [ConfigurationError] = []
        let reason = outcome.failure.map { ": \($0.message)" } ?? ""
        let answer = outcome.stage ?? "origin"
        guard let response = outcome.response, outcome.isComplete else {
            return [finding("the client gets no whole response\(reason)", "name")]
        }
        if let status = expect.status, status != response.head.status {
            findings.append(
                finding("the status is \(response.head.status), from '\(answer)', not \(status)\(reason)", "expect.status"))
        }
        if let stage = expect.stage, stage != answer {
            findings.append(finding("'\(answer)' answers, not '\(stage)'\(reason)", "expect.stage"))
        }
        compare(expect.fields, with: response.head.fields, "the response", "expect.fields", &findings)
        if let body = expect.body, !Self.matches(response.body.text, body) {
            findings.append(finding("the body is \(Self.shown(response.body.text))", "expect.body"))
        }
        if let route = expect.route, route != outcome.route {
            findings.append(
                finding(
                    outcome.route.map { "the branch '\($0)' takes it, not '\(route)'" } ?? "no branch takes it, so not '\(route)'",
                    "expect.route"))
        }
        if let identity = expect.identity, outcome.identity?.name != identity {
            findings.append(
                finding(
                    outcome.identity.map { "the request is from '\($0.name)', not from '\(identity)'" }
                        ?? "nobody has found out who the request is from", "expect.identity"))
        }
        compare(expect.origin, with: outcome.reached, &findings)
        return findings
    }

    private func compare(
        _ expect: PipelineTest.Reached, with reached: [RehearsedRequest], _ findings: inout [ConfigurationError]
    ) {
        if let requests = expect.requests, requests != reached.count {
            findings.append(
                finding("\(reached.count) requests reach the origin, not \(requests)", "expect.origin.requests"))
        }
        let wants = expect.method != nil || expect.url != nil || expect.body != nil || !expect.fields.fields.isEmpty
        guard wants else { return }
        guard let last = reached.last else {
            return findings.append(finding("no request reaches the origin", "expect.origin"))
        }
        if let method = expect.method, method != last.head.method {
            findings.append(finding("the origin gets the method \(last.head.method)", "expect.origin.method"))
        }
        if let url = expect.url, url != last.head.url {
            findings.append(finding("the origin gets the URL \(last.head.url)", "expect.origin.url"))
        }
        compare(expect.fields, with: last.head.fields, "what reaches the origin", "expect.origin.fields", &findings)
        if let body = expect.body, !Self.matches(last.body.text, body) {
            findings.append(finding("the origin gets the body \(Self.shown(last.body.text))", "expect.origin.body"))
        }
    }

    private func compare(
        _ expected: ExpectedFields, with fields: HeaderFields, _ what: String, _ key: String,
        _ findings: inout [ConfigurationError]
    ) {
        for field in expected.fields {
            let values = fields[field.name]
            guard let value = field.value else {
                if let found = values.first {
                    findings.append(finding("\(what) has the field '\(field.name)': \(Self.shown(found))", key))
                }
                continue
            }
            guard !values.contains(where: { Self.matches($0, value) }) else { continue }
            findings.append(
                finding(
                    values.isEmpty
                        ? "\(what) has no field '\(field.name)'"
                        : "\(what) has '\(field.name)': \(values.map(Self.shown).joined(separator: ", "))", key))
        }
    }

    private func finding(_ message: String, _ key: String, hint: String? = nil) -> ConfigurationError {
        tests.finding(message, test: index, key: key, hint: hint)
    }

    private static func shown(_ text: String) -> String {
        let line = text.replacing("\n", with: "\\n")
        return "'\(line.count <= 120 ? line : line.prefix(117) + "...")'"
    }

    /// Whether a text is what a pattern says, in which each star stands for any text.
    package static func matches(_ text: String, _ pattern: String) -> Bool {
        guard pattern.contains("*") else { return text == pattern }
        let pieces = pattern.split(separator: "*", omittingEmptySubsequences: false)
        guard text.hasPrefix(pieces[0]), let last = pieces.last else { return false }
        var rest = text.dropFirst(pieces[0].count)
        for piece in pieces.dropFirst().dropLast() where !piece.isEmpty {
            guard let found = rest.firstRange(of: piece) else { return false }
            rest = rest[found.upperBound...]
        }
        return rest.count >= last.count && rest.hasSuffix(last)
    }
}
