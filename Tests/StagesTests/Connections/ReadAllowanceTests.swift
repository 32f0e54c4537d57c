import Testing

@testable import TunnelStages

/// Reading on only while what was read has somewhere to go.
@Suite struct ReadAllowanceTests {
    /// What was spent of 10 bytes, whether that is in a turn, and whether is read on.
    @Test(
        arguments: [
            (0, false, true), (9, false, true), (10, false, false), (11, false, false), (9, true, true), (10, true, true),
            (11, true, false),
        ])
    func `Within a turn reading stops only with more than the allowance`(_ spent: Int, _ isInTurn: Bool, _ reads: Bool) {
        var allowance = ReadAllowance(window: 10)
        if isInTurn { allowance.beginTurn() }
        allowance.spend(spent)
        #expect(allowance.mayRead(isTaken: true) == reads)
        #expect(allowance.isOverdrawn == (spent > 10))
        allowance.endTurn()
        #expect(allowance.mayRead(isTaken: true) == (spent < 10))
        // Where nobody takes what is read it keeps nobody's memory.
        #expect(allowance.mayRead(isTaken: false))
        #expect(!allowance.mayRead(isTaken: true, isAccepted: false) && allowance.mayRead(isTaken: false, isAccepted: false))
        allowance.earn(spent)
        #expect(allowance.mayRead(isTaken: true))
    }

    @Test func `The channel is told of changes alone`() {
        var allowance = ReadAllowance(window: 10)
        #expect(allowance.change(to: true) == nil)
        #expect(!allowance.isPaused)
        #expect(allowance.change(to: false) == false)
        #expect(allowance.isPaused)
        #expect(allowance.change(to: false) == nil)
        #expect(allowance.isPaused)
        #expect(allowance.change(to: true) == true)
        #expect(!allowance.isPaused)
    }

    @Test func `Each exchange has all of it`() {
        var allowance = ReadAllowance(window: 10)
        allowance.spend(25)
        allowance.reset()
        allowance.spend(9)
        #expect(allowance.mayRead(isTaken: true))
        allowance.spend(1)
        #expect(!allowance.mayRead(isTaken: true))
    }
}

/// Work that asks for itself.
@Suite struct SerialWorkTests {
    @Test func `What is asked for meanwhile is done once more, by who is at it`() {
        var work = SerialWork()
        #expect(work.begin() == true)
        #expect(work.begin() == false)
        #expect(work.begin() == false)
        #expect(work.goesOn() == true)
        #expect(work.goesOn() == false)
        #expect(work.begin() == true)
        #expect(work.goesOn() == false)
    }
}
