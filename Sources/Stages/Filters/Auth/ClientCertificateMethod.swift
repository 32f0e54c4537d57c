public import ConfigurationLanguage
import NIOCore
import Pipeline

/// A pattern for one thing that a certificate says of its holder: `dns:*.agents.example`.
public struct CertificatePattern: Sendable, Equatable, ScalarConfigurationValue {
    enum Part: String, Sendable, CaseIterable {
        case subject
        case commonName = "cn"
        case dns
        case uri
        /// SHA-256 of the SubjectPublicKeyInfo, in hexadecimal digits.
        case key
    }

    let part: Part
    let glob: Glob
    /// What it was to be made of, for one that matches nothing.
    private var malformed: String?

    public static var typeDescription: String {
        "a pattern such as cn:alice, dns:*.example.com, uri:spiffe://example/*, subject:*,O=Example or key:SHA256"
    }

    public init(configured text: String) throws(InvalidValue) {
        guard let colon = text.firstIndex(of: ":") else { throw InvalidValue("it begins with what is compared, and a colon") }
        let name = String(text[..<colon])
        guard let part = Part(rawValue: name) else {
            throw InvalidValue(
                "nothing is called '\(name.prefix(20))'", hint: "there are " + Part.allCases.map(\.rawValue).joined(separator: ", ")
            )
        }
        var pattern = String(text[text.index(after: colon)...])
        if part == .key {
            // As other tools print it.
            pattern = pattern.lowercased().replacing(":", with: "")
            guard pattern.utf8.count == 64, pattern.utf8.allSatisfy({ (0x30...0x39).contains($0) || (0x61...0x66).contains($0) })
            else {
                throw InvalidValue("a key's hash has 64 hexadecimal digits; 'fluidity cert show' prints it")
            }
        }
        self.part = part
        glob = try Glob(configured: pattern)
    }

    public func problems() -> [ConfigurationProblem] { malformed.map { Self.problems(of: $0) } ?? [] }

    public var printed: String { malformed?.printed ?? "\(part.rawValue):\(glob.pattern)".printed }

    func matches(_ peer: PeerIdentity) -> Bool {
        switch part {
        case .subject: glob.matches(peer.subject)
        case .commonName: peer.commonName.map { glob.matches($0) } ?? false
        case .dns: peer.dnsNames.contains { glob.matches($0, ignoringCase: true) }
        case .uri: peer.uris.contains { glob.matches($0) }
        case .key: glob.matches(peer.publicKeyHash)
        }
    }

    /// A pattern on each line, `#` before a comment.
    static func list(_ text: String) throws -> [CertificatePattern] {
        var patterns: [CertificatePattern] = []
        for (index, line) in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).enumerated() {
            var line = line
            while line.last?.isWhitespace == true { line.removeLast() }
            while line.first?.isWhitespace == true { line.removeFirst() }
            guard !line.isEmpty, line.first != "#" else { continue }
            do {
                patterns.append(try CertificatePattern(configured: String(line)))
            } catch {
                throw WatchedFileProblem("line \(index + 1): \(error.reason ?? "it is no pattern")")
            }
        }
        return patterns
    }
}

/// Goes by the certificate that `mtls` has verified.
struct ClientCertificateMethod: AuthMethod {
    let name = "client-certificate"
    private let allow: [CertificatePattern]
    private let deny: [CertificatePattern]
    private let denyFile: WatchedFile<[CertificatePattern]>?

    init(_ configuration: ClientCertificateConfiguration) throws(StageError) {
        allow = configuration.allow
        deny = configuration.deny
        guard let file = configuration.denyFile else {
            denyFile = nil
            return
        }
        denyFile = try WatchedFile(file.path, key: "methods") { try CertificatePattern.list($0) }
    }

    func check(_ evidence: AuthEvidence, on loop: any EventLoop) -> AuthOutcome {
        guard let peer = evidence.peer else { return .absent }
        if deny.contains(where: { $0.matches(peer) }) { return .denied }
        if let denyFile, denyFile.value.contains(where: { $0.matches(peer) }) { return .denied }
        guard allow.isEmpty || allow.contains(where: { $0.matches(peer) }) else { return .unmatched }
        return .accepted(Identity(name: peer.description, method: name))
    }

    func refresh() async -> [AuthNotice] { denyFile?.notices() ?? [] }
}

extension CertificatePattern: ExpressibleByStringLiteral {
    /// `"cn:alice"`, `"dns:*.agents.example"`. A literal that is no pattern matches nobody, and is an error when the plan is made.
    public init(stringLiteral text: String) {
        if let pattern = try? CertificatePattern(configured: text) {
            self = pattern
        } else {
            part = .subject
            glob = Glob("")
            malformed = text
        }
    }
}
