import ConfigurationLanguage
import Foundation
import Stages
import Testing

@testable import Pipeline

/// What `- include: FILE` means in lists of stages, rules and branches. The files of each test stand in a folder of its own.
@Suite final class InclusionTests {
    private let folder: String

    init() throws {
        folder = FileManager.default.temporaryDirectory.appendingPathComponent("inclusion-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: "\(folder)/parts/deep", withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: folder) }

    private func write(_ name: String, _ text: String) throws {
        try text.write(toFile: "\(folder)/\(name)", atomically: true, encoding: .utf8)
    }

    private func load(
        _ files: [String: String], _ overrides: [String] = [], environment: [String: String] = [:], checksFiles: Bool = false
    ) throws -> LoadedConfiguration {
        for (name, text) in files { try write(name, text) }
        return try ConfigurationLoader(registry: .standard(), environment: environment, checksFiles: checksFiles).load(
            path: "\(folder)/main.yaml", host: nil, overrides: overrides.compactMap(ConfigurationOverride.init(argument:)))
    }

    /// What is said of files that can't be used, with the folder's name taken out.
    private func refusal(_ files: [String: String], environment: [String: String] = [:], checksFiles: Bool = false) -> String {
        do {
            let loaded = try load(files, environment: environment, checksFiles: checksFiles)
            return "accepted: \(loaded)"
        } catch {
            return "\(error)".replacingOccurrences(of: folder + "/", with: "")
        }
    }

    private static let source = "pipeline:\n  - accept: { listen: \"127.0.0.1:1\" }\n  - http\n"

    // MARK: - Where it can stand

    @Test func inTheMainListInBranchesInRulesAndAmongBranches() throws {
        let loaded = try load([
            "main.yaml": """
            pipeline:
              - include: parts/in.yaml
              - egress: { rules: [{ include: parts/rules.yaml }, { allow: { ports: [443] } }] }
              - route:
                  branches:
                    - name: near
                      when: { hosts: ["*.near.example"] }
                      stages: [{ include: parts/out.yaml }]
                    - include: parts/deep/branches.yaml
            """,
            "parts/in.yaml": "- accept: { listen: \"127.0.0.1:1\" }\n- http\n",
            "parts/rules.yaml": "- deny: { networks: [10.0.0.0/8] }\n- deny: { ports: [25] }\n",
            "parts/out.yaml": "- retry\n- fetch: { destinations: any }\n",
            "parts/deep/branches.yaml": "- name: far\n  stages:\n    - include: ../out.yaml\n- { name: none, stages: [respond] }\n",
        ])
        #expect(
            loaded.allStages.map(\.name) == ["accept", "http", "egress", "route", "retry", "fetch", "retry", "fetch", "respond"])
        let egress = try #require(loaded.stages[2].configuration as? EgressConfiguration)
        #expect(egress.rules.map { $0.place?.description } == ["rules.yaml:1", "rules.yaml:2", "main.yaml:3"])
        let route = try #require(loaded.stages[3].configuration as? RouteConfiguration)
        #expect(route.branches.map(\.name) == ["near", "far", "none"])
        #expect(route.branches.map { $0.place?.description } == ["main.yaml:6", "branches.yaml:1", "branches.yaml:4"])
        let places = loaded.allStages.map { loaded.place(of: $0)?.replacing(folder + "/", with: "") ?? "-" }
        #expect(
            places == [
                "parts/in.yaml:1", "parts/in.yaml:2", "main.yaml:3", "main.yaml:4", "parts/out.yaml:1", "parts/out.yaml:2",
                "parts/deep/../out.yaml:1", "parts/deep/../out.yaml:2", "parts/deep/branches.yaml:4",
            ])
    }

    @Test func pathsAndReferencesStartFromTheIncludedFile() throws {
        let loaded = try load(
            [
                "main.yaml": Self.source + "  - include: ${env:WHERE}/out.yaml\n",
                "parts/out.yaml":
                    "- auth: { methods: [{ basic: { users: users.txt } }] }\n- respond: { body: \"${file:body.txt}\" }\n",
                "parts/users.txt": "a:b\n", "parts/body.txt": "from the parts\n",
            ], environment: ["WHERE": "parts"], checksFiles: true)
        #expect(loaded.description.contains("\(folder)/parts/users.txt"), "\(loaded)")
        let respond = try #require(loaded.stages.last?.placedSettings.first { $0.path == "body" })
        #expect(respond.value.contains("from the parts"))
        #expect(loaded.words(for: respond.origin).hasSuffix("/parts/out.yaml:2"))
    }

    @Test func pathsOfOverridesAndVariablesLeadIntoWhatIsIncluded() throws {
        let files = [
            "main.yaml": Self.source + "  - route: { branches: [{ include: parts/branches.yaml }] }\n",
            "parts/branches.yaml": "- { name: far, stages: [{ respond: { status: 200 } }] }\n",
        ]
        let variable = "FLUIDITY_PIPELINE_ROUTE_BRANCHES_FAR_STAGES_RESPOND_STATUS"
        for loaded in [
            try load(files, ["pipeline.route.branches.far.stages.respond.status=404"]),
            try load(files, environment: [variable: "404"]),
        ] {
            #expect(loaded.allStages.last?.placedSettings.first { $0.path == "status" }?.value == "404")
        }
    }

    @Test func aChangeOfAnIncludedFileIsAChange() throws {
        let main = Self.source + "  - include: parts/out.yaml\n"
        let before = try load(["main.yaml": main, "parts/out.yaml": "- respond: { status: 200 }\n"])
        let after = try load(["main.yaml": main, "parts/out.yaml": "- respond: { status: 404 }\n"])
        #expect(!before.runs(like: after) && before.texts != after.texts && before.texts[0] == after.texts[0])
    }

    @Test func aFileMayBeIncludedSeveralTimes() throws {
        let loaded = try load([
            "main.yaml": Self.source + """
                  - route:
                      branches:
                        - { name: a, when: { ports: [1] }, stages: [{ include: parts/out.yaml }] }
                        - { name: b, stages: [{ include: parts/out.yaml }] }
                """,
            "parts/out.yaml": "- retry\n- respond\n",
        ])
        #expect(loaded.allStages.map(\.name) == ["accept", "http", "route", "retry", "respond", "retry", "respond"])
    }

    // MARK: - What is wrong

    @Test func errorsNameThePlaceInTheIncludedFile() {
        let text = refusal([
            "main.yaml": Self.source + "  - include: parts/out.yaml\n",
            "parts/out.yaml": "# a comment\n- retri\n- fetch: { destination: any }\n",
        ])
        #expect(text.contains("parts/out.yaml:2:3: error: there is no stage 'retri'"), "\(text)")
        #expect(text.contains("- retri\n  ^"), "the line is shown: \(text)")
        #expect(text.contains("parts/out.yaml:3:12: error: 'fetch' has no key 'destination'"), "\(text)")
    }

    @Test func aPlaceInAnotherFileHasThatFilesName() {
        let text = refusal([
            "main.yaml": Self.source + "  - fetch\n  - include: parts/out.yaml\n", "parts/out.yaml": "- respond\n",
        ])
        #expect(text.contains("parts/out.yaml:1:3: error: 'respond' can't come after 'fetch' (main.yaml:4)"), "\(text)")
    }

    @Test func secretsOfIncludedFilesAreNotShown() {
        for bad in ["\"", "nonsense: 1"] {
            let text = refusal([
                "main.yaml": Self.source + "  - include: parts/out.yaml\n  - fetch\n",
                "parts/out.yaml":
                    "- auth: { methods: [{ bearer: { tokens: [{ name: a, token: hunter2hunter2 }], \(bad) } }] }\n",
            ])
            #expect(text.contains("parts/out.yaml:1"), "\(text)")
            #expect(!text.contains("hunter2"), "\(text)")
        }
    }

    @Test(arguments: ["- include: missing.yaml", "- { include: parts/out.yaml, KEYS }", "- include: parts/mapping.yaml"])
    func secretsBesideWhatCantBeIncludedAreNotShown(_ entry: String) {
        let keys =
            "auth: { methods: [{ api-key: { header: X-Key, keys: [{ name: \"${env:NOWHERE}\", key: hunter2-hunter2-hunter2 }] } }] }"
        let text = refusal([
            "main.yaml": Self.source + "  - \(keys)\n  \(entry.replacing("KEYS", with: keys))\n  - fetch\n",
            "parts/out.yaml": "- retry\n", "parts/mapping.yaml": "key: hunter2-hunter2-hunter2\n",
        ])
        #expect(text.contains("'NOWHERE' is not set") && text.contains("include"), "\(text)")
        #expect(text.contains("main.yaml:4") && !text.contains("hunter2"), "\(text)")
    }

    @Test func aLinkIsReadFromTheFolderThatItStandsIn() throws {
        try write("parts/deep/body.txt", "from the deep")
        try FileManager.default.createSymbolicLink(atPath: "\(folder)/parts/deep/out.yaml", withDestinationPath: "../out.yaml")
        let branch = "{ name: a, when: { ports: [1] }, stages: [{ include: parts/out.yaml }] }"
        let loaded = try load([
            "main.yaml": Self.source
                + "  - route: { branches: [\(branch), { name: b, stages: [{ include: parts/deep/out.yaml }] }] }\n",
            "parts/out.yaml": "- respond: { body: \"${file:body.txt}\" }\n", "parts/body.txt": "from above",
        ])
        let bodies = loaded.allStages.suffix(2).map { stage in stage.placedSettings.first { $0.path == "body" }?.value ?? "-" }
        #expect(bodies[0].contains("from above") && bodies[1].contains("from the deep"), "\(bodies)")
    }

    @Test(arguments: [
        ("http://collector.example:4318", true), ("https://collector.example:4318", false), ("http://127.0.0.1:4318", false),
    ])
    func aCollectorsKeyIsWarnedOf(_ url: String, _ isWarned: Bool) throws {
        let loaded = try load(["main.yaml": "otlp: { to: \"\(url)\", fields: { Key: a } }\n" + Self.source + "  - fetch\n"])
        let words = "'fields' go to this endpoint without encryption"
        #expect(loaded.warnings.contains { "\($0)".contains(words) } == isWarned)
    }

    @Test(arguments: [
        ("- include: missing.yaml", "'missing.yaml' can't be included: it doesn't exist"),
        ("- include: parts", "'parts' can't be included: it is a folder"),
        ("- include: ''", "'include' wants the path of a file, not ''"),
        ("- include:", "'include' wants the path of a file, not nothing"),
        ("- include: [a, b]", "'include' wants the path of a file, not a list"),
        ("- include: { file: a }", "'include' wants the path of a file, not a mapping"),
        ("- include: ${env:NOWHERE}", "the environment variable 'NOWHERE' is not set"),
        ("- include", "there is no stage 'include'"),
        ("- { include: parts/out.yaml, fetch: {} }", "'fetch' stands beside 'include' in one entry of the list"),
        ("- include: parts/mapping.yaml", "parts/mapping.yaml:1:1: error: a file that is included is a list, not a mapping"),
        ("- include: parts/text.yaml", "a file that is included is a list, not what stands here"),
        ("- include: parts/empty.yaml", "'parts/empty.yaml' is empty, and is to be included"),
        ("- include: parts/nothing.yaml", "the list has no entries, and is to be included"),
        ("- include: parts/binary.yaml", "'parts/binary.yaml' is not UTF-8 text"),
        ("- include: parts/broken.yaml", "parts/broken.yaml:3:1: error: this is not YAML"),
        ("- include: parts/anchor.yaml", "parts/anchor.yaml:1:3: error: '&a' is an anchor"),
        ("- include: /dev/zero", "'/dev/zero' can't be included: it is no regular file"),
        ("- include: parts/rules.yaml", "parts/rules.yaml:1:3: error: there is no stage 'allow'"),
    ])
    func whatCantBeIncluded(_ entry: String, _ words: String) throws {
        try Data([0x2D, 0x20, 0xFF, 0xFE]).write(to: URL(fileURLWithPath: "\(folder)/parts/binary.yaml"))
        let text = refusal([
            "main.yaml": Self.source + "  \(entry)\n  - fetch\n", "parts/out.yaml": "- retry\n",
            "parts/mapping.yaml": "pipeline:\n  - retry\n", "parts/text.yaml": "retry\n", "parts/empty.yaml": "# nothing\n",
            "parts/nothing.yaml": "[]\n", "parts/broken.yaml": "- retry:\n   - [\n", "parts/anchor.yaml": "- &a retry\n",
            "parts/rules.yaml": "- allow: { ports: [1] }\n",
        ])
        #expect(text.contains(words), "\(text)")
        #expect(text.contains("main.yaml:4") || text.contains("parts/"), "a place is named: \(text)")
    }

    @Test func whatIsMissingIsNotTakenForOtherMistakes() {
        let text = refusal(["main.yaml": Self.source + "  - include: missing.yaml\n  - include: other.yaml\n"])
        #expect(text.components(separatedBy: "error:").count == 3, "two errors: \(text)")
    }

    @Test func aCycleIsToldWithItsChain() {
        let text = refusal([
            "main.yaml": Self.source + "  - include: parts/a.yaml\n  - fetch\n",
            "parts/a.yaml": "- retry\n- include: deep/b.yaml\n",
            "parts/deep/b.yaml": "- include: ../c.yaml\n", "parts/c.yaml": "- include: deep/../a.yaml\n",
        ])
        #expect(
            text.contains(
                "c.yaml:1:12: error: the file 'parts/deep/../deep/../a.yaml' includes itself: parts/a.yaml includes parts/deep/b.yaml, which includes parts/deep/../c.yaml, which includes parts/deep/../deep/../a.yaml"
            ), "\(text)")
        let itself = refusal(["main.yaml": Self.source + "  - include: main.yaml\n"])
        #expect(itself.contains("'main.yaml' includes itself: main.yaml includes main.yaml"), "\(itself)")
    }

    @Test func aCycleByWayOfALinkIsOneToo() throws {
        try FileManager.default.createSymbolicLink(atPath: "\(folder)/parts/link.yaml", withDestinationPath: "a.yaml")
        let text = refusal([
            "main.yaml": Self.source + "  - include: parts/a.yaml\n  - fetch\n", "parts/a.yaml": "- include: link.yaml\n",
        ])
        #expect(text.contains("includes itself"), "\(text)")
    }

    @Test func aPipeIsNotWaitedFor() throws {
        #expect(mkfifo("\(folder)/parts/pipe.yaml", 0o600) == 0)
        let text = refusal(["main.yaml": Self.source + "  - include: parts/pipe.yaml\n  - fetch\n"])
        #expect(text.contains("'parts/pipe.yaml' can't be included: it is no regular file"), "\(text)")
    }

    // MARK: - Limits of the sum

    @Test func theSizeOfAllCounts() {
        let comment = "#" + String(repeating: "x", count: 600_000) + "\n"
        let good = ["main.yaml": Self.source + "  - include: parts/a.yaml\n  - fetch\n", "parts/a.yaml": comment + "- retry\n"]
        #expect(refusal(good).hasPrefix("accepted"))
        let text = refusal([
            "main.yaml": comment + Self.source + "  - include: parts/a.yaml\n  - fetch\n", "parts/a.yaml": comment + "- retry\n",
        ])
        #expect(
            text.contains("main.yaml:5:14: error: the file 'parts/a.yaml' and those that it is included in have more than 1MiB"),
            "\(text)")
    }

    @Test func thePiecesOfAllCount() {
        let rules = "- deny: { ports: [" + String(repeating: "1,", count: 12_000) + "2] }\n"
        func main(_ count: Int) -> String {
            let list = String(repeating: "{ include: parts/a.yaml },", count: count)
            return Self.source + "  - egress: { rules: [\(list) { allow: { ports: [1] } }] }\n  - fetch\n"
        }
        #expect(refusal(["main.yaml": main(2), "parts/a.yaml": rules]).hasPrefix("accepted"))
        let text = refusal(["main.yaml": main(3), "parts/a.yaml": rules])
        #expect(text.contains("more than 50000 pieces"), "\(text)")
        #expect(text.contains("parts/a.yaml:1:"), "\(text)")
    }

    @Test func theDepthOfAllCounts() {
        func nested(_ count: Int) -> String { String(repeating: "[", count: count) + String(repeating: "]", count: count) }
        let main = Self.source + "  - include: parts/a.yaml\n  - fetch\n"
        let good = refusal(["main.yaml": main, "parts/a.yaml": "- retry: \(nested(50))\n"])
        #expect(good.contains("'retry' wants a mapping"), "\(good)")
        let deep = "- route: { branches: [{ name: a, stages: [{ include: parts/a.yaml }] }] }\n"
        let far = refusal([
            "main.yaml": Self.source + "  " + deep, "parts/a.yaml": "- retry: \(nested(58))\n- fetch\n",
        ])
        #expect(far.contains("nested more than 64 deep, together with those that it is included in"), "\(far)")
    }

    @Test func filesHaveANumber() {
        let many = String(repeating: "  - include: parts/a.yaml\n", count: 8_000)
        let text = refusal(["main.yaml": Self.source + many + "  - fetch\n", "parts/a.yaml": "- retry\n"])
        #expect(text.contains("main.yaml:260:14: error: the configuration includes more than 256 files"), "\(text)")
        #expect(text.components(separatedBy: "error:").count == 2, "it is told once: \(text)")
    }

    @Test func whoeverIncludesTwiceEachTimeComesToAnEnd() {
        var files = ["main.yaml": Self.source + "  - include: parts/0.yaml\n  - fetch\n"]
        for level in 0..<30 { files["parts/\(level).yaml"] = "- include: \(level + 1).yaml\n- include: \(level + 1).yaml\n" }
        files["parts/30.yaml"] = "- retry\n"
        #expect(refusal(files).contains("more than 256 files"))
    }
}
