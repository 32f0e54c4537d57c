import ConfigurationLanguage
import HTTPMessages
import NIOCore
import Pipeline

/// Secrets that people are known by. A secret is looked up by its hash under a key that only this process has: how long that
/// takes says nothing about it.
struct NamedKeys: Sendable {
    private let hash = KeyedHash()
    private let names: [KeyedHash.Value: String]

    init(_ list: [(name: String, key: String)]) {
        var names: [KeyedHash.Value: String] = [:]
        for entry in list { names[hash(entry.key[...])] = entry.name }
        self.names = names
    }

    func name(of secret: Substring) -> String? { names[hash(secret)] }

    /// What is wrong with a name and a key.
    static func problems(name: String, key: String) -> [ConfigurationProblem] {
        var problems: [ConfigurationProblem] = []
        if !UsersFile.isName(name) { problems.append(ConfigurationProblem("'name' has printable characters", key: "name")) }
        if key.isEmpty || !key.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) {
            problems.append(ConfigurationProblem("'key' has visible ASCII characters without spaces", key: "key"))
        } else if key.utf8.count < 16 {
            problems.append(
                .warning(
                    "the key has only \(key.utf8.count) characters", key: "key",
                    hint: "take 32 random ones: openssl rand -hex 16"))
        }
        return problems
    }

    /// `NAME KEY` on each line, `#` before a comment.
    static func list(_ text: String) throws -> [(name: String, key: String)] {
        var list: [(name: String, key: String)] = []
        for (index, line) in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).enumerated() {
            let parts = line.split { $0 == " " || $0 == "\t" }.map(String.init)
            guard let first = parts.first, !first.hasPrefix("#") else { continue }
            guard parts.count == 2, problems(name: first, key: parts[1]).allSatisfy(\.isWarning) else {
                throw WatchedFileProblem("line \(index + 1) is not NAME KEY")
            }
            list.append((first, parts[1]))
        }
        return list
    }
}

/// Keys of a configuration and of a file together.
struct KeySource: Sendable {
    private let fixed: NamedKeys
    private let file: WatchedFile<NamedKeys>?

    init(_ keys: [NamedKey], _ path: FilePath?) throws(StageError) {
        fixed = NamedKeys(keys.map { ($0.name, $0.key.revealed) })
        guard let path else {
            file = nil
            return
        }
        file = try WatchedFile(path.path, key: "methods") { NamedKeys(try NamedKeys.list($0)) }
    }

    func name(of secret: Substring) -> String? { fixed.name(of: secret) ?? file?.value.name(of: secret) }
    func notices() -> [AuthNotice] { file?.notices() ?? [] }
}

struct BearerMethod: AuthMethod {
    let name = "bearer"
    let challenge: String?
    let header: String?
    var readsAuthorization: Bool { header == nil }
    private let keys: KeySource

    init(_ configuration: BearerConfiguration, realm: String) throws(StageError) {
        keys = try KeySource(configuration.tokens, configuration.file)
        header = configuration.header?.name
        challenge = header == nil ? "Bearer realm=\"\(realm)\"" : nil
    }

    func check(_ evidence: AuthEvidence, on loop: any EventLoop) -> AuthOutcome {
        guard let token = evidence.credentials("Bearer", in: header, bare: true) else { return .absent }
        return keys.name(of: token).map { .accepted(Identity(name: $0, method: name)) } ?? .wrong
    }

    func refresh() async -> [AuthNotice] { keys.notices() }
}

struct APIKeyMethod: AuthMethod {
    let name = "api-key"
    let header: String?
    private let keys: KeySource

    init(_ configuration: APIKeyConfiguration) throws(StageError) {
        keys = try KeySource(configuration.keys, configuration.file)
        header = configuration.header?.name
    }

    func check(_ evidence: AuthEvidence, on loop: any EventLoop) -> AuthOutcome {
        guard let header, let key = evidence.fields.first(header) else { return .absent }
        return keys.name(of: key[...]).map { .accepted(Identity(name: $0, method: name)) } ?? .wrong
    }

    func refresh() async -> [AuthNotice] { keys.notices() }
}
