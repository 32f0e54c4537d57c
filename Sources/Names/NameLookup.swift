import NIOCore
import Pipeline

/// One name that is being looked up, on the thread of c-ares: in the hosts file and at the name servers, in the system's order, name by
/// name of the search list.
final class NameLookup {
    /// How long a family's answer is waited for when the other's is there (RFC 8305, 3).
    private static let resolutionDelay = TimeAmount.milliseconds(50)

    let question: NameQuestion
    private(set) var isOver = false
    /// Counts the names that were asked for: what belongs to one before isn't wanted any more.
    private(set) var round = 0
    /// Until when the other family's answer is waited for.
    private(set) var delay: NIODeadline?
    private let channels: CaresChannels
    private var settings: NameSettings?
    private var sources: ArraySlice<NameSettings.Source> = []
    private var candidates: ArraySlice<String> = []
    private var channel: CaresChannel?
    private var answers = FamilyAnswers()
    private var hasReported = false
    /// What the names before have come to.
    private var soFar = NameFailure.noSuchName

    init(_ question: NameQuestion, channels: CaresChannels) {
        self.question = question
        self.channels = channels
    }

    func begin() {
        let kind = NameKind(question.name)
        guard kind != .malformed else { return end(.failed(.malformed)) }
        guard let settings = channels.currentSettings() else { return end(.failed(Self.unable)) }
        self.settings = settings
        switch kind {
        case .malformed, .ordinary:
            sources = settings.sources[...]
            // Who names name servers wants them asked.
            if !question.servers.isEmpty, !sources.contains(.servers) { sources.append(.servers) }
        case .localhost, .nonexistent:
            sources = [.hosts]
        }
        nextSource()
    }

    /// Nobody wants it any more.
    func cancel() {
        guard !isOver else { return }
        isOver = true
        release()
    }

    // MARK: - Sources

    private func nextSource() {
        switch sources.popFirst() {
        case .hosts?:
            let name = question.name.hasSuffix(".") ? String(question.name.dropLast()) : question.name
            let addresses = channels.hosts(name)
            // Read anew for each question, so that what is changed there counts.
            if addresses.isEmpty { nextSource() } else { end(.found(addresses, ttl: .zero)) }
        case .servers?:
            candidates = settings?.search.candidates(for: question.name)[...] ?? []
            nextCandidate()
        case nil:
            if NameKind(question.name) == .localhost { return end(.found(Self.loopback, ttl: .zero)) }
            end(.failed(soFar))
        }
    }

    /// Why nobody could be asked.
    private static var unable: NameFailure { FileDescriptors.process.areExhausted ? .noDescriptor : .serverFailed }

    private static let loopback = ["::1", "127.0.0.1"].compactMap { IPAddress($0) }

    private func nextCandidate() {
        guard let name = candidates.popFirst() else {
            release()
            return nextSource()
        }
        if channel == nil, let settings { channel = channels.take(settings, servers: question.servers) }
        guard let channel else { return end(.failed(Self.unable)) }
        round += 1
        answers = FamilyAnswers()
        delay = nil
        // Complete as it is: with the dot at its end, c-ares doesn't search either.
        channel.ask(name + ".", .v6, for: self)
        channel.ask(name + ".", .v4, for: self)
    }

    // MARK: - Answers

    /// From c-ares. What follows is done when that has returned.
    func heard(_ answer: FamilyAnswers.Answer, of family: IPAddress.Family) {
        switch family {
        case .v4: answers.v4 = answer
        case .v6: answers.v6 = answer
        }
    }

    func advance(_ now: NIODeadline) {
        switch answers.verdict {
        case .wait: break
        case .waitBriefly: if delay == nil, !hasReported { delay = now + Self.resolutionDelay }
        case .found(let addresses, let ttl): end(.found(addresses, ttl: ttl))
        case .failed(let failure): end(.failed(failure))
        case .nothing(let failure):
            if soFar != .noAddress { soFar = failure }
            nextCandidate()
        }
    }

    /// What is there is given to those who wait, if the rest has had its time.
    func noteTime(_ now: NIODeadline) {
        guard let delay, delay <= now else { return }
        self.delay = nil
        guard case .waitBriefly(let addresses, let ttl) = answers.verdict else { return }
        hasReported = true
        question.report(.some(addresses, ttl: ttl))
    }

    private func end(_ report: NameQuestion.Report) {
        isOver = true
        delay = nil
        release()
        question.report(report)
    }

    private func release() {
        channel.take()?.release()
    }
}

@available(*, unavailable)
extension NameLookup: Sendable {}
