import Instruments
import NIOCore

/// Where an exchange has got to, and what of it was counted already.
struct ExchangeProgress {
    /// The first stage that it reached, and the last.
    var first: StageMeter?
    var place: StageMeter?
    /// The last stage on its way in, where several ways lead to one stage: no meter can know it.
    var joined: StageMeter?
    /// When it reached the last.
    var arrived: NIODeadline
    /// The last has passed it on as an exchange within it, which ends elsewhere.
    var isWithin = false
    var countedRequest: Int64 = 0
    var countedResponse: Int64 = 0
}

/// What is counted of an exchange: some integers at each stage, and nothing for a chunk of a body.
extension Exchange {
    /// Notes that the exchange has reached a stage.
    func reach(_ meter: StageMeter) {
        guard !isFinished else { return }
        if let place = progress.place {
            if meter.index <= place.index {
                // It is sent on its way once more.
                leave(downTo: meter)
                progress.arrived = .now()
            } else {
                let now = NIODeadline.now()
                place.passed.add()
                place.time.record((now - progress.arrived).nanoseconds)
                progress.arrived = now
                if meter.previous == nil { progress.joined = place }
            }
        } else {
            progress.first = meter
        }
        progress.place = meter
        if shard.verdictReaders > 0 { judgeReached(meter.place) }
        meter.entered.add()
        meter.open.add(1)
    }

    /// Counts the bytes that have passed since they were last counted.
    func countBytes() {
        var request = requestBytes &- progress.countedRequest
        var response = responseBytes &- progress.countedResponse
        progress.countedRequest = requestBytes
        progress.countedResponse = responseBytes
        if outer == nil {
            shard.exchanges.requestBytes.add(request)
            shard.exchanges.responseBytes.add(response)
        }
        // From the last stage to the first. A gate that changes bodies tells by how much, so that each stage's number is that
        // of the bytes at its own place.
        var gate = gates.count
        for gate in gates {
            request &+= gate.requestGrowth
            response &-= gate.responseGrowth
        }
        forEachPlace { meter in
            while gate > 0, gates[gate - 1].place >= meter.index {
                gate -= 1
                request &-= gates[gate].requestGrowth
                response &+= gates[gate].responseGrowth
            }
            meter.requestBytes.add(request)
            meter.responseBytes.add(response)
        }
        for gate in gates { (gate.requestGrowth, gate.responseGrowth) = (0, 0) }
        (sink as? ExchangeRelay)?.inner?.countBytes()
    }

    /// Counts the end. `answered` is the place of the stage that ended it, if that isn't the last that it reached.
    func countEnd(_ outcome: ExchangeOutcome, at answered: Int?) {
        countBytes()
        if outer == nil {
            let exchanges = shard.exchanges
            exchanges.ended.add(outcome)
            exchanges.duration.record((ended - began).nanoseconds)
            if let failure, outcome != .completed { exchanges.failed(failure) }
        }
        if !progress.isWithin {
            progress.place?.time.record((ended - progress.arrived).nanoseconds)
            if answered == nil { progress.place?.ended.add(outcome) }
        }
        forEachPlace { meter in
            meter.open.add(-1)
            if meter.index == answered { meter.ended.add(outcome) }
        }
        progress.place = nil
        progress.first = nil
    }

    /// Notes that a stage has passed the exchange on as one within it.
    func passOnWithin() {
        guard let place = progress.place else { return }
        place.passed.add()
        if !progress.isWithin { place.time.record((NIODeadline.now() - progress.arrived).nanoseconds) }
        progress.isWithin = true
    }

    private func leave(downTo meter: StageMeter) {
        countBytes()
        var place = progress.place
        while let each = place, each.index >= meter.index {
            each.open.add(-1)
            place = stage(before: each)
        }
    }

    private func forEachPlace(_ body: (StageMeter) -> Void) {
        var place = progress.place
        while let meter = place {
            body(meter)
            place = meter === progress.first ? nil : stage(before: meter)
        }
    }

    /// Where the stage of that place stands, if the exchange has come to it; the last one for nil.
    func place(at index: Int?) -> StagePlace? {
        var found: StagePlace?
        forEachPlace { if found == nil, index == nil || $0.index == index { found = $0.place } }
        return found
    }

    private func stage(before meter: StageMeter) -> StageMeter? {
        if let previous = meter.previous { return previous }
        guard let joined = progress.joined, joined.index < meter.index else { return nil }
        return joined
    }
}
