import NIOCore
import Testing

@testable import TunnelStages

/// Two sessions that talk in any order, at any speed and in any portions pass on exactly what was sent, and end with nothing
/// left over.
@Suite struct MuxModelTests {
    static let seedsPerPart = 40

    @Test(arguments: 0..<8) func randomInterleavings(_ part: Int) {
        for seed in (part * Self.seedsPerPart)..<((part + 1) * Self.seedsPerPart) {
            var model = MuxModel(seed: UInt64(seed))
            model.run(400)
            model.drain()
            #expect(model.failure == nil, "seed \(seed)")
            compare(model.opener, model.acceptor, seed)
            compare(model.acceptor, model.opener, seed)
            checkNothingIsLeft(model, seed)
            let isWhole = model.transfer()
            #expect(isWhole, "seed \(seed): the windows are not back")
        }
    }

    @Test func theModelSeesEveryKindOfEnd() {
        var (whole, reset, trailers, refusedOrReset) = (0, 0, 0, 0)
        for seed in 0..<40 {
            var model = MuxModel(seed: UInt64(seed))
            model.run(400)
            model.drain()
            whole += model.acceptor.came.values.filter { $0.isEnded && $0.count > 0 }.count
            trailers += model.opener.came.values.filter { $0.trailers != nil }.count
            reset += model.acceptor.reset.count
            refusedOrReset += model.opener.reset.count
        }
        #expect(whole > 50 && reset > 10 && trailers > 10 && refusedOrReset > 10)
    }

    /// What came is what was sent, and ended where that ended; a stream that was reset may lack its rest.
    private func compare(_ sender: MuxModelSide, _ receiver: MuxModelSide, _ seed: Int) {
        for (id, sent) in sender.sent {
            let isReset = sender.reset.contains(id) || receiver.reset.contains(id)
            guard let came = receiver.came[id] else {
                if !isReset { Issue.record("seed \(seed): stream \(id) never came") }
                continue
            }
            if !isReset, !came.isEnded { Issue.record("seed \(seed): stream \(id) has not ended") }
            let isRight = came.isEnded ? came.count == sent.count && sent.isEnded : came.count <= sent.count
            if !isRight { Issue.record("seed \(seed): stream \(id) ended after \(came.count) of \(sent.count) bytes") }
            if came.isEnded, came.trailers != sent.trailers { Issue.record("seed \(seed): other trailers on stream \(id)") }
        }
    }

    private func checkNothingIsLeft(_ model: MuxModel, _ seed: Int) {
        for side in [model.opener, model.acceptor] {
            #expect(side.live.isEmpty && side.session.openStreams == 0, "seed \(seed): streams are left")
            #expect(side.session.queuedBytes == 0 && side.session.received == 0, "seed \(seed): bytes are left")
            #expect(side.session.pinned == 0 && side.session.receiving.unsettled == 0, "seed \(seed)")
            #expect(side.session.receiving.heads == 0 && side.inFlight.readableBytes == 0, "seed \(seed)")
        }
    }
}
