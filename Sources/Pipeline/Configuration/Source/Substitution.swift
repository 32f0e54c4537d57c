/// Replaces `${env:NAME}`, `${env:NAME:-default}` and `${file:PATH}` in the scalars of a parsed file. `$${` stands for `${`.
///
/// It works after parsing, so that no value can change the file's structure, and what was put in isn't looked at again.
struct Substitution {
    /// The largest file that `${file:PATH}` reads.
    static let fileLimit = 64 << 10

    private let environment: [String: String]
    private let names: [String]
    private let directory: String
    private(set) var findings: [DecodingContext.Finding] = []
    /// Every variable that a `${env:…}` refers to.
    private(set) var variables: Set<String> = []

    init(environment: [String: String], directory: String) {
        self.environment = environment
        names = environment.keys.sorted()
        self.directory = directory
    }

    /// Whether a text is one reference and nothing else, so that showing it shows no value.
    static func isReference(_ text: String) -> Bool {
        (text.hasPrefix("${env:") || text.hasPrefix("${file:")) && text.hasSuffix("}")
            && !text.contains(":-") && text.utf8.count { $0 == UInt8(ascii: "}") } == 1
    }

    mutating func apply(to node: ConfigurationNode) -> ConfigurationNode {
        var result = node
        switch node.content {
        case .null:
            break
        case .scalar(let scalar):
            if scalar.text.contains("${") { result.content = .scalar(substituted(scalar, at: node.origin)) }
        case .sequence(let nodes):
            result.content = .sequence(nodes.map { apply(to: $0) })
        case .mapping(let entries):
            result.content = .mapping(
                entries.map { .init(key: $0.key, keyOrigin: $0.keyOrigin, value: apply(to: $0.value)) }
            )
        }
        return result
    }

    private mutating func substituted(
        _ scalar: ConfigurationNode.Scalar, at origin: ConfigurationNode.Origin
    ) -> ConfigurationNode.Scalar {
        var result = ConfigurationNode.Scalar("", isHidden: scalar.isHidden)
        var rest = scalar.text[...]
        while let start = rest.firstRange(of: "${") {
            result.text += rest[..<start.lowerBound]
            if result.text.hasSuffix("$"), rest[..<start.lowerBound].hasSuffix("$") {
                result.text += "{"
                rest = rest[start.upperBound...]
                continue
            }
            guard let end = rest[start.upperBound...].firstIndex(of: "}") else {
                report("'${' has no '}'", at: origin, hint: "write $${ where a text has to contain ${")
                return unknown(scalar)
            }
            let reference = rest[start.upperBound..<end]
            guard let value = value(of: reference, at: origin) else { return unknown(scalar) }
            let name = reference.firstRange(of: ":-").map { reference[..<$0.lowerBound] } ?? reference
            result.references.append("${\(name)}")
            result.text += value.text
            result.isHidden = result.isHidden || value.isHidden
            rest = rest[rest.index(after: end)...]
        }
        result.text += rest
        return result
    }

    /// Stands for a value that couldn't be found: what is wrong with it was reported, so it shall not be checked again.
    private func unknown(_ scalar: ConfigurationNode.Scalar) -> ConfigurationNode.Scalar {
        var scalar = scalar
        scalar.isUnknown = true
        return scalar
    }

    private mutating func value(of reference: Substring, at origin: ConfigurationNode.Origin) -> ConfigurationNode.Scalar? {
        if reference.hasPrefix("env:") {
            let body = reference.dropFirst("env:".count)
            guard let separator = body.firstRange(of: ":-") else { return variable(String(body), default: nil, at: origin) }
            return variable(
                String(body[..<separator.lowerBound]), default: String(body[separator.upperBound...]), at: origin
            )
        }
        if reference.hasPrefix("file:") { return file(String(reference.dropFirst("file:".count)), at: origin) }
        report(
            "'${\(reference.prefix(40))}' stands for nothing", at: origin,
            hint: "write ${env:NAME}, ${env:NAME:-default} or ${file:PATH}; $${ where a text has to contain ${"
        )
        return nil
    }

    private mutating func variable(
        _ name: String, default fallback: String?, at origin: ConfigurationNode.Origin
    ) -> ConfigurationNode.Scalar? {
        variables.insert(name)
        // As in a shell, ":-" is for a variable that is empty too.
        if let value = environment[name], fallback == nil || !value.isEmpty { return .init(value) }
        if let fallback { return .init(fallback) }
        let nearest = NearestName.nearest(to: name, among: names)
        report(
            "the environment variable '\(name)' is not set", at: origin,
            hint: nearest.map { "did you mean '\($0)'?" } ?? "set it, or give a default: ${env:\(name):-default}"
        )
        return nil
    }

    private mutating func file(_ path: String, at origin: ConfigurationNode.Origin) -> ConfigurationNode.Scalar? {
        let resolved = FileAccess.resolve(path, from: directory)
        do {
            guard let bytes = try FileAccess.read(resolved, limit: Self.fileLimit) else {
                report("the file '\(resolved)' has more than \(ByteCount(Self.fileLimit).printed)", at: origin)
                return nil
            }
            guard var text = String(validating: bytes, as: UTF8.self) else {
                report("the file '\(resolved)' is not UTF-8 text", at: origin)
                return nil
            }
            if text.hasSuffix("\n") || text.hasSuffix("\r\n") { text.removeLast() }
            return .init(text, isHidden: true)
        } catch {
            let relative = path.hasPrefix("/") ? nil : "a relative path starts from the configuration file's folder"
            report("the file '\(resolved)' can't be read: \(error.reason)", at: origin, hint: relative)
            return nil
        }
    }

    private mutating func report(_ message: String, at origin: ConfigurationNode.Origin, hint: String? = nil) {
        findings.append(.init(message: message, hint: hint, origin: origin, severity: .error))
    }
}
