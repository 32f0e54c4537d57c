import ConfigurationLanguage
import Pipeline
import Stages
import Testing

/// Configurations of filters that are refused, each with the exact text.
@Suite struct FilterConfigurationTests {
    static let refusals: [(String, String)] = [
        (
            "respond: { status: 100 }",
            """
            f.yaml:4:24: error: 'status' must be between 200 and 599, not 100
              - respond: { status: 100 }
                                   ^
            """
        ),
        (
            "respond: { status: 204, body: hello }",
            """
            f.yaml:4:35: error: an answer with status 204 has no body
              - respond: { status: 204, body: hello }
                                              ^
            hint: leave 'body' out
            """
        ),
        (
            "respond: { fields: { Content-Length: 5 } }",
            """
            f.yaml:4:42: error: the field 'Content-Length' is made anew at each hop and can't be set
              - respond: { fields: { Content-Length: 5 } }
                                                     ^
            hint: lengths, 'Host' and what concerns one connection follow from the rest
            """
        ),
        (
            "respond: { fields: { \"bad name\": x } }",
            """
            f.yaml:4:38: error: 'bad name' can't be a field with this value
              - respond: { fields: { "bad name": x } }
                                                 ^
            hint: names are letters, digits and hyphens; values have no line ends or control characters
            """
        ),
        (
            "respond: { fields: [a] }",
            """
            f.yaml:4:24: error: 'fields' wants header fields such as { Cache-Control: no-store }, not a list
              - respond: { fields: [a] }
                                   ^
            """
        ),
        (
            "circuit-breaker: { rate: 0 }",
            """
            f.yaml:4:30: error: 'rate' must be between 0.01 and 1, not 0
              - circuit-breaker: { rate: 0 }
                                         ^
            """
        ),
        (
            "circuit-breaker: { statuses: [200] }",
            """
            f.yaml:4:34: error: 200 is no status of a failure
              - circuit-breaker: { statuses: [200] }
                                             ^
            hint: failures have statuses between 400 and 599
            """
        ),
        (
            "circuit-breaker: { windw: 5s }",
            """
            f.yaml:4:24: error: 'circuit-breaker' has no key 'windw'
              - circuit-breaker: { windw: 5s }
                                   ^
            hint: did you mean 'window'?
            """
        ),
        (
            "retry: { attempts: 1 }",
            """
            f.yaml:4:24: error: 'attempts' must be between 2 and 10, not 1
              - retry: { attempts: 1 }
                                   ^
            """
        ),
        (
            "retry: { statuses: [], failures: false }",
            """
            f.yaml:4:38: error: nothing is retried
              - retry: { statuses: [], failures: false }
                                                 ^
            hint: set 'failures' to true, or name 'statuses'
            """
        ),
        (
            "retry: { delay: 5s, max-delay: 1s }",
            """
            f.yaml:4:21: error: 'delay' is longer than 'max-delay'
              - retry: { delay: 5s, max-delay: 1s }
                                ^
            """
        ),
        (
            "compress: { level: 10 }",
            """
            f.yaml:4:24: error: 'level' must be between 1 and 9, not 10
              - compress: { level: 10 }
                                   ^
            """
        ),
        (
            "compress: { types: [\"text/*\", \"*\"] }",
            """
            f.yaml:4:24: error: '*' is no type of a body
              - compress: { types: ["text/*", "*"] }
                                   ^
            hint: write a type such as application/json, with one star at most: text/*, application/*+json
            """
        ),
        (
            "compress: { types: text/html }",
            """
            f.yaml:4:24: error: 'types' wants a list, each entry a text, not 'text/html'
              - compress: { types: text/html }
                                   ^
            hint: write a list, even of one: [text/html]
            """
        ),
        (
            "fault: {}",
            """
            f.yaml:4:5: error: no fault is named
              - fault: {}
                ^
            hint: name one or more of latency, abort, truncate, throttle and corrupt
            """
        ),
        (
            "fault: { abort: { probability: 1.5 } }",
            """
            f.yaml:4:36: error: 'probability' must be between 0 and 1, not 1.5
              - fault: { abort: { probability: 1.5 } }
                                               ^
            """
        ),
        (
            "fault: { corrupt: { of: reply } }",
            """
            f.yaml:4:29: error: 'of' wants one of request, response, both, not 'reply'
              - fault: { corrupt: { of: reply } }
                                        ^
            """
        ),
    ]

    private func refusal(_ stage: String) -> String {
        let isSink = stage.hasPrefix("respond")
        let text = """
            pipeline:
              - accept: { listen: "127.0.0.1:0" }
              - http: { mode: origin }
              - \(stage)

            """ + (isSink ? "" : "  - respond: {}\n")
        do {
            _ = try ConfigurationLoader(registry: .standard(), environment: [:]).load(text: text, file: "f.yaml", host: .agent)
            return "accepted"
        } catch {
            // What a stage says of its place is no matter here.
            return error.errors.filter { $0.severity == .error }.map(\.description).joined(separator: "\n")
        }
    }

    @Test(arguments: refusals) func refusal(_ stage: String, _ expected: String) {
        #expect(refusal(stage) == expected)
    }

    @Test(arguments: [
        "respond: {}", "respond: { status: 503, body: later, fields: { Retry-After: 5, X-A: [a, b] } }",
        "fault: { abort: {} }",
        "fault: { seed: 7, hosts: [\"*.test\"], latency: { delay: 1s, jitter: 2s }, truncate: { after: 1KiB, of: both } }",
        "circuit-breaker: {}", "retry: {}", "compress: {}", "compress: { types: [\"text/*\", application/json], memory: 8MiB }",
    ]) func acceptance(_ stage: String) {
        #expect(refusal(stage) == "accepted")
    }
}
