public import ConfigurationLanguage
package import Pipeline

/// The ways to the server that are tried, in order.
public struct Via: Sendable, Equatable, ConfigurationValue {
    enum Step: Sendable, Equatable {
        case direct
        /// What `HTTPS_PROXY` and `NO_PROXY` say.
        case environment
        case proxy(ProxyAddress)
        /// What a proxy auto-configuration says.
        case script(ProxyScriptPlace)
    }

    let steps: [Step]

    /// A connection to the server itself, through no proxy.
    public static let direct = Via(steps: [.direct])
    /// The proxy that `HTTPS_PROXY` names, if `NO_PROXY` doesn't except the server.
    public static let environment = Via(steps: [.environment])

    /// What a proxy auto-configuration says of the server.
    public static func script(_ place: ProxyScriptPlace) -> Via { Via(steps: [.script(place)]) }

    /// An HTTP proxy, which is shown user and password, if they are given, as it wants them.
    ///
    /// - Parameter isSecure: Whether the proxy is spoken to over TLS.
    public static func proxy(
        host: String, port: Int, user: String? = nil, password: Secret? = nil, isSecure: Bool = false
    ) -> Via {
        var address = ProxyAddress(host: host, port: port, isSecure: isSecure)
        if let user { address.credentials = Secret("\(user):\(password?.revealed ?? "")") }
        return Via(steps: [.proxy(address)])
    }

    /// This way, and where it leads nowhere the other one.
    public func orElse(_ other: Via) -> Via { Via(steps: steps + other.steps) }

    /// Whether what the environment says counts.
    package var usesEnvironment: Bool { steps.contains(.environment) }

    public static var shape: ValueShape { .oneOf([Entry.shape, .list(Entry.shape)]) }
    public static var keys: [SchemaDescription] { ScriptWay.keys }
    public static var typeDescription: String {
        "a proxy such as http://proxy.example:3128, 'environment', 'direct', { pac: … } for a script, or a list of these"
    }

    /// The scripts that are to be asked.
    var scripts: [ProxyScriptPlace] { steps.compactMap { if case .script(let place) = $0 { place } else { nil } } }

    /// That there are credentials is told, but not which.
    public var printed: String { steps.count == 1 ? Entry(step: steps[0]).printed : steps.map { Entry(step: $0) }.printed }

    public static func decode(_ node: ConfigurationNode, in context: DecodingContext) -> Via? {
        switch node.content {
        case .scalar, .mapping: return Entry.decode(node, in: context).map { Via(steps: [$0.step]) }
        case .sequence, .null: break
        }
        guard case .sequence(let entries) = node.content, !entries.isEmpty else {
            context.reject(node, wanted: "\(typeDescription), one at least")
            return nil
        }
        return [Entry].decode(node, in: context).map { Via(steps: $0.map(\.step)) }
    }

    private struct Entry: ConfigurationValue {
        let step: Step

        static var typeDescription: String {
            "a proxy such as http://proxy.example:3128, 'environment', 'direct', or { pac: … } for a script"
        }
        static var shape: ValueShape { .oneOf([.text, .mapping]) }
        static var keys: [SchemaDescription] { ScriptWay.keys }

        static func decode(_ node: ConfigurationNode, in context: DecodingContext) -> Entry? {
            if case .mapping = node.content { return ScriptWay.decode(node, in: context).map { Entry(step: .script($0.pac)) } }
            guard case .scalar(let scalar) = node.content else {
                context.reject(node, wanted: typeDescription)
                return nil
            }
            switch scalar.text {
            case "direct": return Entry(step: .direct)
            case "environment": return Entry(step: .environment)
            default: break
            }
            // Rather a word that is misspelt than a proxy.
            guard scalar.text.contains(":") else {
                context.reject(
                    node, wanted: typeDescription,
                    InvalidValue("scheme and port are missing", hint: "for a proxy of that name: http://\(scalar.text):3128"))
                return nil
            }
            // What stands before an @ may be a password.
            let node = scalar.text.contains("@") ? context.conceal(node) : node
            do throws(InvalidValue) {
                return Entry(step: .proxy(try ProxyAddress(url: scalar.text)))
            } catch {
                context.reject(node, wanted: typeDescription, error)
                return nil
            }
        }

        var printed: String {
            switch step {
            case .direct: "direct"
            case .environment: "environment"
            case .script(let place): "{ pac: \(place.printed) }"
            case .proxy(let proxy):
                "\"\(proxy.isSecure ? "https" : "http")://\(proxy.credentials == nil ? "" : "\(Secret.redacted)@")\(proxy.text)\""
            }
        }
    }
}

/// A way that a script decides.
struct ScriptWay: NestedConfiguration {
    var pac = ProxyScriptPlace.file(FilePath(""))

    static let schema = Schema<ScriptWay>(
        .required("pac", \.pac, "Where the network's proxy auto-configuration is: a URL, or the path of a file."))
}

extension ConnectConfiguration {
    /// The ways that are tried, each once. While the server isn't known, the environment's exceptions can't be asked.
    ///
    /// - Parameter scripts: What those say that `via` has, as far as they were asked.
    package func routes(
        to server: HostPort?, in environment: ProxyEnvironment, scripts: [ProxyScriptPlace: ProxyScripts.Outcome] = [:]
    ) throws(StageError) -> [Route] {
        var routes: [Route] = []
        for step in via.steps {
            let found: [Route]
            switch step {
            case .direct: found = [.direct]
            case .proxy(let address): found = [.proxy(address)]
            case .environment: found = [try environment.route(to: server)]
            case .script(let place):
                switch scripts[place] {
                case .success(let routes)?: found = routes
                case .failure(let error)?: found = [.nowhere(error.message)]
                case nil: found = [.nowhere("the proxy auto-configuration \(place.text) hasn't been asked yet")]
                }
            }
            for var route in found {
                if case .proxy(var address) = route, address.credentials == nil, let viaUser, viaKeytab == nil {
                    address.credentials = Secret("\(viaUser):\(viaPassword?.revealed ?? "")")
                    route = .proxy(address)
                }
                if !routes.contains(route) { routes.append(route) }
            }
        }
        return routes
    }
}
