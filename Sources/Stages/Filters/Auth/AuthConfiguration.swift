import Addresses
public import ConfigurationLanguage
import HTTPMessages
import Pipeline

/// What `auth` can be told.
public struct AuthConfiguration: StageConfiguration {
    /// The ways to prove who one is, tried in order; the first that succeeds gives the exchange its identity.
    public var methods: [AuthMethodConfiguration] = []
    /// What clients are told the credentials are for (RFC 9110, 11.5).
    public var realm = "fluidity"
    /// How long an answer to wrong credentials is held back.
    public var failureDelay = Duration.seconds(1)
    /// Whether who can't prove who they are is refused.
    public var mode = RefusalMode.enforce

    public init() {}

    public static let schema = Schema<AuthConfiguration>(
        .required(
            "methods", \.methods,
            "The ways to prove who one is. They are tried in order, and the first that succeeds gives the exchange its identity."),
        .optional("realm", \.realm, "What clients are told the credentials are for."),
        .optional(
            "failure-delay", \.failureDelay, in: .zero...(.seconds(60)),
            "How long an answer to wrong credentials is held back."),
        .optional(
            "mode", \.mode,
            "'enforce' refuses; 'observe' only counts whom it would refuse, and lets them pass without a name, to see who would be left out before it counts."
        )
    )

    public func validate() -> [ConfigurationProblem] {
        var problems: [ConfigurationProblem] = []
        if methods.isEmpty { problems.append(ConfigurationProblem("'auth' has no methods, so nobody could pass", key: "methods")) }
        let isQuotable = realm.utf8.allSatisfy { (0x20...0x7E).contains($0) && $0 != 0x22 && $0 != 0x5C }
        if !isQuotable { problems.append(ConfigurationProblem("'realm' has printable ASCII without quotes", key: "realm")) }
        return problems
    }
}

/// A way to prove who one is.
public enum AuthMethodConfiguration: ConfigurationUnion {
    /// The certificate that the connection came with.
    case clientCertificate(ClientCertificateConfiguration)
    /// A user's name and password (RFC 7617), or those of SOCKS5.
    case basic(BasicConfiguration)
    /// A token from a list (RFC 6750).
    case bearer(BearerConfiguration)
    /// A key in a field of the request.
    case apiKey(APIKeyConfiguration)
    /// A JSON Web Token that an issuer has signed (RFC 7519).
    case jwt(JWTConfiguration)

    public static var variants: [ConfigurationVariant<AuthMethodConfiguration>] {
        [
            ConfigurationVariant(
                "client-certificate", "The certificate that the connection came with.", make: { .clientCertificate($0) },
                unwrap: { if case .clientCertificate(let keys) = $0 { keys } else { nil } }),
            ConfigurationVariant(
                "basic", "A user's name and password (RFC 7617), or those of SOCKS5.", make: { .basic($0) },
                unwrap: { if case .basic(let keys) = $0 { keys } else { nil } }),
            ConfigurationVariant(
                "bearer", "A token from a list (RFC 6750).", make: { .bearer($0) },
                unwrap: { if case .bearer(let keys) = $0 { keys } else { nil } }),
            ConfigurationVariant(
                "api-key", "A key in a field of the request.", make: { .apiKey($0) },
                unwrap: { if case .apiKey(let keys) = $0 { keys } else { nil } }),
            ConfigurationVariant(
                "jwt", "A signed token (RFC 7519).", make: { .jwt($0) },
                unwrap: { if case .jwt(let keys) = $0 { keys } else { nil } }),
        ]
    }

    /// By the certificate that the connection came with: `.clientCertificate(allow: ["dns:*.agents.example"])`.
    public static func clientCertificate(
        allow: [CertificatePattern] = [], deny: [CertificatePattern] = [], denyFile: FilePath? = nil
    ) -> AuthMethodConfiguration {
        .clientCertificate(ClientCertificateConfiguration(allow: allow, deny: deny, denyFile: denyFile))
    }

    /// By name and password, of a file that `fluidity passwd` writes.
    public static func basic(users: FilePath, header: FieldName? = nil) -> AuthMethodConfiguration {
        .basic(BasicConfiguration(users: users, header: header))
    }

    /// By a token from a list.
    public static func bearer(
        tokens: [NamedKey] = [], file: FilePath? = nil, header: FieldName? = nil
    ) -> AuthMethodConfiguration {
        .bearer(BearerConfiguration(tokens: tokens, file: file, header: header))
    }

    /// By a key in a field of the request.
    public static func apiKey(header: FieldName, keys: [NamedKey] = [], file: FilePath? = nil) -> AuthMethodConfiguration {
        .apiKey(APIKeyConfiguration(header: header, keys: keys, file: file))
    }

    /// By a signed token of an issuer, whose keys are in a file.
    public static func jwt(
        keys: FilePath, issuer: String, audience: [String], _ change: (inout JWTConfiguration) -> Void = { _ in }
    ) -> AuthMethodConfiguration {
        var configuration = JWTConfiguration(issuer: issuer, audience: audience)
        configuration.keys = keys
        change(&configuration)
        return .jwt(configuration)
    }

    /// By a signed token of an issuer that publishes its keys.
    public static func jwt(
        keysURL: String, issuer: String, audience: [String], _ change: (inout JWTConfiguration) -> Void = { _ in }
    ) -> AuthMethodConfiguration {
        var configuration = JWTConfiguration(issuer: issuer, audience: audience)
        configuration.keysURL = keysURL
        change(&configuration)
        return .jwt(configuration)
    }

    /// The name in the file, and in the identity that the method finds.
    var name: String {
        switch self {
        case .clientCertificate: "client-certificate"
        case .basic: "basic"
        case .bearer: "bearer"
        case .apiKey: "api-key"
        case .jwt: "jwt"
        }
    }

    /// Whether the method reads what a client says to its proxy or origin alone, which no tunnel carries.
    package var needsCredentials: Bool {
        switch self {
        case .clientCertificate, .apiKey: false
        case .basic(let keys): keys.header == nil
        case .bearer(let keys): keys.header == nil
        case .jwt(let keys): keys.header == nil
        }
    }

    func make(realm: String, offers: HostNeeds) throws -> any AuthMethod {
        switch self {
        case .clientCertificate(let keys): try ClientCertificateMethod(keys)
        case .basic(let keys): try BasicMethod(keys, realm: realm)
        case .bearer(let keys): try BearerMethod(keys, realm: realm)
        case .apiKey(let keys): try APIKeyMethod(keys)
        case .jwt(let keys): try JWTMethod(keys, realm: realm, hasNetwork: offers.contains(.network))
        }
    }
}

private let headerDocumentation =
    "The field that has it, in place of Proxy-Authorization or Authorization. An ordinary field also comes through the tunnel; it is taken out here."

/// Which certificates are taken.
public struct ClientCertificateConfiguration: NestedConfiguration {
    /// The certificates that are taken, by any of these patterns; empty for all that were verified.
    public var allow: [CertificatePattern] = []
    /// The certificates that are refused, whatever is allowed and whatever other methods say.
    public var deny: [CertificatePattern] = []
    /// A file with a pattern to refuse on each line, read again when it changes.
    public var denyFile: FilePath?

    public init() {}

    /// A configuration with these patterns; by default, all verified certificates are taken.
    public init(allow: [CertificatePattern] = [], deny: [CertificatePattern] = [], denyFile: FilePath? = nil) {
        self.allow = allow
        self.deny = deny
        self.denyFile = denyFile
    }

    public static let schema = Schema<ClientCertificateConfiguration>(
        .optional("allow", \.allow, "Whose certificates are taken, any of these patterns. By default all that were verified."),
        .optional("deny", \.deny, "Whose are refused, whatever else is allowed and whatever other methods say."),
        .optional("deny-file", \.denyFile, "A file with such a pattern on each line, read again when it changes.")
    )
}

/// Names and passwords, and where they are looked for.
public struct BasicConfiguration: NestedConfiguration {
    /// The file that `fluidity passwd` writes, read again when it changes.
    public var users = FilePath("")
    /// The field that has the credentials; nil for Proxy-Authorization or Authorization.
    public var header: FieldName?

    public init() {}

    /// A configuration with the users' file, which is required.
    public init(users: FilePath, header: FieldName? = nil) {
        self.users = users
        self.header = header
    }

    public static let schema = Schema<BasicConfiguration>(
        .required("users", \.users, "The file that 'fluidity passwd' writes, read again when it changes."),
        .optional("header", \.header, headerDocumentation)
    )
}

/// A secret that somebody is known by.
public struct NamedKey: NestedConfiguration {
    /// The name of who has the key.
    public var name = ""
    /// The key itself.
    public var key = Secret("")

    public init() {}

    /// A key with the name of who has it.
    public init(name: String, key: Secret) {
        self.name = name
        self.key = key
    }

    public static let schema = Schema<NamedKey>(
        .required("name", \.name, "Who has it."),
        .secret("key", \.key, required: true, "The key itself: ${env:NAME} or ${file:PATH}.")
    )

    public func validate() -> [ConfigurationProblem] { NamedKeys.problems(name: name, key: key.revealed) }
}

/// Tokens, and where they are looked for.
public struct BearerConfiguration: NestedConfiguration {
    /// The tokens, each with the name of who has it.
    public var tokens: [NamedKey] = []
    /// A file with more tokens, `NAME TOKEN` on each line, read again when it changes.
    public var file: FilePath?
    /// The field that has the token; nil for Proxy-Authorization or Authorization.
    public var header: FieldName?

    public init() {}

    /// A configuration with tokens, or a file of them: one of both is required.
    public init(tokens: [NamedKey] = [], file: FilePath? = nil, header: FieldName? = nil) {
        self.tokens = tokens
        self.file = file
        self.header = header
    }

    public static let schema = Schema<BearerConfiguration>(
        .optional("tokens", \.tokens, "The tokens, each with the name of who has it."),
        .optional("file", \.file, "A file with more, 'NAME TOKEN' on each line, read again when it changes."),
        .optional("header", \.header, headerDocumentation)
    )

    public func validate() -> [ConfigurationProblem] {
        tokens.isEmpty && file == nil
            ? [ConfigurationProblem("'bearer' has no tokens, so nobody could pass", hint: "set tokens or file")] : []
    }
}

/// Keys, and the field that they come in.
public struct APIKeyConfiguration: NestedConfiguration {
    /// The field that has the key, which is taken out here; nil is an error.
    public var header: FieldName?
    /// The keys, each with a name; several may have the same name, so that a key can be replaced.
    public var keys: [NamedKey] = []
    /// A file with more keys, `NAME KEY` on each line, read again when it changes.
    public var file: FilePath?

    public init() {}

    /// A configuration with keys, or a file of them: one of both is required.
    public init(header: FieldName, keys: [NamedKey] = [], file: FilePath? = nil) {
        self.header = header
        self.keys = keys
        self.file = file
    }

    public static let schema = Schema<APIKeyConfiguration>(
        .required("header", \.header, "The field that has the key, X-Api-Key say. It is taken out here."),
        .optional("keys", \.keys, "The keys, each with a name. Several may have the same one, so that a key can be replaced."),
        .optional("file", \.file, "A file with more, 'NAME KEY' on each line, read again when it changes.")
    )

    public func validate() -> [ConfigurationProblem] {
        if header == nil { return [ConfigurationProblem("'api-key' needs the field that has the key", key: "header")] }
        return keys.isEmpty && file == nil
            ? [ConfigurationProblem("'api-key' has no keys, so nobody could pass", hint: "set keys or file")] : []
    }
}

/// Whose tokens are taken, and by which keys they are verified.
public struct JWTConfiguration: NestedConfiguration {
    /// A file with the issuer's keys, a JSON Web Key Set (RFC 7517, 5), read again when it changes.
    public var keys: FilePath?
    /// The URL where the issuer publishes its keys; they are fetched in the background.
    public var keysURL: String?
    /// What the claim `iss` must be.
    public var issuer = ""
    /// What the claim `aud` must be or contain, any of these.
    public var audience: [String] = []
    /// The algorithms of signatures that are taken.
    public var algorithms: [JWTAlgorithmName] = [.es256, .rs256, .eddsa]
    /// How far the issuer's clock and this one may be apart.
    public var clockSkew = Duration.seconds(60)
    /// The claim that names whom the token is for.
    public var identity = "sub"
    /// How often `keysURL` is asked.
    public var refresh = Duration.seconds(600)
    /// The field that has the token; nil for Proxy-Authorization or Authorization.
    public var header: FieldName?

    public init() {}

    /// A configuration for an issuer's tokens; `keys` or `keysURL` has to be set as well.
    public init(issuer: String, audience: [String]) {
        self.issuer = issuer
        self.audience = audience
    }

    public static let schema = Schema<JWTConfiguration>(
        .optional("keys", \.keys, "A file with the issuer's keys, a JSON Web Key Set, read again when it changes."),
        .optional(
            "keys-url", \.keysURL,
            "Where the issuer publishes its keys. They are fetched in the background; if that fails, those that are known go on counting."
        ),
        .required("issuer", \.issuer, "What the claim 'iss' must be."),
        .required("audience", \.audience, "What the claim 'aud' must be or contain, any of these."),
        .optional("algorithms", \.algorithms, "Which signatures are taken."),
        .optional(
            "clock-skew", \.clockSkew, in: .zero...(.seconds(600)), "How far the issuer's clock and this one may be apart."),
        .optional("identity", \.identity, "The claim that names whom the token is for."),
        .optional("refresh", \.refresh, in: .seconds(10)...(.seconds(86_400)), "How often keys-url is asked."),
        .optional("header", \.header, headerDocumentation)
    )

    public func validate() -> [ConfigurationProblem] {
        var problems: [ConfigurationProblem] = []
        if (keys == nil) == (keysURL == nil) {
            problems.append(ConfigurationProblem("'jwt' needs either 'keys' or 'keys-url'", key: keys == nil ? nil : "keys-url"))
        }
        if issuer.isEmpty { problems.append(ConfigurationProblem("'issuer' names nobody", key: "issuer")) }
        if audience.isEmpty { problems.append(ConfigurationProblem("'audience' names nobody", key: "audience")) }
        if algorithms.isEmpty {
            problems.append(ConfigurationProblem("'algorithms' has none, so no token could pass", key: "algorithms"))
        }
        if let url = keysURL, let problem = EndpointURL.problems(of: url).first {
            problems.append(ConfigurationProblem(problem.message, key: "keys-url", hint: problem.hint))
        } else if let url = keysURL, !url.hasPrefix("https://"), !Self.isLoopback(url) {
            problems.append(
                ConfigurationProblem(
                    "'keys-url' wants an https URL", key: "keys-url",
                    hint: "whoever changes the keys on their way can be anybody; http is for this machine alone"))
        }
        return problems
    }

    private static func isLoopback(_ url: String) -> Bool {
        guard url.hasPrefix("http://") else { return false }
        let authority = url.dropFirst("http://".count).prefix { $0 != "/" && $0 != "?" && $0 != "#" }
        return Authority(String(authority)).map { IPAddress.isThisMachine(host: $0.host) } ?? false
    }
}
