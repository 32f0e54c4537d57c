import ConfigurationLanguage
import HTTPMessages
import Instruments
import NIOCore
import Pipeline
import Platform

/// One request and its attempts. What the client sends goes to the attempt that is under way and is kept, within a bound, for
/// the next. Once a byte of a response's head has been passed on, or more has come than is kept, the attempt is the last.
final class RetryRelay: ExchangeRelay {
    private let port: RetryPort
    private var attempt = 1
    private var backoff: Backoff
    private var timer: Scheduled<Void>?
    /// Nothing more is tried: a head has been passed on, or a part of the body is kept no longer.
    private var isSettled = false
    /// The attempt has failed; the rest of its answer is of no interest.
    private var isAbandoned = false

    private var kept = ByteBuffer()
    private var isEnded = false
    private var trailers: HeaderFields?
    // Credit: what the current attempt has given, and what the client has got. What is sent again earns none a second time.
    private var earned = 0
    private var passed = 0

    init(_ outer: Exchange, port: RetryPort) {
        self.port = port
        backoff = Backoff(first: TimeAmount(port.configuration.delay), longest: TimeAmount(port.configuration.maxDelay))
        super.init(outer)
    }

    // MARK: - Request

    override func requestBody(_ bytes: ByteBuffer) {
        if !isSettled { kept.writeImmutableBuffer(bytes) }
        // Between two attempts all of it is kept: it earns no credit, and is bounded by the client's window.
        guard timer == nil else { return }
        forgetIfLarge()
        super.requestBody(bytes)
    }

    override func requestEnd(_ trailers: HeaderFields?) {
        isEnded = true
        self.trailers = trailers
        guard timer == nil else { return }
        super.requestEnd(trailers)
    }

    override func requestAborted(_ failure: Failure) {
        timer?.cancel()
        timer = nil
        settle()
        super.requestAborted(failure)
    }

    override func innerCredit(_ bytes: Int) {
        earned += bytes
        guard earned > passed else { return }
        let credit = earned - passed
        passed = earned
        super.innerCredit(credit)
    }

    private func forgetIfLarge() {
        if kept.readableBytes > port.configuration.body.bytes { settle() }
    }

    private func settle() {
        isSettled = true
        kept = ByteBuffer()
    }

    // MARK: - Response

    override func innerHead(_ head: ResponseHead) {
        guard !isAbandoned else { return }
        if !head.isInformational, let delay = delay(after: head) { return again(in: delay) }
        settle()
        super.innerHead(head)
    }

    override func innerBody(_ bytes: ByteBuffer) {
        if !isAbandoned { super.innerBody(bytes) }
    }

    override func innerEnd(_ trailers: HeaderFields?) {
        if !isAbandoned { super.innerEnd(trailers) }
    }

    override func innerAborted(_ failure: Failure) {
        guard !isAbandoned else { return }
        if port.configuration.failures, failure.code.mayPass, let delay = delay(retryAfter: nil) { return again(in: delay) }
        settle()
        super.innerAborted(failure)
    }

    /// How long to wait before the request is sent again, or nil if it isn't.
    private func delay(after head: ResponseHead) -> TimeAmount? {
        let isWanted =
            if let failure = inner?.failure {
                port.configuration.failures && failure.code.mayPass
            } else {
                port.statuses.contains(head.status)
            }
        return isWanted ? delay(retryAfter: head.fields.first("Retry-After")) : nil
    }

    private func delay(retryAfter: String?) -> TimeAmount? {
        guard !isSettled else { return nil }
        guard attempt < port.configuration.attempts else {
            port.exhausted.add()
            return nil
        }
        var generator = SystemRandomNumberGenerator()
        var delay = backoff.next(using: &generator)
        if let retryAfter {
            // A date, or a wait that is too long: the client may know better what to do with it.
            guard let seconds = Int64(retryAfter), seconds >= 0,
                seconds <= TimeAmount(port.configuration.maxDelay).nanoseconds / 1_000_000_000
            else { return nil }
            delay = max(delay, .seconds(seconds))
        }
        return port.withdraw() ? delay : nil
    }

    private func again(in delay: TimeAmount) {
        isAbandoned = true
        attempt += 1
        port.retries.add()
        timer = outer.shard.loop.assumeIsolated().scheduleTask(in: delay) { self.begin() }
        inner?.abortRequest(Failure(.cancelled, "the request is sent again"))
    }

    private func begin() {
        timer = nil
        guard !outer.hasEnded else { return }
        isAbandoned = false
        earned = 0
        begin(outer.request, towards: port.next)
        // The attempt may have been answered already; then there is a timer again, or nothing to be done.
        guard timer == nil, !isAbandoned, let inner, !inner.hasEnded else { return }
        if kept.readableBytes > 0 { inner.sendRequestBody(kept) }
        if isEnded { inner.sendRequestEnd(trailers) }
        inner.flushRequest()
        forgetIfLarge()
    }
}
