public import ConfigurationLanguage
package import Pipeline

/// The ways to the server that are tried, in order.
public struct Via: Sendable, Equatable, ConfigurationValue {
    enum Step: Sendable, Equatable {
        case direct
        /// What `HTTPS_PROXY` and `NO_PROXY` say.
        case environment
        case proxy(ProxyAddress)
    }

    let steps: [Step]

    /// A connection to the server itself, through no proxy.
    public static let direct = Via(steps: [.direct])
    /// The proxy that `HTTPS_PROXY` names, if `NO_PROXY` doesn't except the server.
    public static let environment = Via(steps: [.environment])

    /// An HTTP proxy, in whose field Proxy-Authorization user and password go (RFC 7617), if they are given.
    public static func proxy(host: String, port: Int, user: String? = nil, password: Secret? = nil) -> Via {
        var address = ProxyAddress(host: host, port: port)
        if let user { address.credentials = Secret("\(user):\(password?.revealed ?? "")") }
        return Via(steps: [.proxy(address)])
    }

    /// This way, and where it leads nowhere the other one.
    public func orElse(_ other: Via) -> Via { Via(steps: steps + other.steps) }

    public static var shape: ValueShape { .oneOf([.text, .list(.text)]) }
    public static var typeDescription: String {
        "a proxy such as http://proxy.example:3128, 'environment', 'direct', or a list of these"
    }

    /// That there are credentials is told, but not which.
    public var printed: String { steps.count == 1 ? Entry(step: steps[0]).printed : steps.map { Entry(step: $0) }.printed }

    public static func decode(_ node: ConfigurationNode, in context: DecodingContext) -> Via? {
        if case .scalar = node.content { return Entry.decode(node, in: context).map { Via(steps: [$0.step]) } }
        guard case .sequence(let entries) = node.content, !entries.isEmpty else {
            context.reject(node, wanted: typeDescription)
            return nil
        }
        return [Entry].decode(node, in: context).map { Via(steps: $0.map(\.step)) }
    }

    private struct Entry: ConfigurationValue {
        let step: Step

        static var typeDescription: String { "a proxy such as http://proxy.example:3128, 'environment' or 'direct'" }

        static func decode(_ node: ConfigurationNode, in context: DecodingContext) -> Entry? {
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
            case .proxy(let proxy): "\"http://\(proxy.credentials == nil ? "" : "\(Secret.redacted)@")\(proxy.text)\""
            }
        }
    }
}

/// One way to the server.
package enum Route: Sendable, Hashable {
    /// A connection to the server itself.
    case direct
    /// A CONNECT through an HTTP proxy.
    case proxy(ProxyAddress)

    /// The way for logs, without credentials.
    package var text: String {
        switch self {
        case .direct: "direct"
        case .proxy(let proxy): proxy.text
        }
    }
}

extension ConnectConfiguration {
    /// The ways that are tried, each once. While the server isn't known, the environment's exceptions can't be asked.
    package func routes(to server: HostPort?, in environment: ProxyEnvironment) throws(StageError) -> [Route] {
        var routes: [Route] = []
        for step in via.steps {
            var route: Route
            switch step {
            case .direct: route = .direct
            case .proxy(let address): route = .proxy(address)
            case .environment: route = try environment.route(to: server)
            }
            if case .proxy(var address) = route, address.credentials == nil, let viaUser {
                address.credentials = Secret("\(viaUser):\(viaPassword?.revealed ?? "")")
                route = .proxy(address)
            }
            if !routes.contains(route) { routes.append(route) }
        }
        return routes
    }
}
