import ConfigurationLanguage
import Filters
import HTTPMessages
import Logging
import NIOCore
import Pipeline
import Testing

@testable import TunnelStages

@Suite struct WebSocketStageTests {
    private func problems(_ change: (inout WebSocketConfiguration) -> Void) -> [String] {
        var configuration = WebSocketConfiguration()
        change(&configuration)
        return configuration.validate().map { "\($0.key ?? ""): \($0.message)" }
    }

    @Test func whatAFileCannotSay() {
        #expect(problems { _ in }.isEmpty)
        for path in ["", "tunnel", "/a b", "/a#b", "/ü", "/a\r\nX: y"] {
            #expect(problems { $0.path = path }.count == 1, "\(path)")
        }
        #expect(problems { $0.path = "/a/b?c=%20d" }.isEmpty)
        for host in ["", "a b", "a/b", "a\r\nX: y"] { #expect(problems { $0.host = host }.count == 1, "\(host)") }
        #expect(problems { $0.host = "www.example.org:8443" }.isEmpty)
        var fields = HeaderFields()
        fields.append("sec-websocket-key", "x")
        #expect(
            problems { $0.fields = FieldList(fields) } == ["fields: the field 'Sec-WebSocket-Key' is made anew for each WebSocket"])
    }

    /// The Host field has the port unless that goes without saying.
    @Test(
        arguments: [
            ("www.example.org", 443, ["tls"], "www.example.org"), ("www.example.org", 80, [], "www.example.org"),
            ("www.example.org", 443, [], "www.example.org:443"), ("www.example.org", 8443, ["tls"], "www.example.org:8443"),
            ("2001:db8::1", 80, [], "[2001:db8::1]"),
        ] as [(String, Int, [String], String)])
    func theHostField(_ host: String, _ port: Int, _ between: [String], _ field: String) throws {
        let form = StageForm(.outbound, .outbound)
        var surroundings = StageSurroundings()
        surroundings.after = between.map { .init(name: $0, form: form, traits: []) }
        surroundings.after.append(
            .init(name: "connect", form: StageForm(.outbound, .end), traits: [], dials: .at(HostPort(host: host, port: port))))
        #expect(try client(surroundings).request.host == field)
        #expect(try client(surroundings) { $0.host = "other" }.request.host == "other")
    }

    @Test func aHostThatIsFoundOutLater() throws {
        var surroundings = StageSurroundings()
        surroundings.after = [.init(name: "connect", form: StageForm(.outbound, .end), traits: [], dials: .foundOut)]
        #expect(try client(surroundings).namesDialledHost)
        #expect(try !client(surroundings) { $0.host = "www.example.org" }.namesDialledHost)
    }

    private func client(
        _ surroundings: StageSurroundings, _ change: (inout WebSocketConfiguration) -> Void = { _ in }
    ) throws -> WebSocketClientStage {
        try #require(try make(StageForm(.outbound, .outbound), surroundings, change) as? WebSocketClientStage)
    }

    private func make(
        _ form: StageForm, _ surroundings: StageSurroundings = StageSurroundings(), _ change: (inout WebSocketConfiguration) -> Void
    ) throws -> any Stage {
        var configuration = WebSocketConfiguration()
        change(&configuration)
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        return try WebSocketFactory().make(
            configuration, form: form, context: StageContext(logger: logger, host: .agent, surroundings: surroundings))
    }

    @Test func keysOfTheOtherSide() {
        let server = #expect(throws: StageError.self) {
            try make(StageForm(.inbound, .inbound)) { $0.fields = FieldList() }
        }
        #expect(server?.key == "fields")
        let client = #expect(throws: StageError.self) {
            try make(StageForm(.outbound, .outbound)) { $0.site = .init() }
        }
        #expect(client?.key == "site")
    }
}
