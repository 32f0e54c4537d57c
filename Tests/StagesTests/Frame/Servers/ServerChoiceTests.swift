import NIOCore
import Pipeline
import Testing

@testable import TunnelStages

@Suite("Which of several servers an exchange goes to")
struct ServerChoiceTests {
    private static func at(_ seconds: Int64) -> NIODeadline { .uptimeNanoseconds(1_000_000_000_000) + .seconds(seconds) }

    /// The macro can't call what changes a value.
    private static func noted(_ choice: inout ServerChoice, _ server: Int, isUp: Bool, at now: NIODeadline) -> Bool {
        choice.note(server, isUp: isUp, at: now)
    }

    @Test("None, while none is up")
    func none() {
        for policy in [ServerAlternatives.Policy.inOrder, .spread] {
            var choice = ServerChoice(policy, count: 2)
            #expect(choice.choose([0, 0], at: Self.at(0)) == nil)
            #expect(!choice.isAnyUp)
            #expect(Self.noted(&choice, 0, isUp: true, at: Self.at(0)))
            #expect(Self.noted(&choice, 0, isUp: false, at: Self.at(1)))
            #expect(choice.choose([0, 0], at: Self.at(2)) == nil)
            #expect(!choice.isAnyUp)
        }
    }

    @Test("In order: the first that is up, whatever it carries")
    func inOrder() {
        var choice = ServerChoice(.inOrder, count: 3)
        _ = choice.note(2, isUp: true, at: Self.at(0))
        #expect(choice.choose([0, 0, 50], at: Self.at(0)) == 2)
        choice = ServerChoice(.inOrder, count: 3)
        for server in [1, 2] { _ = choice.note(server, isUp: true, at: Self.at(0)) }
        #expect(choice.choose([0, 50, 0], at: Self.at(0)) == 1)
    }

    @Test("In order: one that was down has to be up for a while before it is used again")
    func backToTheFirst() {
        var choice = ServerChoice(.inOrder, count: 2)
        for server in [0, 1] { _ = choice.note(server, isUp: true, at: Self.at(0)) }
        #expect(choice.choose([0, 0], at: Self.at(0)) == 0)
        _ = choice.note(0, isUp: false, at: Self.at(1))
        #expect(choice.choose([0, 0], at: Self.at(1)) == 1)
        _ = choice.note(0, isUp: true, at: Self.at(2))
        #expect(choice.choose([0, 0], at: Self.at(11)) == 1)
        #expect(choice.choose([0, 0], at: Self.at(12)) == 0)
        // One that comes and goes begins anew.
        _ = choice.note(0, isUp: false, at: Self.at(13))
        _ = choice.note(0, isUp: true, at: Self.at(14))
        #expect(choice.choose([0, 0], at: Self.at(15)) == 1)
        // There is no reason to wait where there is nobody else.
        _ = choice.note(1, isUp: false, at: Self.at(16))
        #expect(choice.choose([0, 0], at: Self.at(16)) == 0)
    }

    @Test("In order: what is liked less isn't needed once it carries nothing")
    func unneeded() {
        var choice = ServerChoice(.inOrder, count: 3)
        for server in [0, 1, 2] { _ = choice.note(server, isUp: true, at: Self.at(0)) }
        #expect(choice.unneeded([5, 1, 0], at: Self.at(1)) == [2])
        #expect(choice.unneeded([5, 0, 0], at: Self.at(1)) == [1, 2])
        _ = choice.note(0, isUp: false, at: Self.at(2))
        #expect(choice.unneeded([0, 0, 0], at: Self.at(3)) == [2])
        _ = choice.note(0, isUp: true, at: Self.at(4))
        #expect(choice.unneeded([0, 0, 1], at: Self.at(5)).isEmpty)
        #expect(choice.unneeded([0, 0, 1], at: Self.at(14)) == [1])
    }

    @Test("Spread: the one that has the fewest, and of equal ones the first")
    func spread() {
        var choice = ServerChoice(.spread, count: 3)
        for server in [0, 1, 2] { _ = choice.note(server, isUp: true, at: Self.at(0)) }
        #expect(choice.choose([2, 1, 1], at: Self.at(0)) == 1)
        #expect(choice.choose([0, 0, 0], at: Self.at(0)) == 0)
        _ = choice.note(1, isUp: false, at: Self.at(1))
        #expect(choice.choose([2, 0, 1], at: Self.at(1)) == 2)
        #expect(choice.unneeded([0, 0, 0], at: Self.at(1)).isEmpty)
    }

    @Test("What is noted twice is no change")
    func noted() {
        var choice = ServerChoice(.inOrder, count: 1)
        #expect(!Self.noted(&choice, 0, isUp: false, at: Self.at(0)))
        #expect(Self.noted(&choice, 0, isUp: true, at: Self.at(1)))
        #expect(!Self.noted(&choice, 0, isUp: true, at: Self.at(2)))
    }
}
