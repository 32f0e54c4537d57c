import Platform

/// Replaces references in the scalars of a parsed file: `${env:NAME}`, `${env:NAME:-default}` and `${file:PATH}`. `$${` stands for
/// `${`.
///
/// A default is text of the same kind, so that references can stand in it: `${env:NEW:-${env:OLD}}`. It ends with the first `}` that
/// closes nothing within it: braces of its own come in pairs. What isn't needed isn't looked up.
///
/// It works after parsing, so that no value can change the file's structure, and what was put in isn't looked at again.
package struct Substitution {
    /// The largest file that `${file:PATH}` reads.
    static let fileLimit = 64 << 10
    /// How deep defaults may stand in defaults.
    static let depthLimit = 8

    private let environment: [String: String]
    private let names: [String]
    private let directory: String
    /// References that couldn't be replaced, in the order of the file.
    package private(set) var findings: [ConfigurationFinding] = []
    /// Every variable that a `${env:…}` refers to, whether or not it was needed.
    package private(set) var variables: Set<String> = []

    /// A substitution with the values of variables.
    /// - Parameter directory: The folder that the relative paths of `${file:PATH}` start from.
    package init(environment: [String: String], directory: String) {
        self.environment = environment
        names = environment.keys.sorted()
        self.directory = directory
    }

    /// Whether a text is one reference and nothing else, so that showing it shows no value.
    static func isReference(_ text: String) -> Bool {
        (text.hasPrefix("${env:") || text.hasPrefix("${file:")) && text.hasSuffix("}")
            && !text.contains(":-") && text.utf8.count { $0 == UInt8(ascii: "}") } == 1
    }

    /// The node with its references replaced, in everything below it too. What can't be replaced is reported to `findings`.
    package mutating func apply(to node: ConfigurationNode) -> ConfigurationNode {
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
        var input = ReferenceReader(scalar.text)
        do {
            try expand(&input, into: &result)
            return result
        } catch {
            findings.append(.init(message: error.message, hint: error.hint, origin: origin, severity: .error))
            // Stands for a value that couldn't be found: what is wrong with it was reported, so it shall not be checked again.
            var scalar = scalar
            scalar.isUnknown = true
            return scalar
        }
    }

    /// Reads a text to its end, or a default up to the brace behind it, and puts what it says behind `result`.
    private mutating func expand(
        _ input: inout ReferenceReader, depth: Int = 0, isNeeded: Bool = true, into result: inout ConfigurationNode.Scalar
    ) throws(ReferenceProblem) {
        while let piece = try input.next(inDefault: depth > 0) {
            switch piece {
            case .text(let text):
                if isNeeded { result.text += text }
            case .variable(let name, let hasDefault):
                variables.insert(name)
                let value = environment[name]
                // As in a shell, ":-" is for a variable that is empty too.
                let isSet = value.map { !hasDefault || !$0.isEmpty } ?? false
                if isNeeded { result.references.append("${env:\(name)}") }
                if isNeeded, isSet, let value { result.text += value }
                guard hasDefault else {
                    if isNeeded, !isSet { throw unset(name) }
                    continue
                }
                guard depth < Self.depthLimit else {
                    throw ReferenceProblem("defaults stand in defaults more than \(Self.depthLimit) deep")
                }
                try expand(&input, depth: depth + 1, isNeeded: isNeeded && !isSet, into: &result)
            case .file(let path):
                guard isNeeded else { continue }
                result.references.append("${file:\(path)}")
                result.text += try file(path)
                result.isHidden = true
            }
        }
    }

    private func unset(_ name: String) -> ReferenceProblem {
        let nearest = NearestName.nearest(to: name, among: names)
        return ReferenceProblem(
            "the environment variable '\(name)' is not set",
            hint: nearest.map { "did you mean '\($0)'?" } ?? "set it, or give a default: ${env:\(name):-default}")
    }

    private func file(_ path: String) throws(ReferenceProblem) -> String {
        let resolved = FileAccess.resolve(path, from: directory)
        let bytes: [UInt8]?
        do {
            bytes = try FileAccess.read(resolved, limit: Self.fileLimit)
        } catch {
            let relative = path.hasPrefix("/") ? nil : "a relative path starts from this file's folder"
            throw ReferenceProblem("the file '\(resolved)' can't be read: \(error.reason)", hint: relative)
        }
        guard let bytes else { throw ReferenceProblem("the file '\(resolved)' has more than \(Self.fileLimit >> 10)KiB") }
        guard var text = String(validating: bytes, as: UTF8.self) else {
            throw ReferenceProblem("the file '\(resolved)' is not UTF-8 text")
        }
        if text.hasSuffix("\n") || text.hasSuffix("\r\n") { text.removeLast() }
        return text
    }
}
