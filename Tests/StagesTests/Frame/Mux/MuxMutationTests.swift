import NIOCore
import Testing

@testable import TunnelStages

/// Whatever a peer sends, a session doesn't trap, stays within its memory, and its books add up.
@Suite struct MuxMutationTests {
    static let framesPerPart = 130_000
    static let batch = 24

    @Test(arguments: 0..<8) func nonsense(_ part: Int) {
        var nonsense = MuxNonsense(random: SeededGenerator(UInt64(part)))
        var random = SeededGenerator(UInt64(part) + 7_000)
        let role: MuxSession.Role = part.isMultiple(of: 2) ? .opener : .acceptor
        var now = NIODeadline.uptimeNanoseconds(1_000_000_000_000)
        var owner = start(role, now)
        var frames = 0
        var (sessions, longest, age) = (1, 0, 0)
        while frames < Self.framesPerPart {
            now = now + .milliseconds(20)
            frames += owner.take(ByteBuffer(bytes: nonsense.batch(of: Self.batch, for: owner.session)), now)
            age += 1
            for _ in 0..<6 { owner.act(&random) }
            if let fault = owner.fault {
                Issue.record("part \(part), after \(frames) frames: \(fault)")
                return
            }
            if owner.isOver || age > 400 {
                longest = max(longest, age)
                owner = start(role, now)
                (sessions, age) = (sessions + 1, 0)
            }
        }
        #expect(sessions > 50 && longest > 20, "\(sessions) sessions, the longest of \(longest) batches")
    }

    private func start(_ role: MuxSession.Role, _ now: NIODeadline) -> MuxMutationOwner {
        var owner = MuxMutationOwner(role, now)
        owner.take(ByteBuffer(bytes: MuxWire.hello(stream: 20_000, session: 60_000)), now)
        return owner
    }
}
