import HTTPMessages
import Instruments
import NIOCore
import Pipeline

/// One exchange whose bodies are, or may be, deflated on the tunnel's side of this stage.
final class CompressRelay: ExchangeRelay {
    enum Role {
        /// The tunnel begins behind this stage.
        case entry
        /// The tunnel has ended before this stage.
        case exit(deflates: Bool)
    }

    /// Memory that was promised and belongs to no coder yet, in bytes.
    var promised = 0

    /// How much is sent before others on the loop have their turn, in rounds of `CodedBody.limit` bytes.
    private static let rounds = 16

    private let port: CompressPort
    private let role: Role
    private var request: Lane?
    private var response: Lane?

    /// A body that is coded here, and what is being done with it.
    private final class Lane {
        let isRequest: Bool
        let body: CodedBody
        /// Nil once it has been given back.
        var coder: CodedBody.Coder?
        var isRunning = false
        var isAskedAgain = false
        /// Something was sent and not yet flushed.
        var isUnflushed = false
        /// Whoever gives the bytes won't say when they can go out: that is done here.
        var flushes = false

        init(isRequest: Bool, _ coder: CodedBody.Coder, original: Int64? = nil) {
            self.isRequest = isRequest
            self.coder = coder
            body = CodedBody(coder, original: original)
        }
    }

    init(_ outer: Exchange, port: CompressPort, role: Role) {
        self.port = port
        self.role = role
        super.init(outer)
    }

    deinit {
        if let request { giveBack(request) }
        if let response { giveBack(response) }
        port.pool.release(promised)
    }

    // MARK: - Coders

    /// Prepares for a request that is deflated here. False when there is no memory.
    func deflateRequest() -> Bool {
        request = deflater().map { Lane(isRequest: true, $0) }
        return request != nil
    }

    /// Prepares for a request that came deflated. False when there is no memory.
    func inflateRequest(_ original: Int64?) -> Bool {
        guard port.pool.reserve(CoderPool.inflating) else { return false }
        request = inflater().map { Lane(isRequest: true, $0, original: original) }
        return request != nil
    }

    /// Prepares for a response that came deflated, with the memory that was promised.
    private func inflateResponse(_ original: Int64?) -> Bool {
        guard promised > 0 else { return false }
        promised = 0
        response = inflater().map { Lane(isRequest: false, $0, original: original) }
        return response != nil
    }

    private func deflater() -> CodedBody.Coder? {
        guard port.pool.reserve(CoderPool.deflating) else { return nil }
        if let deflater = port.pool.deflater() { return .deflate(deflater) }
        port.pool.release(CoderPool.deflating)
        return nil
    }

    private func inflater() -> CodedBody.Coder? {
        if let inflater = port.pool.inflater() { return .inflate(inflater) }
        port.pool.release(CoderPool.inflating)
        return nil
    }

    private func giveBack(_ lane: Lane) {
        guard let coder = lane.coder else { return }
        lane.coder = nil
        let metrics = lane.isRequest ? port.requests : port.responses
        var (original, deflated) = (lane.body.taken, lane.body.made)
        switch coder {
        case .deflate(let deflater):
            if deflater.hasGivenUp { metrics.abandoned.add() }
            port.pool.take(back: deflater)
            port.pool.release(CoderPool.deflating)
        case .inflate(let inflater):
            (original, deflated) = (deflated, original)
            port.pool.take(back: inflater)
            port.pool.release(CoderPool.inflating)
        }
        metrics.bodies.add()
        metrics.original.add(original)
        metrics.deflated.add(deflated)
        if original > deflated { metrics.saved.add(original - deflated) }
    }

    // MARK: - A body moves on

    /// Does what the body says until there is nothing more to do. What is sent may earn credit before it returns, and a flush
    /// more of it: then this goes on in a loop, for by recursion a body of a gigabyte would go as deep.
    private func run(_ lane: Lane, flushes: Bool = false) {
        if flushes { lane.flushes = true }
        guard !lane.isRunning else {
            lane.isAskedAgain = true
            return
        }
        lane.isRunning = true
        var rounds = 0
        repeat {
            lane.isAskedAgain = false
            step(lane)
            if lane.isUnflushed, lane.flushes { flush(lane) }
            rounds += 1
        } while lane.isAskedAgain && rounds < Self.rounds
        lane.isRunning = false
        lane.flushes = false
        if lane.isAskedAgain { outer.shard.loop.assumeIsolated().execute { self.run(lane, flushes: true) } }
    }

    private func flush(_ lane: Lane) {
        lane.isUnflushed = false
        if lane.isRequest { inner?.flushRequest() } else { outer.flushResponse() }
    }

    private func step(_ lane: Lane) {
        while let step = lane.body.next() {
            switch step {
            case .bytes(let bytes):
                if lane.isRequest { inner?.sendRequestBody(bytes) } else { outer.sendResponseBody(bytes) }
                lane.isUnflushed = true
            case .credit(let bytes):
                if lane.isRequest { outer.creditRequest(bytes) } else { inner?.creditResponse(bytes) }
            case .end(let trailers):
                giveBack(lane)
                if lane.isRequest { inner?.sendRequestEnd(trailers) } else { outer.sendResponseEnd(trailers) }
            case .failed(let failure):
                (lane.isRequest ? port.requests : port.responses).refused.add()
                giveBack(lane)
                fail(failure)
            }
        }
    }

    // MARK: - Request

    override func requestBody(_ bytes: ByteBuffer) {
        guard let request else { return super.requestBody(bytes) }
        request.body.take(bytes)
        run(request)
    }

    override func requestEnd(_ trailers: HeaderFields?) {
        guard let request else { return super.requestEnd(trailers) }
        request.body.end(trailers)
        run(request, flushes: true)
    }

    override func requestFlush() {
        if let request {
            request.body.flush()
            run(request)
            request.isUnflushed = false
        }
        super.requestFlush()
    }

    override func innerCredit(_ bytes: Int) {
        guard let request else { return super.innerCredit(bytes) }
        request.body.credit(bytes)
        run(request, flushes: true)
    }

    // MARK: - Response

    override func innerHead(_ head: ResponseHead) {
        guard !head.isInformational else { return super.innerHead(head) }
        var head = head
        switch role {
        case .entry:
            if case .deflated(let original) = head.body {
                head.body = head.body.original
                if !head.isBodyless(for: outer.request), !inflateResponse(original) {
                    return fail(Failure(.internalError, "there is no memory to inflate the response"))
                }
            }
            port.pool.release(promised)
            promised = 0
        case .exit(let deflates):
            if deflates, !head.isBodyless(for: outer.request), port.types.mayGain(head.body, head.fields),
                let coder = deflater()
            {
                response = Lane(isRequest: false, coder)
                head.body = .deflated(head.body.count)
            }
        }
        super.innerHead(head)
    }

    override func innerBody(_ bytes: ByteBuffer) {
        guard let response else { return super.innerBody(bytes) }
        response.body.take(bytes)
        run(response)
    }

    override func innerEnd(_ trailers: HeaderFields?) {
        guard let response else { return super.innerEnd(trailers) }
        response.body.end(trailers)
        // The inner exchange is over with this: nobody behind it will say that what is held can go out.
        run(response, flushes: true)
    }

    override func innerFlush() {
        if let response {
            response.body.flush()
            run(response)
            response.isUnflushed = false
        }
        super.innerFlush()
    }

    // What was inflated is credited before it goes on; what was deflated is nobody's who is owed.
    override var heir: ExchangeSink? { response == nil ? super.heir : nil }

    override func responseCredit(_ bytes: Int) {
        guard let response, bytes > 0 else { return super.responseCredit(bytes) }
        response.body.credit(bytes)
        run(response, flushes: true)
    }
}
