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

    @Test(
        "Paths and methods",
        arguments: [
            ("GET", "/", .page(.page)), ("GET", "/live.js", .page(.script)), ("HEAD", "/livez", .livez),
            ("GET", "/readyz?x=1", .readyz),
            ("GET", "/metrics", .metrics), ("GET", "/pipeline", .pipeline), ("GET", "/sessions", .sessions),
            ("GET", "/exchanges?limit=5&search=a%20b+c", .exchanges(query(limit: 5, search: "a b c"))),
            ("GET", "/events?search=", .events(query())), ("GET", "/live?limit=10000", .live(query(limit: 10_000))),
            ("PUT", "/log-level", .setLogLevel), ("GET", "/log-level", .logLevel), ("POST", "/reload", .reload),
            ("DELETE", "/exchanges/00ab00ab00ab00ab", .endExchange(ExchangeID(digits: "00ab00ab00ab00ab")!)),
            ("DELETE", "/sessions/7", .endSession(7)),
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
            ("GET", "/exchanges?order=age", .query("there are 'limit' and 'search', not 'order'")),
        ] as [(String, String, AdminQuestion.Problem)])
    func unknown(method: String, target: String, problem: AdminQuestion.Problem) {
        #expect(throws: problem) { try AdminQuestion(method: method, target: target[...]) }
    }

    @Test("Whatever tells of people is for those who are trusted, and what changes something for operators")
    func audiences() {
        #expect([AdminQuestion.livez, .readyz, .metrics, .pipeline].allSatisfy { $0.audience == .anybody })
        #expect(
            [
                AdminQuestion.page(.page), .sessions, .exchanges(AdminQuery()), .live(AdminQuery()), .events(AdminQuery()),
                .certificates,
            ]
            .allSatisfy { $0.audience == .trusted })
        #expect([AdminQuestion.reload, .setLogLevel, .endSession(1)].allSatisfy { $0.audience == .operators })
    }
}
