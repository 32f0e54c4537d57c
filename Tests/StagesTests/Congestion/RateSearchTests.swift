import Testing

@testable import TunnelStages

/// What goes out is held below a rate that was found, until `bbr` has noticed.
@Suite struct RateSearchTests {
    private func steps(_ rates: [UInt64], searching: Bool = true, _ search: inout RateSearch) -> [RateSearch.Step] {
        rates.map { search.note(rate: $0, isSearching: searching) }
    }

    @Test func aRateThatGrowsIsNotHeld() {
        var search = RateSearch()
        let rates: [UInt64] = [0, 100, 200, 200, 200, 250, 250, 250, 313, 380, 390, 392]
        let found = steps(rates, &search)
        #expect(found == .init(repeating: .goesOn, count: rates.count))
    }

    @Test func aRateThatWasFoundIsHeldUntilItIsNoticed() {
        var search = RateSearch()
        let before = steps([100, 124, 120], &search)
        #expect(before == [.goesOn, .goesOn, .goesOn])
        let third = steps([124], &search)
        #expect(third == [.hold(109)])
        let meanwhile = steps([124, 93, 90], &search)
        #expect(meanwhile == [.goesOn, .goesOn, .goesOn])
        #expect(!search.isOver)
        let noticed = steps([120], searching: false, &search)
        #expect(noticed == [.release])
        #expect(search.isOver)
        let after = steps([500, 500, 500, 500], &search)
        #expect(after == [.goesOn, .goesOn, .goesOn, .goesOn])
    }

    /// Who has too little to send for anything to be noticed isn't held for long.
    @Test func whatIsNeverNoticedIsGivenUp() {
        var search = RateSearch()
        _ = steps([100, 100, 100, 100], &search)
        let later = steps(.init(repeating: 88, count: 10), &search)
        #expect(later == .init(repeating: .goesOn, count: 9) + [.release])
        #expect(search.isOver)
    }

    @Test func nothingIsHeldOnceTheRateIsKnown() {
        var search = RateSearch()
        let first = steps([100], searching: false, &search)
        #expect(first == [.goesOn])
        #expect(search.isOver)
        let later = steps([100, 100, 100, 100], &search)
        #expect(later == [.goesOn, .goesOn, .goesOn, .goesOn])
    }

    @Test func anewMeansWithoutWhatWasHeld() {
        var search = RateSearch()
        var begun = [search.begin()]
        _ = steps([100, 100, 100, 100], &search)
        begun.append(search.begin())
        #expect(search == RateSearch())
        _ = steps([100], searching: false, &search)
        begun.append(search.begin())
        #expect(begun == [.goesOn, .release, .goesOn])
        let last = steps([100, 100, 100, 100], &search).last
        #expect(last == .hold(88))
    }
}
