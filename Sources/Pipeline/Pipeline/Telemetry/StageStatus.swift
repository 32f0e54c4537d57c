/// How a stage is, for people and for load balancers.
public struct StageStatus: Sendable, Equatable {
    /// Something that a stage tells of itself: a name and a value.
    public struct Detail: Sendable, Equatable {
        /// What it is, in a few words: `certificate expires`.
        public var name: String
        /// How it is, as a text.
        public var value: String

        /// A name and a value.
        public init(name: String, value: String) {
            self.name = name
            self.value = value
        }
    }

    /// Why the stage can't do its work at this moment, as a sentence's end: `the tunnel is down`. Nil when it can.
    public var problem: String?
    /// What else there is to know, in order. Nothing secret, and nothing of what passes.
    public var details: [Detail]
    /// The certificate that the stage shows to peers; nil for one that shows none.
    public var certificate: ShownCertificate?

    /// A certificate that peers are shown.
    public struct ShownCertificate: Sendable, Equatable {
        /// The distinguished name, RFC 4514.
        public var subject: String
        /// The names that it is for: DNS names, then URIs.
        public var names: [String]
        /// When it, or one that it depends on, ends, in seconds of the Unix epoch.
        public var end: Int

        /// A certificate by what is shown of it.
        public init(subject: String, names: [String], end: Int) {
            self.subject = subject
            self.names = names
            self.end = end
        }
    }

    /// A status whose details stay in the order given.
    public init(
        problem: String? = nil, details: KeyValuePairs<String, String> = [:], certificate: ShownCertificate? = nil
    ) {
        self.problem = problem
        self.certificate = certificate
        self.details = details.map { Detail(name: $0.key, value: $0.value) }
    }

    /// The stage can do its work and has nothing to tell.
    public static let ready = StageStatus()
}

extension Telemetry {
    /// The running stages with how each is, in the order of the list.
    public func statuses() async -> [(place: StagePlace, status: StageStatus)] {
        var result: [(StagePlace, StageStatus)] = []
        for entry in stages { result.append((entry.place, await entry.status())) }
        return result
    }

    /// Why the pipeline can't take work now; empty when it can.
    public func problems() async -> [String] {
        switch phase {
        case .starting: return ["it is starting"]
        case .draining: return ["it is draining: what is open may finish, nothing new is taken"]
        case .running: break
        }
        return await statuses().compactMap { place, status in
            status.problem.map { "\(place.name) (stage \(place.path)): \($0)" }
        }
    }
}
