import ConfigurationLanguage
import Platform

/// Puts the entries of other files where a list has `- include: FILE`, and replaces references in all files.
///
/// Every list of stages can have such entries, and every list of mappings: the rules of `egress`, the branches of `route`. A file that is
/// included is a list itself. What bounds one file (`YAMLLimits`, `ConfigurationLoader.sizeLimit`) bounds all of them together, and a file
/// counts as often as it is included.
struct Inclusion {
    /// More files than any configuration is made of, each counted as often as it is included.
    static let limit = 256

    /// What is included, and by whom: the files from the configuration's own to the one that is being read.
    private struct Link {
        var name: String
        var identity: FileAccess.Identity?
    }

    private enum Entries {
        case stages
        case mappings([SchemaDescription])
        case variants([SchemaDescription])

        /// The entries of a list of that shape; nil for a list of anything else, and for what is no list.
        init?(_ key: SchemaDescription) {
            switch key.shape {
            case .stages: self = .stages
            case .list(.mapping): self = .mappings(key.keys)
            case .list(.variant): self = .variants(key.keys)
            default: return nil
            }
        }
    }

    private let environment: [String: String]
    private let registry: StageRegistry
    /// The files that were read, with their texts.
    private(set) var source: ConfigurationSource
    private(set) var findings: [ConfigurationFinding] = []
    /// Every variable that the files refer to.
    private(set) var variables: Set<String> = []
    /// What the included files say, as it was written.
    private(set) var parts: [ConfigurationNode] = []
    /// Whether everything could be read that is to be included.
    private(set) var isWhole = true
    private var pieces: Int
    private var bytes: Int
    private var count = 0
    /// By path: what a file names relative to itself starts from the folder that it was found in, wherever a link leads.
    private var numbers: [String: Int] = [:]

    /// - Parameters:
    ///   - source: The configuration's own file.
    ///   - pieces: How many pieces that has.
    ///   - bytes: Its size.
    init(source: ConfigurationSource, pieces: Int, bytes: Int, environment: [String: String], registry: StageRegistry) {
        self.source = source
        self.pieces = pieces
        self.bytes = bytes
        self.environment = environment
        self.registry = registry
    }

    /// What the configuration says with all that it includes.
    mutating func whole(_ root: ConfigurationNode) -> ConfigurationNode {
        let own = Link(name: source.file, identity: FileAccess.identity(of: source.file))
        return mapping(substituted(root), of: FileSettings.describeKeys(), depth: 1, [own])
    }

    private mutating func substituted(_ root: ConfigurationNode) -> ConfigurationNode {
        var substitution = Substitution(environment: environment, directory: source.files.directory(of: root.origin))
        let result = substitution.apply(to: root)
        findings += substitution.findings
        variables.formUnion(substitution.variables)
        return result
    }

    // MARK: - Looking for entries

    /// - Parameter depth: How many collections are open, this one among them.
    private mutating func mapping(
        _ node: ConfigurationNode, of keys: [SchemaDescription], depth: Int, _ chain: [Link]
    ) -> ConfigurationNode {
        guard case .mapping(var entries) = node.content else { return node }
        for index in entries.indices {
            guard let key = keys.first(where: { $0.key == entries[index].key }) else { continue }
            if let kind = Entries(key) {
                entries[index].value = list(entries[index].value, of: kind, depth: depth + 1, chain)
            } else if key.shape == .mapping {
                entries[index].value = mapping(entries[index].value, of: key.keys, depth: depth + 1, chain)
            }
        }
        var result = node
        result.content = .mapping(entries)
        return result
    }

    private mutating func list(_ node: ConfigurationNode, of kind: Entries, depth: Int, _ chain: [Link]) -> ConfigurationNode {
        guard case .sequence(let entries) = node.content else { return node }
        var all: [ConfigurationNode] = []
        all.reserveCapacity(entries.count)
        for entry in entries {
            if let include = include(in: entry, of: kind) {
                all += file(include, for: entry, of: kind, depth: depth, chain)
            } else {
                all.append(self.entry(entry, of: kind, depth: depth + 1, chain))
            }
        }
        var result = node
        result.content = .sequence(all)
        return result
    }

    private mutating func entry(_ node: ConfigurationNode, of kind: Entries, depth: Int, _ chain: [Link]) -> ConfigurationNode {
        let known: [SchemaDescription]
        guard case .mapping(var entries) = node.content, let name = entries.first?.key else { return node }
        switch kind {
        case .mappings(let keys):
            return mapping(node, of: keys, depth: depth, chain)
        case .stages:
            guard let factory = registry.factory(named: name) else { return node }
            known = type(of: factory).describeKeys()
        case .variants(let variants):
            guard let variant = variants.first(where: { $0.key == name }) else { return node }
            known = variant.keys
        }
        entries[0].value = mapping(entries[0].value, of: known, depth: depth + 1, chain)
        var result = node
        result.content = .mapping(entries)
        return result
    }

    /// What stands behind `include`, where an entry is one and not a thing of that name.
    private func include(in node: ConfigurationNode, of kind: Entries) -> ConfigurationNode? {
        guard case .mapping(let entries) = node.content, let first = entries.first, first.key == "include" else { return nil }
        switch kind {
        case .stages: return registry.factory(named: first.key) == nil ? first.value : nil
        case .mappings(let keys), .variants(let keys): return keys.contains { $0.key == first.key } ? nil : first.value
        }
    }

    // MARK: - Reading files

    /// The entries of a file.
    private mutating func file(
        _ node: ConfigurationNode, for entry: ConfigurationNode, of kind: Entries, depth: Int, _ chain: [Link]
    ) -> [ConfigurationNode] {
        count += 1
        guard count <= Self.limit else {
            if count == Self.limit + 1 { fail("the configuration includes more than \(Self.limit) files", at: node.origin) }
            return []
        }
        if case .mapping(let entries) = entry.content, entries.count > 1 {
            for other in entries.dropFirst() { hide(other.value) }
            fail(
                "'\(entries[1].key)' stands beside 'include' in one entry of the list", at: entries[1].keyOrigin,
                hint: "begin each with '- ' on a line of its own")
            return []
        }
        guard case .scalar(let scalar) = node.content, !scalar.text.isEmpty, !scalar.text.utf8.contains(0) else {
            hide(node)
            let place = if case .null = node.content { entry.origin } else { node.origin }
            fail("'include' wants the path of a file, not \(node.shown(secret: false))", at: place)
            return []
        }
        guard !scalar.isUnknown else {
            isWhole = false
            return []
        }
        guard let (root, link) = read(scalar, at: node.origin, depth: depth, chain) else { return [] }
        guard case .sequence = root.content else {
            hide(root)
            var hint = "begin each entry with '- '"
            if root[key: "pipeline"] != nil {
                hint += ", and leave out 'pipeline:'; what else a file says is said by the including one"
            }
            fail("a file that is included is a list, not \(root.shown(secret: true))", at: root.origin, hint: hint)
            return []
        }
        let whole = list(substituted(root), of: kind, depth: depth, chain + [link])
        guard case .sequence(let entries) = whole.content else { return [] }
        if entries.isEmpty, isWhole { fail("the list has no entries, and is to be included", at: root.origin) }
        return entries
    }

    /// What a file says, as it is written.
    private mutating func read(
        _ scalar: ConfigurationNode.Scalar, at origin: ConfigurationNode.Origin, depth: Int, _ chain: [Link]
    ) -> (root: ConfigurationNode, link: Link)? {
        let path = FileAccess.resolve(scalar.text, from: source.files.directory(of: origin))
        let shown = scalar.isHidden ? "the file" : "the file '\(path)'"
        let result: (bytes: [UInt8]?, identity: FileAccess.Identity)
        do {
            result = try FileAccess.readRegular(path, limit: max(0, ConfigurationLoader.sizeLimit - bytes))
        } catch {
            fail(
                "\(shown) can't be included: \(error.reason)", at: origin,
                hint: scalar.text.hasPrefix("/") ? nil : "a relative path starts from this file's folder")
            return nil
        }
        let link = Link(name: path, identity: result.identity)
        if let first = chain.firstIndex(where: { $0.identity == result.identity }) {
            fail("\(shown) includes itself: \(Self.words(for: chain[first...] + [link]))", at: origin)
            return nil
        }
        guard let content = result.bytes else {
            fail(
                "\(shown) and those that it is included in have more than \(ByteCount(ConfigurationLoader.sizeLimit).printed)",
                at: origin)
            return nil
        }
        guard let text = String(validating: content, as: UTF8.self) else {
            fail("\(shown) is not UTF-8 text", at: origin)
            return nil
        }
        bytes += content.count
        let sourceText = SourceText(text)
        let number = numbers[path] ?? source.add(file: path, text: sourceText)
        numbers[path] = number
        var reader = YAMLReader(sourceText, file: number, limits: YAMLLimits(afterDepth: depth - 1, pieces: pieces))
        let root = reader.read()
        pieces += reader.pieces
        findings += reader.findings
        guard let root else {
            // Where the secrets are in it isn't known.
            source.blanksByWord = true
            if reader.findings.isEmpty { fail("\(shown) is empty, and is to be included", at: origin) }
            isWhole = false
            return nil
        }
        parts.append(root)
        return (root, link)
    }

    /// `a.yaml includes b.yaml, which includes a.yaml`; of a long chain its ends.
    private static func words(for chain: ArraySlice<Link>) -> String {
        var names = chain.map(\.name)
        if names.count > 8 { names = names.prefix(4) + ["…"] + names.suffix(3) }
        return names.dropFirst().enumerated().reduce(names[0]) {
            $0 + ($1.offset == 0 ? " includes " : ", which includes ") + $1.element
        }
    }

    /// What is left out isn't read as anything, so that nobody finds out which of its keys hold secrets.
    private mutating func hide(_ node: ConfigurationNode) {
        if case .file(let position) = node.origin { source.blankSecrets(in: node, known: [position]) }
    }

    private mutating func fail(_ message: String, at origin: ConfigurationNode.Origin, hint: String? = nil) {
        isWhole = false
        findings.append(.init(message: message, hint: hint, origin: origin, severity: .error))
    }
}
