import ConfigurationLanguage
import Pipeline
import Platform

/// A program's name: words of small letters and digits, joined by hyphens.
struct ProgramName: ScalarConfigurationValue, Hashable {
    let text: String

    static var typeDescription: String { "a name in kebab-case such as my-tunnel" }

    init(configured text: String) throws(InvalidValue) {
        guard SwiftText.isKebab(text), text.utf8.count <= 60 else { throw InvalidValue() }
        guard text != "fluidity", text != "bootstrap" else { throw InvalidValue("Fluidity has a program of this name") }
        self.text = text
    }

    /// A placeholder, which no file leaves in place.
    init(unchecked text: String) { self.text = text }

    var printed: String { text }
}

/// Where a package is: a folder, by its whole path, or a repository.
enum PackagePlace: ConfigurationValue, Hashable {
    case folder(String)
    case repository(String)

    static var typeDescription: String { "a folder, or a repository's URL" }

    init(_ text: String, in directory: String) {
        if text.contains("://") || text.hasPrefix("git@") {
            self = .repository(text)
        } else {
            var whole = FileAccess.resolve(text, from: directory)
            while whole.hasSuffix("/"), whole != "/" { whole.removeLast() }
            // The last part is the package's name, as it is written: also that of a link. What has no name there is looked up.
            let isNamed = !["", ".", ".."].contains(whole.split(separator: "/").last ?? "")
            self = .folder(isNamed ? FileAccess.plain(whole) : FileAccess.directory(of: FileAccess.plain(whole + "/x")))
        }
    }

    static func decode(_ node: ConfigurationNode, in context: DecodingContext) -> PackagePlace? {
        guard case .scalar(let scalar) = node.content, !scalar.text.isEmpty, scalar.text.utf8.allSatisfy({ $0 >= 0x20 }) else {
            context.reject(node, wanted: typeDescription)
            return nil
        }
        let place = PackagePlace(scalar.text, in: context.directory(of: node))
        guard case .folder(let path) = place else { return place }
        if case .file = FileAccess.kind(of: path + "/Package.swift") { return place }
        context.report(
            "\(context.label): there is no Swift package in '\(path)'", at: node,
            hint: scalar.text.hasPrefix("/")
                ? "a package has a Package.swift" : "a relative path starts from this file's folder; a package has a Package.swift")
        return nil
    }

    var text: String {
        switch self {
        case .folder(let text), .repository(let text): text
        }
    }

    /// What Swift's package manager knows the package by: the last part.
    var name: String {
        let last = text.split(whereSeparator: { $0 == "/" || $0 == ":" }).last.map(String.init) ?? text
        return last.hasSuffix(".git") ? String(last.dropLast(4)) : last
    }

    var printed: String { PlainText.quotedIfNeeded(text) }
}

/// `1.2.0` for that and what is compatible with it, `=1.2.0` for that alone.
struct PackageVersion: ScalarConfigurationValue, Hashable {
    let number: String
    let isExact: Bool

    static var typeDescription: String { "a version such as 1.2.0, or =1.2.0 for that alone" }

    init(configured text: String) throws(InvalidValue) {
        let number = text.hasPrefix("=") ? String(text.dropFirst()) : text
        let core = number.prefix { $0 != "-" && $0 != "+" }.split(separator: ".", omittingEmptySubsequences: false)
        let isNumbers = core.allSatisfy { part in !part.isEmpty && part.utf8.allSatisfy { (0x30...0x39).contains($0) } }
        guard core.count == 3, isNumbers else { throw InvalidValue(core.count == 2 ? "it has three numbers" : nil) }
        let known: (UInt8) -> Bool = { $0 == 0x2D || $0 == 0x2E || $0 == 0x2B || SwiftText.isWordByte($0) }
        guard number.utf8.allSatisfy(known) else { throw InvalidValue() }
        self.number = number
        isExact = text.hasPrefix("=")
    }

    var printed: String { PlainText.quotedIfNeeded((isExact ? "=" : "") + number) }
}

/// A module and the factory in it: `RequestMark` for `RequestMarkFactory`, or `Shop.BasketFactory`.
struct StageName: ScalarConfigurationValue, Hashable {
    let module: String
    let factory: String

    static var typeDescription: String { "a module such as RequestMark, or a module and a factory such as Shop.BasketFactory" }

    init(configured text: String) throws(InvalidValue) {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        guard parts.count <= 2, parts.allSatisfy(SwiftText.isIdentifier) else { throw InvalidValue() }
        module = parts[0]
        factory = parts.count > 1 ? parts[1] : parts[0] + "Factory"
    }

    var printed: String { factory == module + "Factory" ? module : "\(module).\(factory)" }
}

/// Texts as they stand in Swift.
enum SwiftText {
    /// A string literal.
    static func literal(_ text: String) -> String {
        "\"" + text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"") + "\""
    }

    /// `RequestLog` for `request-log`.
    static func typeName(_ kebab: String) -> String {
        kebab.split(separator: "-").map { $0.prefix(1).uppercased() + $0.dropFirst() }.joined()
    }

    /// Whether a text is words of small letters and digits, each beginning with a letter, joined by hyphens.
    static func isKebab(_ text: String) -> Bool {
        text.split(separator: "-", omittingEmptySubsequences: false).allSatisfy { word in
            word.utf8.first.map { (0x61...0x7A).contains($0) } == true
                && word.utf8.allSatisfy { (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) }
        }
    }

    static func isIdentifier(_ text: String) -> Bool {
        text.utf8.first.map { !(0x30...0x39).contains($0) } == true && text.utf8.allSatisfy(isWordByte)
    }

    static func isWordByte(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte) || byte == 0x5F
    }
}
