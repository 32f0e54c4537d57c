import ConfigurationLanguage
import Logging
import NIOCore
import NIOPosix
import Pipeline
import Platform
import ServerWaking
import TunnelStages

/// Goes the way of a request step by step, and says at each what it found.
struct Examination {
    private let wishes: TunnelTrial.Wishes
    /// Told of each finding as soon as there is one.
    private let onFinding: (Finding) -> Void
    private let group: any EventLoopGroup
    private let logger: Logger

    private(set) var report: DoctorReport
    /// What others say of the time, in seconds of the Unix epoch, and who.
    private var times: [(who: String, time: Int, at: Int)] = []

    init(
        file: String, on group: any EventLoopGroup, logger: Logger, _ wishes: TunnelTrial.Wishes,
        onFinding: @escaping (Finding) -> Void
    ) {
        report = DoctorReport(file: file)
        self.group = group
        self.logger = logger
        self.wishes = wishes
        self.onFinding = onFinding
    }

    private mutating func add(_ finding: Finding) {
        report.findings.append(finding)
        onFinding(finding)
    }

    /// All of it.
    ///
    /// - Parameter load: Reads the file.
    mutating func run(_ load: () throws -> LoadedConfiguration, text: () throws -> String) async throws {
        let began = ContinuousClock.now
        let configuration: LoadedConfiguration
        do {
            configuration = try load()
        } catch {
            guard let sentence = Self.sentence(error) else { throw error }
            add(Finding(.configuration, .problem, sentence))
            report.verdict = "The configuration can't be read: mend that first."
            return
        }
        add(Finding(.configuration, .good, "\(configuration.file) can be read, with all files that it names", in: .now - began))
        for warning in configuration.warnings { add(Finding(.configuration, .warning, Self.line(warning.description))) }
        let tunnels = configuration.tunnels
        guard !tunnels.isEmpty else {
            add(Finding(.configuration, .problem, "no list in it has 'frame' and 'connect': it has no tunnel to look at"))
            report.verdict = "There is no tunnel in this configuration: 'fluidity doctor' is for an agent's."
            return
        }
        examineClock(configuration)
        for tunnel in tunnels { examineCertificates(tunnel) }
        examineEnvironment(tunnels)
        let address = await examineControl(configuration)
        report.works = true
        for tunnel in tunnels where try await !examine(tunnel, of: configuration, discovered: address) { report.works = false }
        compareClocks()
        if !report.works { try await findBetter(configuration, tunnels, text) }
        report.verdict = verdict
    }

    static func sentence(_ error: any Error) -> String? {
        switch error {
        case let errors as ConfigurationErrors: line(errors.description)
        case let error as StageError: error.message
        default: nil
        }
    }

    /// Several lines in one.
    private static func line(_ text: String) -> String { ForeignText.line(text, limit: 600) }

    // MARK: - Beside the way

    private mutating func examineCertificates(_ tunnel: LoadedConfiguration.Tunnel) {
        for case let mtls as MTLSConfiguration in tunnel.stages.map(\.configuration) {
            do throws(StageError) {
                let own = try TLSCredentials(certificate: mtls.certificate, key: mtls.key, ca: mtls.ca, role: .client)
                for warning in own.warnings { add(Finding(.certificates, .warning, warning)) }
                add(
                    Finding(
                        .certificates, .good,
                        "\(mtls.certificate) is for \(own.identity.names), goes with its key and its authority, and counts until "
                            + Timestamp.utc(own.notAfter)))
            } catch {
                add(Finding(.certificates, .problem, error.message))
            }
        }
    }

    private mutating func examineEnvironment(_ tunnels: [LoadedConfiguration.Tunnel]) {
        let named = ProxyEnvironment.process.namedProxy
        let uses = tunnels.contains { ($0.stages.last?.configuration as? ConnectConfiguration)?.via.usesEnvironment == true }
        switch (named, uses) {
        case (nil, false): add(Finding(.environment, .good, "no variable names a proxy"))
        case (nil, true):
            add(Finding(.environment, .warning, "'via' goes by the environment, which names no proxy: the way is direct"))
        case (let proxy?, true): add(Finding(.environment, .good, "\(proxy), which 'via' goes by"))
        case (let proxy?, false):
            add(Finding(.environment, .good, "\(proxy), which 'via' doesn't go by; 'via: environment' would"))
        }
    }

    private mutating func examineControl(_ configuration: LoadedConfiguration) async -> HostPort? {
        guard let lifecycle = configuration.lifecycle else { return nil }
        guard lifecycle.statusEndpoint != nil else {
            add(Finding(.control, .skipped, "'lifecycle' has no 'status-endpoint', which could be asked without waking anybody"))
            return nil
        }
        let client = ControlClient(settings: lifecycle, group: group, logger: logger)
        let began = ContinuousClock.now
        var found: HostPort?
        do throws(ControlClient.Problem) {
            let status = try await client.status()
            found = status.address.flatMap { try? HostPort(configured: $0) }
            let place = status.address.map { " at \(ForeignText.line($0, limit: 80))" } ?? ""
            add(
                Finding(
                    .control, status.ready ? .good : .warning,
                    "the status endpoint takes the key, and says that the server is \(ForeignText.line(status.status, limit: 30))\(place)",
                    in: .now - began))
        } catch {
            add(Finding(.control, .problem, "the status endpoint: \(error.message)", in: .now - began))
        }
        await client.shutdown()
        return found
    }

    // MARK: - The way

    /// - Returns: Whether it leads to a server.
    private mutating func examine(
        _ tunnel: LoadedConfiguration.Tunnel, of configuration: LoadedConfiguration, discovered: HostPort?
    ) async throws -> Bool {
        guard let connect = tunnel.stages.last?.configuration as? ConnectConfiguration else { return false }
        guard let first = connect.to.known ?? discovered else {
            add(Finding(.names, .skipped, "where the server is, only the status endpoint can say"))
            return false
        }
        let servers = connect.to.each
        guard servers.count > 1 else {
            return try await examine(
                connect.to == .discover ? .fixed(first) : connect.to, at: first, named: nil, tunnel, of: configuration,
                wishes: wishes)
        }
        // Each, since the others are dialled when this one is gone: that is no time to find out what is in their way.
        var works = false
        for server in servers {
            guard let place = server.known else { continue }
            let does = try await examine(
                server, at: place, named: "\(place)", tunnel, of: configuration, wishes: works ? nil : wishes)
            works = works || does
        }
        return works
    }

    /// All ways to one server.
    ///
    /// - Parameter name: For people, where there are several servers.
    /// - Returns: Whether one leads there.
    private mutating func examine(
        _ address: ServerAddress, at server: HostPort, named name: String?, _ tunnel: LoadedConfiguration.Tunnel,
        of configuration: LoadedConfiguration, wishes: TunnelTrial.Wishes?
    ) async throws -> Bool {
        guard var connect = tunnel.stages.last?.configuration as? ConnectConfiguration else { return false }
        connect.to = address
        let routes: [Route]
        do throws(StageError) { routes = try await WayInspection.routes(connect, to: server, on: group.next()) } catch {
            add(Finding(.environment, .problem, error.message, on: name))
            return false
        }
        var works = false
        for (index, route) in routes.enumerated() {
            let trial = TunnelTrial(configuration: configuration, tunnel: tunnel, logger: logger)
            let way = Way(
                trial: trial, connect: connect.by(route), route: route, server: server,
                name: Self.name(of: route, among: routes, to: name), idleWish: wishes?.idle)
            // Ways behind one that leads there are looked at as far as nothing is opened through them.
            if try await examine(way, wishes: works ? nil : wishes) { works = true }
            if works, index + 1 < routes.count {
                add(Finding(.tcp, .skipped, "the ways behind this one are tried when it fails", on: name))
                break
            }
        }
        return works
    }

    /// What a way is called, where there are several: `b.example:8443`, `http://proxy.example:3128`, or one through the other.
    private static func name(of route: Route, among routes: [Route], to server: String?) -> String? {
        guard routes.count > 1 || route != .direct else { return server }
        return server.map { "\($0) by \(route.text)" } ?? route.text
    }

    /// One way of one tunnel.
    struct Way {
        let trial: TunnelTrial
        let connect: ConnectConfiguration
        let route: Route
        let server: HostPort
        /// For people, where there are several.
        let name: String?
        /// How long a connection is to be idle.
        var idleWish: Duration?
    }

    private mutating func examine(_ way: Way, wishes: TunnelTrial.Wishes?) async throws -> Bool {
        let place: HostPort
        switch way.route {
        case .direct: place = way.server
        case .proxy(let proxy): place = HostPort(host: proxy.host, port: proxy.port)
        case .nowhere(let reason):
            add(Finding(.proxy, .problem, reason, on: way.name))
            return false
        }
        guard let address = await examineAddresses(of: place, way) else { return false }
        if case .proxy(let proxy) = way.route { await examine(proxy, at: address, way) }
        let outcome: TunnelTrial.Outcome
        do { outcome = try await way.trial.run(way.connect, wishes ?? .init()) } catch {
            guard let sentence = Self.sentence(error) else { throw error }
            add(Finding(.tls, .problem, sentence, on: way.name))
            return false
        }
        for finding in TrialFindings(outcome, way).findings { add(finding) }
        if !outcome.works, outcome.seen.place == .open, case .direct = way.route { await examinePortal(at: address, way) }
        return outcome.works
    }

    /// - Returns: One that takes connections.
    private mutating func examineAddresses(of place: HostPort, _ way: Way) async -> SocketAddress? {
        let began = ContinuousClock.now
        let addresses: [SocketAddress]
        do throws(StageError) {
            addresses = try await WayInspection.addresses(of: place, by: way.connect, on: group.next())
        } catch {
            add(Finding(.names, .problem, error.message, in: .now - began, on: way.name))
            return nil
        }
        let texts = addresses.map { $0.ipAddress ?? "\($0)" }
        if texts != [place.host] {
            add(Finding(.names, .good, "\(place.host) is \(texts.joined(separator: ", "))", in: .now - began, on: way.name))
        }
        var (usable, found): (SocketAddress?, [(good: Bool, text: String, time: Duration?)]) = (nil, [])
        for address in addresses {
            let text = "\(address.ipAddress ?? "\(address)") port \(place.port)"
            do throws(StageError) {
                let took = try await WayInspection.connect(to: address, within: min(way.connect.timeout, .seconds(5)), on: group)
                found.append((true, "\(text) takes connections", took))
                usable = usable ?? address
            } catch {
                let isSilent = error.message == "connecting took too long"
                let reason =
                    isSilent
                    ? "doesn't answer: what is sent there is dropped on the way, by a firewall say" : "takes none: \(error.message)"
                found.append((false, "\(text) \(reason)", nil))
            }
        }
        // One that takes none is no obstacle where another does.
        let worse = usable == nil ? Finding.State.problem : .warning
        for (good, text, time) in found { add(Finding(.tcp, good ? .good : worse, text, in: time, on: way.name)) }
        return usable
    }

    private mutating func examine(_ proxy: ProxyAddress, at address: SocketAddress, _ way: Way) async {
        let began = ContinuousClock.now
        let says = await WayInspection.ask(proxy, for: way.server, at: address, by: way.connect, on: group)
        let took = ContinuousClock.now - began
        if says.opens {
            add(
                Finding(
                    .proxy, .good, "the proxy \(proxy.text) opens the way to \(way.server) for everybody", in: took, on: way.name))
        } else if !says.offers.isEmpty {
            let offers = says.offers.map { ForeignText.line($0, limit: 32) }.joined(separator: ", ")
            add(Finding(.proxy, .good, "the proxy \(proxy.text) wants to know who asks, by \(offers)", in: took, on: way.name))
        } else if let refusal = says.refusal {
            add(Finding(.proxy, .problem, refusal, in: took, on: way.name))
        }
        guard !proxy.isSecure, let answer = await PlainAnswer.ask(address, host: proxy.text, on: group) else { return }
        if let date = answer.date { times.append(("the proxy \(proxy.text)", date, WallTime.seconds)) }
    }

    /// Who answers in the server's place?
    private mutating func examinePortal(at address: SocketAddress, _ way: Way) async {
        guard let answer = await PlainAnswer.ask(address, host: "\(way.server)", on: group) else { return }
        if let date = answer.date { times.append(("what answers there", date, WallTime.seconds)) }
        let page = answer.text.isEmpty ? "" : ", \"\(answer.text)\""
        let portal = answer.location.map { ": it leads to \($0), a captive portal's page probably, which a browser opens" } ?? page
        add(
            Finding(
                .tls, .problem, "what answers at \(way.server) speaks HTTP without TLS (\(answer.status))\(portal)", on: way.name))
    }

    // MARK: - The time

    private mutating func examineClock(_ configuration: LoadedConfiguration) {
        let now = WallTime.seconds
        if let written = FileStamp(configuration.file)?.seconds, written > now + 86_400 {
            add(
                Finding(
                    .clock, .problem,
                    "this machine's clock says \(Timestamp.utc(now)), and \(configuration.file) was written on \(Timestamp.utc(written)): it is behind"
                ))
        } else {
            add(Finding(.clock, .good, "this machine's clock says \(Timestamp.utc(now))"))
        }
    }

    private mutating func compareClocks() {
        for other in times {
            let difference = other.time - other.at
            guard abs(difference) > 120 else { continue }
            let minutes = abs(difference) / 60
            let time = minutes > 2_880 ? "\(minutes / 1_440) days" : "\(minutes) minutes"
            add(
                Finding(
                    .clock, abs(difference) > 300 ? .problem : .warning,
                    "this machine's clock is \(time) \(difference > 0 ? "behind" : "ahead of") the one of \(other.who): certificates and Kerberos tickets go by it"
                ))
            return
        }
    }

    private var verdict: String {
        guard !report.works else {
            let open = report.findings.contains { $0.state != .good && $0.state != .skipped }
            return open ? "Requests get through; look at the warnings." : "Requests get through."
        }
        // What comes first on the way is what the rest may follow from: a clock that is wrong, of certificates that don't count.
        let steps = Finding.Step.allCases
        func order(_ finding: Finding) -> Int { steps.firstIndex(of: finding.step) ?? steps.count }
        let first = report.findings.filter { $0.state == .problem }.min { order($0) < order($1) }
        let reason = first.map { " It ends at \($0.step.rawValue): \($0.text)." } ?? ""
        let other = suggestion.map { " Another configuration works: with '\($0.key): \($0.value)' in 'connect'." } ?? ""
        return "Nothing gets through.\(reason)\(other)"
    }

    // MARK: - Another configuration

    /// What was changed in it.
    private var suggestion: (key: String, value: String)?

    private mutating func findBetter(
        _ configuration: LoadedConfiguration, _ tunnels: [LoadedConfiguration.Tunnel], _ text: () throws -> String
    ) async throws {
        // What a way needs in another list nobody can know from here.
        guard tunnels.count == 1, tunnels[0].path == "pipeline", let source = try? text(),
            var connect = tunnels[0].stages.last?.configuration as? ConnectConfiguration, let server = connect.to.known
        else { return }
        connect.to = connect.to.each[0]
        let trial = TunnelTrial(configuration: configuration, tunnel: tunnels[0], logger: logger)
        for candidate in Alternative.all(connect, findings: report.findings) {
            guard
                let changed = try? ConfigurationEditor(text: source, file: configuration.file)
                    .setting(path: "pipeline.connect.\(candidate.key)", to: candidate.value)
            else { continue }
            let routes = (try? await WayInspection.routes(candidate.connect, to: server, on: group.next())) ?? []
            for route in routes {
                guard let outcome = try? await trial.run(candidate.connect.by(route)), outcome.works else { continue }
                suggestion = (candidate.key, candidate.value)
                report.better = changed
                return
            }
        }
    }
}
