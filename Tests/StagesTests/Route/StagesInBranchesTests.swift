import ConfigurationLanguage
import Stages
import Testing

@testable import Pipeline

/// A stage that takes exchanges works in a branch, and in one of another, without anybody having written a line for that: the example of every
/// one that is registered is put there.
@Suite struct StagesInBranchesTests {
    private static var takers: [any StageFactory] {
        StageRegistry.standard().factories.filter { factory in
            let kind = type(of: factory)
            return kind.forms.contains { $0.input == .exchange && [.exchange, .end].contains($0.output) }
                && HostKind.server.offers.isSuperset(of: kind.needs)
        }
    }

    private static func tree(_ example: String, isSink: Bool) -> String {
        let head = """
            pipeline:
              - accept: { listen: "127.0.0.1:1" }
              - mtls: { certificate: certificate.pem, key: key.pem, ca: ca.pem }
              - http
              - route:
                  branches:
                    - name: outer
                      stages:
                        - route:
                            branches:
                              - name: inner
                                when: { ports: [80] }
                                stages:

            """
        let stages = example.split(separator: "\n").map(String.init) + (isSink ? [] : ["- respond"])
        return head + stages.map { String(repeating: " ", count: 22) + $0 + "\n" }.joined()
    }

    @Test func thereAreSome() { #expect(Self.takers.count >= 12) }

    @Test(arguments: takers.map { type(of: $0).name })
    func everyStageCanStandThere(_ name: String) throws {
        let kind = try #require(Self.takers.map { type(of: $0) }.first { $0.name == name })
        let isSink = kind.forms.contains { $0.input == .exchange && $0.output == .end }
        let loader = ConfigurationLoader(registry: .standard(), environment: [:], checksFiles: false)
        let loaded = try loader.load(text: Self.tree(kind.reference.example, isSink: isSink), file: "tree.yaml", host: .server)
        let inner = try #require(loaded.stages.last?.branches.first?.stages.last?.branches.first)
        #expect(inner.name == "inner" && inner.stages.contains { $0.name == name })
        #expect(inner.stages.first?.form.input == .exchange && inner.stages.last?.form.output == .end)
    }
}
