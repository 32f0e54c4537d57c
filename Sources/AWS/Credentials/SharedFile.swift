/// The files that people at a desk keep in `~/.aws`: sections in brackets, `key = value`, `#` and `;` for comments.
package struct SharedFile: Sendable {
    private var sections: [String: [String: String]] = [:]

    /// Reads a file's text; a line that is no section and no setting is left out.
    package init(_ text: String) {
        var section: String?
        for line in text.split(omittingEmptySubsequences: true, whereSeparator: \.isNewline) {
            let isIndented = line.first == " " || line.first == "\t"
            let trimmed = Self.trimmed(line)
            guard let first = trimmed.first, first != "#", first != ";" else { continue }
            if first == "[" {
                guard let end = trimmed.firstIndex(of: "]") else { continue }
                let name = Self.trimmed(trimmed[trimmed.index(after: trimmed.startIndex)..<end])
                // The configuration file writes `[profile name]` for all but the default.
                section = name.hasPrefix("profile ") ? Self.trimmed(name.dropFirst("profile ".count)) : name
            } else if let section, !isIndented, let equals = trimmed.firstIndex(of: "=") {
                let value = Self.trimmed(trimmed[trimmed.index(after: equals)...])
                sections[section, default: [:]][Self.trimmed(trimmed[..<equals]).lowercased()] = value
            }
        }
    }

    /// The value of a key of a profile, the key in lower case; nil for one that is empty or missing.
    package func value(_ key: String, profile: String) -> String? {
        sections[profile]?[key].flatMap { $0.isEmpty ? nil : $0 }
    }

    /// The keys of a profile, with its session token if it has one; nil unless it has both of a pair.
    package func credentials(profile: String) -> Credentials? {
        guard let access = value("aws_access_key_id", profile: profile),
            let secret = value("aws_secret_access_key", profile: profile)
        else { return nil }
        return Credentials(accessKey: access, secretKey: secret, sessionToken: value("aws_session_token", profile: profile))
    }

    private static func trimmed(_ text: some StringProtocol) -> String {
        var rest = Substring(text)
        while let first = rest.first, first.isWhitespace { rest.removeFirst() }
        while let last = rest.last, last.isWhitespace { rest.removeLast() }
        return String(rest)
    }
}
