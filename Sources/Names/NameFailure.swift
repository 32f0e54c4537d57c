/// Why a name has no address.
package enum NameFailure: Error, Sendable, Hashable, CaseIterable {
    /// A name server says that it doesn't exist (NXDOMAIN).
    case noSuchName
    /// It exists and has no address (NODATA).
    case noAddress
    /// No name of a host: it can't be asked for.
    case malformed
    /// Name servers answered that they can't or won't say (SERVFAIL, REFUSED and the like), or can't be reached: c-ares before 1.19 tells
    /// the two not apart.
    case serverFailed
    /// A name server answered with what makes no sense.
    case answerInvalid
    /// Name servers were asked again and again, and none answered.
    case noAnswer
    /// The time of whoever asked is over.
    case deadline
    /// There was no file descriptor for the question.
    case noDescriptor
    /// Too many names are being looked up.
    case tooMany

    /// Whether name servers said for certain that there is no such address.
    package var isCertain: Bool {
        switch self {
        case .noSuchName, .noAddress, .malformed: true
        case .serverFailed, .answerInvalid, .noAnswer, .deadline, .noDescriptor, .tooMany: false
        }
    }

    /// Whether it was a matter of time.
    package var isTimeout: Bool { self == .noAnswer || self == .deadline }

    /// Whether to ask again at once could help: nobody was asked.
    var isOfThisMachine: Bool { self == .noDescriptor || self == .tooMany || self == .deadline }

    /// For metrics.
    package var name: String {
        switch self {
        case .noSuchName: "no-such-name"
        case .noAddress: "no-address"
        case .malformed: "malformed"
        case .serverFailed: "server-failed"
        case .answerInvalid: "answer-invalid"
        case .noAnswer: "no-answer"
        case .deadline: "deadline"
        case .noDescriptor: "no-descriptor"
        case .tooMany: "too-many"
        }
    }

    /// For a person.
    ///
    /// - Parameter time: How long was waited; nil where that was known before.
    package func sentence(about name: String, after time: Duration?) -> String {
        switch self {
        case .noSuchName: "the name '\(name)' doesn't exist"
        case .noAddress: "the name '\(name)' has no address"
        case .malformed: "'\(name)' is no name that name servers could be asked for"
        case .serverFailed: "the name '\(name)' can't be resolved: the name servers fail, refuse or can't be reached"
        case .answerInvalid: "the name '\(name)' can't be resolved: a name server's answer makes no sense"
        case .noAnswer, .deadline:
            "the name '\(name)' can't be resolved: no name server answered" + (time.map { " in \(Self.text($0))" } ?? "")
        case .noDescriptor: "the name '\(name)' can't be resolved: there is no file descriptor left for the question"
        case .tooMany: "the name '\(name)' can't be resolved: too many names are being looked up"
        }
    }

    private static func text(_ time: Duration) -> String {
        let milliseconds = time.components.seconds * 1_000 + time.components.attoseconds / 1_000_000_000_000_000
        guard milliseconds >= 1_000 else { return "\(milliseconds) ms" }
        let tenths = (milliseconds + 50) / 100
        return tenths % 10 == 0 ? "\(tenths / 10) s" : "\(tenths / 10).\(tenths % 10) s"
    }
}
