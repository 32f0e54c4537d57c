import HTTPMessages
import LivePage
import Pipeline
import Testing

@testable import TunnelStages

@Suite("What the admin listener can be asked")
struct AdminQuestionTests {
    private static func query(limit: Int = 1_000, search: String? = nil) -> AdminQuery {
        var query = AdminQuery()
        (query.limit, query.search) = (limit, search)
        return query
    }

    private static func prospect() -> ExchangeProspect {
        var prospect = ExchangeProspect(to: Authority(host: "::1", port: 80))
        (prospect.clientName, prospect.address) = ("a b", "10.0.0.1")
        return prospect
    }

    @Test(
        "Paths and methods",
        arguments: [
            ("GET", "/", .page(.page)), ("GET", "/live.js", .page(.script)), ("HEAD", "/livez", .livez),
            ("GET", "/readyz?x=1", .look(.readyz)),
            ("GET", "/metrics", .look(.metrics)), ("GET", "/pipeline", .look(.pipeline)), ("GET", "/sessions", .look(.sessions)),
            ("GET", "/exchanges?limit=5&search=a%20b+c", .look(.exchanges(query(limit: 5, search: "a b c")))),
            ("GET", "/events?search=", .events(query())), ("GET", "/live?limit=10000", .look(.live(query(limit: 10_000)))),
            ("PUT", "/log-level", .setLogLevel), ("GET", "/log-level", .look(.logLevel)), ("POST", "/reload", .change(.reload)),
            ("GET", "/outlook?target=%5B::1%5D:80&client=a+b&address=10.0.0.1", .look(.outlook(prospect()))),
            ("DELETE", "/exchanges/00ab00ab00ab00ab", .change(.endExchange(ExchangeID(digits: "00ab00ab00ab00ab")!))),
            ("DELETE", "/sessions/7", .change(.endSession(7))),
        ] as [(String, String, AdminQuestion)])
    func known(method: String, target: String, question: AdminQuestion) throws {
        #expect(try AdminQuestion(method: method, target: target[...]) == question)
    }

    @Test(
        "What is none of them says what there is",
        arguments: [
            ("GET", "/nowhere", .unknown), ("GET", "/METRICS", .unknown), ("GET", "/metrics/", .unknown), ("GET", "", .unknown),
            ("DELETE", "/exchanges/+0ab00ab00ab00ab", .unknown),
            ("DELETE", "/sessions/-1", .unknown),
            ("DELETE", "/sessions/", .unknown), ("DELETE", "/sessions/1/2", .unknown),
            ("POST", "/metrics", .method(allowed: "GET, HEAD")), ("GET", "/reload", .method(allowed: "POST")),
            ("POST", "/log-level", .method(allowed: "GET, HEAD, PUT")), ("GET", "/sessions/7", .method(allowed: "DELETE")),
            ("GET", "/exchanges?limit=0", .query("'limit' wants a number from 1 to 10000")),
            ("GET", "/exchanges?limit=ten", .query("'limit' wants a number from 1 to 10000")),
            ("GET", "/exchanges?limit", .query("'limit' is no name and value")),
            ("GET", "/exchanges?search=%f", .query("'search=%f' is no name and value")),
            ("GET", "/exchanges?search=%ff", .query("'search=%ff' is no name and value")),
            ("GET", "/outlook", .query("'target' is missing: the host and port that would be asked for")),
            ("GET", "/outlook?target=a%20b", .query("'target' wants a host and port")),
            ("GET", "/outlook?target=a&address=b", .query("'address' wants an address")),
            ("GET", "/outlook?target=a&path=b", .query("there are 'target', 'client' and 'address', not 'path'")),
            ("GET", "/exchanges?order=age", .query("there are 'limit' and 'search', not 'order'")),
        ] as [(String, String, AdminQuestion.Problem)])
    func unknown(method: String, target: String, problem: AdminQuestion.Problem) {
        #expect(throws: problem) { try AdminQuestion(method: method, target: target[...]) }
    }

    @Test("Whatever tells of people is for those who are trusted, and what changes something for operators")
    func audiences() {
        #expect([AdminQuestion.livez, .look(.readyz), .look(.metrics), .look(.pipeline)].allSatisfy { $0.audience == .anybody })
        #expect(
            [
                AdminQuestion.page(.page), .look(.sessions), .look(.exchanges(AdminQuery())), .look(.live(AdminQuery())),
                .events(AdminQuery()), .look(.certificates), .look(.outlook(Self.prospect())),
            ]
            .allSatisfy { $0.audience == .trusted })
        #expect([AdminQuestion.change(.reload), .setLogLevel, .change(.endSession(1))].allSatisfy { $0.audience == .operators })
    }
}
