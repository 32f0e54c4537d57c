import HTTPMessages
import NIOCore

/// The slow path of an exchange: gates with an interest in what passes, and waiting for a decision or for a sink.
extension Exchange {
    /// Shows the request to a gate, then passes the exchange on, refuses it, or waits for the gate's decision. For ports of
    /// filters that have something of their own on each loop.
    public func pass(_ gate: Gate, towards next: any ExchangePort) {
        guard !isFinished else { return }
        gate.place = progress.place?.index ?? 0
        gates.append(gate)
        if gate.interests.contains(.requestBody) { requestFlow.isPlain = false }
        if gate.interests.contains(.responseBody) || gate.interests.contains(.responseHead) { responseFlow.isPlain = false }
        guard gate.interests.contains(.requestHead) else { return next.open(self) }
        // A copy: the gate may ask the exchange for its request while it changes the head.
        var head = request
        let decision = gate.requestHead(&head, self)
        guard !isFinished else { return }
        if shard.verdictReaders > 0 { judge(request, head, by: gate) }
        request = head
        follow(decision, of: gate) { $0.open(next) }
    }

    private func open(_ next: any ExchangePort) { next.open(self) }

    private func follow(_ decision: GateDecision, of gate: Gate, then proceed: @escaping (Exchange) -> Void) {
        switch decision {
        case .forward:
            proceed(self)
        case .refuse(let response):
            answer(response, as: .refused, at: gate.place)
        case .wait(let future):
            let began = NIODeadline.now()
            future.hop(to: shard.loop).assumeIsolated().whenComplete { result in
                guard !self.isFinished else { return }
                self.leave(Verdict(.delayed, note: "waited \((NIODeadline.now() - began).nanoseconds / 1_000_000) ms"), by: gate)
                switch result {
                case .success(let decision): self.follow(decision, of: gate, then: proceed)
                case .failure(let error): self.fail(error, of: gate)
                }
            }
        }
    }

    private func fail(_ error: any Error, of gate: Gate) {
        answer(Failure(.internalError, "\(error)").response(for: request), as: .failed, at: gate.place)
    }

    // MARK: - Request

    func requestThroughGates(_ bytes: ByteBuffer) {
        guard !requestFlow.isHeld else { return requestFlow.hold(.body(bytes)) }
        passRequest(bytes)
    }

    private func passRequest(_ bytes: ByteBuffer) {
        var bytes = bytes
        let before = bytes.readableBytes
        for gate in gates where gate.interests.contains(.requestBody) {
            let size = bytes.readableBytes
            gate.requestBody(&bytes, self)
            gate.requestGrowth &+= Int64(bytes.readableBytes - size)
        }
        guard !isFinished else { return }
        let owed = requestFlow.isPlain ? 0 : requestFlow.changed(from: before, to: bytes.readableBytes)
        if bytes.readableBytes > 0 { sink?.requestBody(bytes) }
        if owed > 0 { source?.requestCredit(owed) }
    }

    func endRequestThroughGates(_ trailers: HeaderFields?) {
        requestFlow.ended = true
        guard !requestFlow.isHeld else { return requestFlow.hold(.end(trailers)) }
        passRequestEnd(trailers)
    }

    private func passRequestEnd(_ trailers: HeaderFields?) {
        if !requestFlow.isPlain {
            var tail = ByteBuffer()
            for gate in gates where gate.interests.contains(.requestBody) {
                let size = tail.readableBytes
                gate.requestEnd(&tail, self)
                gate.requestGrowth &+= Int64(tail.readableBytes - size)
            }
            guard !isFinished else { return }
            if tail.readableBytes > 0 { sink?.requestBody(tail) }
        }
        sink?.requestEnd(trailers)
    }

    /// What was held goes first: while this runs, whatever else comes is held behind it.
    func releaseRequest() {
        guard !requestFlow.isHeld else { return }
        requestFlow.isReleasing = true
        while !requestFlow.isBlocked, let event = requestFlow.nextHeld() {
            switch event {
            case .body(let bytes): passRequest(bytes)
            case .end(let trailers): passRequestEnd(trailers)
            case .head: break
            }
            guard !isFinished else { return }
        }
        requestFlow.isReleasing = false
    }

    // MARK: - Response

    func responseHeadThroughGates(_ head: ResponseHead) {
        if responseFlow.isHeld { return responseFlow.hold(.head(head)) }
        showResponse(head, from: gates.count - 1)
    }

    /// The gates see a response in the reverse of the list's order.
    private func showResponse(_ head: ResponseHead, from index: Int) {
        var head = head
        var index = index
        while index >= 0 {
            let gate = gates[index]
            if gate.interests.contains(.responseHead) {
                let before = shard.verdictReaders > 0 ? head : nil
                defer { if let before { judge(before, head, by: gate) } }
                switch gate.responseHead(&head, self) {
                case .forward: break
                case .refuse(let response): return answer(response, as: .refused, at: gate.place)
                case .wait(let future): return wait(future, head, below: index)
                }
                guard !isFinished else { return }
            }
            index -= 1
        }
        deliver(head)
    }

    private func wait(_ future: EventLoopFuture<GateDecision>, _ head: ResponseHead, below index: Int) {
        responseFlow.isAwaiting = true
        let next = index - 1
        future.hop(to: shard.loop).assumeIsolated().whenComplete { result in
            guard !self.isFinished else { return }
            self.responseFlow.isAwaiting = false
            switch result {
            case .success(.forward): self.showResponse(head, from: next)
            case .success(.refuse(let response)):
                return self.answer(response, as: .refused, at: self.gates[index].place)
            case .success(.wait(let again)): return self.wait(again, head, below: index)
            case .failure(let error): return self.fail(error, of: self.gates[index])
            }
            self.releaseResponse()
        }
    }

    private func deliver(_ head: ResponseHead) {
        guard !head.isInformational else {
            source?.responseHead(head)
            return
        }
        if shard.verdictReaders > 0 { judgeResponse(head.status) }
        trace?.end(.firstByte)
        response = head.withoutFields
        if head.opensTunnel(for: request) {
            for gate in gates where gate.interests.contains(.splice) { gate.spliced(self) }
        }
        // Gates that wanted only the head have seen it: from here bytes take the short way.
        responseFlow.isPlain = !gates.contains { $0.interests.contains(.responseBody) }
        source?.responseHead(head)
    }

    func responseThroughGates(_ bytes: ByteBuffer) {
        guard !responseFlow.isHeld else { return responseFlow.hold(.body(bytes)) }
        passResponse(bytes)
    }

    private func passResponse(_ bytes: ByteBuffer) {
        var bytes = bytes
        let before = bytes.readableBytes
        for gate in gates.reversed() where gate.interests.contains(.responseBody) {
            let size = bytes.readableBytes
            gate.responseBody(&bytes, self)
            gate.responseGrowth &+= Int64(bytes.readableBytes - size)
        }
        guard !isFinished else { return }
        let owed = responseFlow.isPlain ? 0 : responseFlow.changed(from: before, to: bytes.readableBytes)
        responseBytes &+= Int64(bytes.readableBytes)
        if bytes.readableBytes > 0 { source?.responseBody(bytes) }
        if owed > 0 { sink?.responseCredit(owed) }
    }

    func endResponseThroughGates(_ trailers: HeaderFields?) {
        guard !responseFlow.isHeld else { return responseFlow.hold(.end(trailers)) }
        passResponseEnd(trailers)
    }

    private func passResponseEnd(_ trailers: HeaderFields?) {
        if !responseFlow.isPlain {
            var tail = ByteBuffer()
            for gate in gates.reversed() where gate.interests.contains(.responseBody) {
                let size = tail.readableBytes
                gate.responseEnd(&tail, self)
                gate.responseGrowth &+= Int64(tail.readableBytes - size)
            }
            guard !isFinished else { return }
            responseBytes &+= Int64(tail.readableBytes)
            if tail.readableBytes > 0 { source?.responseBody(tail) }
        }
        responseFlow.ended = true
        source?.responseEnd(trailers)
    }

    func releaseResponse() {
        guard !responseFlow.isHeld else { return }
        responseFlow.isReleasing = true
        while !responseFlow.isBlocked, let event = responseFlow.nextHeld() {
            switch event {
            case .head(let head): showResponse(head, from: gates.count - 1)
            case .body(let bytes): passResponse(bytes)
            case .end(let trailers):
                passResponseEnd(trailers)
                finishIfComplete()
                if let failure = responseFlow.failureBehindEnd, !isFinished {
                    let source = finish(failure, .failed).source
                    source?.responseAborted(failure)
                }
            }
            // A head may have begun to wait again; what is left waits behind it.
            guard !isFinished else { return }
        }
        responseFlow.isReleasing = false
    }
}
