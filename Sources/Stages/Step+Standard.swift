public import ConfigurationLanguage
public import ControlStages
public import Pipeline

// The stages that come with the program, as steps of a list in Swift code. What a step has no parameter for is set by its
// closure, which gets the stage's configuration: the keys of a file, as properties, with the same defaults.

// MARK: - Sources

extension Step where Input == Start, Output == Inbound {
    /// Listens for connections.
    public static func accept(
        _ listen: ListenAddress, _ change: (inout AcceptConfiguration) -> Void = { _ in }
    ) -> Step {
        Step(AcceptFactory()) {
            $0.listen = listen
            change(&$0)
        }
    }
}

extension Step where Input == Start, Output == Exchange {
    /// Speaks the AWS Lambda Runtime API.
    public static func lambda(_ change: (inout LambdaConfiguration) -> Void = { _ in }) -> Step {
        Step(LambdaFactory(), change)
    }
}

// MARK: - Transports

extension Step where Input == Inbound, Output == Inbound {
    /// TLS with certificates on both sides, as the server.
    ///
    /// - Parameters:
    ///   - certificate: This side's, with intermediate certificates behind it.
    ///   - key: The certificate's private key.
    ///   - ca: The private authority that clients' certificates must come from.
    public static func mtlsServer(certificate: PEMSource, key: PEMSource, ca: PEMSource) -> Step {
        Step(MTLSFactory(), MTLSConfiguration(certificate: certificate, key: key, ca: ca))
    }
}

extension Step where Input == Outbound, Output == Outbound {
    /// TLS with certificates on both sides, as the client.
    ///
    /// - Parameters:
    ///   - certificate: This side's, with intermediate certificates behind it.
    ///   - key: The certificate's private key.
    ///   - ca: The private authority that the server's certificate must come from.
    ///   - name: The DNS name or URI that the server's certificate must have; by default the host that is dialled.
    public static func mtlsClient(certificate: PEMSource, key: PEMSource, ca: PEMSource, name: String? = nil) -> Step {
        Step(MTLSFactory(), MTLSConfiguration(certificate: certificate, key: key, ca: ca, name: name))
    }
}

extension Step where Input == Inbound, Output == Exchange {
    /// Speaks HTTP with clients.
    public static func http(_ change: (inout HTTPConfiguration) -> Void = { _ in }) -> Step {
        Step(HTTPFactory(), change)
    }

    /// Speaks SOCKS5 with clients.
    public static func socks(_ change: (inout SOCKSConfiguration) -> Void = { _ in }) -> Step {
        Step(SOCKSFactory(), change)
    }

    /// Speaks HTTP or SOCKS5 with clients, whichever each begins with.
    public static func detect(_ change: (inout DetectConfiguration) -> Void = { _ in }) -> Step {
        Step(DetectFactory(), change)
    }

    /// The server's end of a tunnel.
    public static func frameServer(_ change: (inout FrameConfiguration) -> Void = { _ in }) -> Step {
        Step(FrameFactory(), change)
    }
}

extension Step where Input == Exchange, Output == Outbound {
    /// The agent's end of a tunnel.
    public static func frameClient(_ change: (inout FrameConfiguration) -> Void = { _ in }) -> Step {
        Step(FrameFactory(), change)
    }
}

// MARK: - Filters

extension Step where Input == Exchange, Output == Exchange {
    /// Finds out who a client is, by the first of the methods that succeeds.
    public static func auth(
        _ methods: AuthMethodConfiguration..., change: (inout AuthConfiguration) -> Void = { _ in }
    ) -> Step {
        Step(AuthFactory()) {
            $0.methods = methods
            change(&$0)
        }
    }

    /// Decides where exchanges may go, by the first of the rules that fits.
    public static func egress(_ rules: EgressRule..., otherwise: EgressVerdict = .deny) -> Step {
        Step(EgressFactory()) {
            $0.rules = rules.map { Positioned($0) }
            $0.otherwise = otherwise
        }
    }

    /// Limits requests, open exchanges and bytes. The closure sets at least one of them.
    public static func rateLimit(
        by key: RateLimitKey, _ change: (inout RateLimitConfiguration) -> Void
    ) -> Step {
        Step(RateLimitFactory()) {
            $0.by = key
            change(&$0)
        }
    }

    /// Changes fields of requests and responses.
    public static func headers(
        request: FieldChanges = FieldChanges(), response: FieldChanges = FieldChanges(), forwardedFor: ForwardedFor = .off
    ) -> Step {
        Step(HeadersFactory()) {
            $0.request = request
            $0.response = response
            $0.forwardedFor = forwardedFor
        }
    }

    /// Deflates bodies on the way between agent and server, if it stands on both sides.
    public static func compress(_ change: (inout CompressConfiguration) -> Void = { _ in }) -> Step {
        Step(CompressFactory(), change)
    }

    /// Stops asking an origin that keeps failing.
    public static func circuitBreaker(
        _ change: (inout CircuitBreakerConfiguration) -> Void = { _ in }
    ) -> Step {
        Step(CircuitBreakerFactory(), change)
    }

    /// Sends idempotent requests again when there is no response to them.
    public static func retry(_ change: (inout RetryConfiguration) -> Void = { _ in }) -> Step {
        Step(RetryFactory(), change)
    }

    /// Disturbs exchanges by chance. The closure names at least one fault.
    public static func fault(_ change: (inout FaultConfiguration) -> Void) -> Step {
        Step(FaultFactory(), change)
    }

    /// Writes a line for each exchange.
    public static func accessLog(
        to path: OutputPath = .standardError, _ change: (inout AccessLogConfiguration) -> Void = { _ in }
    ) -> Step {
        Step(AccessLogFactory()) {
            $0.to = path
            change(&$0)
        }
    }

    /// Reports to Amazon CloudWatch how much the pipeline is used.
    public static func metrics(cloudwatch: CloudWatchSettings) -> Step {
        Step(MetricsFactory()) { $0.cloudwatch = cloudwatch }
    }
}

// MARK: - Sinks

extension Step where Input == Outbound, Output == End {
    /// Keeps connections to the server.
    public static func connect(
        to server: HostPort, _ change: (inout ConnectConfiguration) -> Void = { _ in }
    ) -> Step {
        Step(ConnectFactory()) {
            $0.to = .fixed(server)
            change(&$0)
        }
    }
}

extension Step where Input == Exchange, Output == End {
    /// Sends each request to its origin.
    public static func fetch(_ change: (inout FetchConfiguration) -> Void = { _ in }) -> Step {
        Step(FetchFactory(), change)
    }

    /// Gives every request the same answer.
    public static func respond(
        status: Int = 200, body: String = "", _ change: (inout RespondConfiguration) -> Void = { _ in }
    ) -> Step {
        Step(RespondFactory()) {
            $0.status = status
            $0.body = body
            change(&$0)
        }
    }

    /// Answers for the pipeline that it stands in: `/livez`, `/readyz`, `/metrics` and `/pipeline`.
    public static func admin(_ change: (inout AdminConfiguration) -> Void = { _ in }) -> Step {
        Step(AdminFactory(), change)
    }

    /// Wakes an ECS service, puts it to sleep, kills it, or says how it is.
    public static func ecsService(
        _ action: ECSServiceAction, _ change: (inout ECSServiceConfiguration) -> Void = { _ in }
    ) -> Step {
        Step(ECSServiceFactory()) {
            $0.action = action
            change(&$0)
        }
    }
}
