import ConfigurationLanguage
import Foundation
import Stages
import Testing

@testable import Pipeline

/// Configurations with branches in `Fixtures/branches`, each beside the exact text that it is refused with, or the warnings that it gives.
/// Setting `FLUIDITY_RECORD_GOLDEN` writes that text anew, to be read before it is committed.
@Suite struct BranchConfigurationTests {
    static let fixtures = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appendingPathComponent("Fixtures/branches").path

    static var names: [String] {
        let files = (try? FileManager.default.contentsOfDirectory(atPath: fixtures)) ?? []
        return files.filter { $0.hasSuffix(".yaml") }.map { String($0.dropLast(".yaml".count)) }.sorted()
    }

    @Test(arguments: names)
    func report(_ name: String) throws {
        let golden = "\(Self.fixtures)/\(name).expected"
        let loader = ConfigurationLoader(registry: .standard(), environment: [:])
        var text: String
        do {
            let loaded = try loader.load(path: "\(Self.fixtures)/\(name).yaml", host: nil)
            text = loaded.warnings.map(\.description).joined(separator: "\n")
            #expect(!text.isEmpty, "neither an error nor a warning")
        } catch {
            text = error.description
        }
        text = text.replacingOccurrences(of: Self.fixtures + "/", with: "") + "\n"
        if ProcessInfo.processInfo.environment["FLUIDITY_RECORD_GOLDEN"] != nil {
            try text.write(toFile: golden, atomically: true, encoding: .utf8)
        }
        #expect(try text == String(contentsOfFile: golden, encoding: .utf8))
    }

    @Test func thereAreSome() { #expect(Self.names.count >= 12) }

    // MARK: - Paths

    private static let text = """
        pipeline:
          - entrances:
              ways:
                - { name: proxy, stages: [{ accept: { listen: "127.0.0.1:8080" } }, http] }
                - { name: database, stages: [{ accept: { listen: "127.0.0.1:5432" } }, { forward: { to: "db.internal:5432" } }] }
          - route:
              branches:
                - { name: near, when: { hosts: ["*.near.example"] }, stages: [{ fetch: { destinations: any } }] }
                - name: far-away
                  stages:
                    - respond
                    
        """

    private static func load(_ overrides: [String] = [], environment: [String: String] = [:]) throws -> LoadedConfiguration {
        try ConfigurationLoader(registry: .standard(), environment: environment).load(
            text: text, file: "tree.yaml", host: nil, overrides: overrides.compactMap(ConfigurationOverride.init(argument:)))
    }

    @Test(arguments: [
        (
            "pipeline.route.branches.far-away.stages.respond.status=404",
            "FLUIDITY_PIPELINE_ROUTE_BRANCHES_FAR_AWAY_STAGES_RESPOND_STATUS", "404", "respond", "status"
        ),
        (
            "pipeline.route.branches.2.stages.1.status=404", "FLUIDITY_PIPELINE_ROUTE_BRANCHES_FAR_AWAY_STAGES_RESPOND_1_STATUS",
            "404", "respond", "status"
        ),
        (
            "pipeline.2.branches.near.stages.fetch.destinations=[10.0.0.0/8]",
            "FLUIDITY_PIPELINE_ROUTE_BRANCHES_NEAR_STAGES_FETCH_DESTINATIONS", "[10.0.0.0/8]", "fetch", "destinations"
        ),
        (
            "pipeline.entrances.ways.database.stages.forward.to=a.test:1",
            "FLUIDITY_PIPELINE_ENTRANCES_WAYS_DATABASE_STAGES_FORWARD_TO", "a.test:1", "forward", "to"
        ),
    ])
    func pathsLeadIntoBranches(_ argument: String, _ variable: String, _ value: String, _ stage: String, _ key: String) throws {
        let (before, after) = (try Self.load(), try Self.load([argument]))
        let fromOutside = try Self.load(environment: [variable: value])
        func setting(_ loaded: LoadedConfiguration) -> ConfigurationSetting? {
            loaded.allStages.first { $0.name == stage }?.placedSettings.first { $0.path == key }
        }
        #expect(setting(before)?.value != value)
        #expect(setting(after)?.value.replacing("\"", with: "") == value)
        #expect(setting(fromOutside)?.value == setting(after)?.value)
        #expect(setting(fromOutside)?.origin == .environment(variable: variable))
        #expect(fromOutside.warnings.isEmpty)
        #expect(!before.runs(like: after))
    }

    @Test func conditionsCanBeSetToo() throws {
        let loaded = try Self.load(["pipeline.route.branches.near.when.hosts=[\"*.other.example\"]"])
        let route = try #require(loaded.stages[1].configuration as? RouteConfiguration)
        #expect(route.branches[0].when.hosts == ["*.other.example"])
        #expect(route.branches.map(\.name) == ["near", "far-away"])
    }

    @Test(arguments: [
        ("pipeline.route.branches.nere.stages.fetch.destinations=any", "the list has no entry 'nere'", "near"),
        ("pipeline.route.branches.near.stages.fetsch.destinations=any", "the list has no entry 'fetsch'", "fetch"),
        ("pipeline.route.branches.near=any", "there are no keys to set in a list", ""),
        ("pipeline.route.branches.near.stages.fetch.destination=any", "'fetch' has no key 'destination'", "destinations"),
    ])
    func wrongPaths(_ argument: String, _ message: String, _ hint: String) {
        let error = #expect(throws: ConfigurationErrors.self) { try Self.load([argument]) }
        #expect(error?.description.contains(message) == true, "\(error?.description ?? "-")")
        #expect(hint.isEmpty || error?.description.contains(hint) == true, "\(error?.description ?? "-")")
    }

    @Test func stagesOfBranchesAreAmongAll() throws {
        let loaded = try Self.load()
        #expect(
            loaded.allStages.map(\.name) == ["entrances", "accept", "http", "accept", "forward", "route", "fetch", "respond"])
        #expect(loaded.stages.map(\.name) == ["entrances", "route"])
        #expect(loaded.listeners.map(\.name) == ["accept", "accept"])
    }
}
