import NIOCore
import Pipeline
import Testing

@testable import Names

@Suite struct NameCacheTests {
    private static let times = NameCache.Times(
        longest: .seconds(100), negative: .seconds(5), failure: .seconds(1), stale: .seconds(30), emergency: .seconds(600),
        doubt: .seconds(5))
    private static let one = [IPAddress(v4: 1)]
    private static let two = [IPAddress(v4: 2)]

    /// What was stored at second 0, and what is known at another.
    struct Case: CustomTestStringConvertible, Sendable {
        var ttl: Int64
        var at: Int64
        var known: NameCache.Knowledge
        var testDescription: String { "TTL \(ttl) after \(at) s" }
    }

    private static let fresh = NameCache.Knowledge.known(NameAnswer(one))
    private static let stale = NameCache.Knowledge.stale(NameAnswer(one, isStale: true))

    @Test(arguments: [
        Case(ttl: 60, at: 0, known: fresh), Case(ttl: 60, at: 59, known: fresh), Case(ttl: 60, at: 60, known: stale),
        Case(ttl: 60, at: 89, known: stale), Case(ttl: 60, at: 90, known: .nothing),
        // Not kept at all, and not for ever.
        Case(ttl: 0, at: 0, known: .nothing), Case(ttl: 100_000, at: 99, known: fresh), Case(ttl: 100_000, at: 100, known: stale),
    ])
    func `Addresses count for their TTL`(test: Case) {
        var cache = NameCache(times: Self.times)
        cache.found(Self.one, for: "a", ttl: .seconds(test.ttl), at: .seconds(0))
        #expect(cache.look("a", at: .seconds(test.at)) == test.known)
        #expect(cache.look("b", at: .seconds(test.at)) == .nothing)
    }

    @Test(arguments: NameFailure.allCases)
    func `Failures count for a short time`(failure: NameFailure) {
        var cache = NameCache(times: Self.times)
        #expect(cache.failed(failure, for: "a", at: .seconds(0)) == nil)
        let isKept = ![.noDescriptor, .tooMany, .deadline].contains(failure)
        #expect(cache.look("a", at: .milliseconds(999)) == (isKept ? .failed(failure) : .nothing))
        #expect(cache.look("a", at: .seconds(1)) == (failure.isCertain ? .failed(failure) : .nothing))
        #expect(cache.look("a", at: .seconds(5)) == .nothing)
    }

    @Test func `What is found takes the place of a failure, and the other way round where that is certain`() {
        var cache = NameCache(times: Self.times)
        _ = cache.failed(.noSuchName, for: "a", at: .seconds(0))
        cache.found(Self.one, for: "a", ttl: .seconds(10), at: .seconds(1))
        #expect(cache.look("a", at: .seconds(2)) == Self.fresh)
        #expect(cache.failed(.noSuchName, for: "a", at: .seconds(20)) == nil)
        #expect(cache.look("a", at: .seconds(20)) == .failed(.noSuchName))
    }

    @Test func `Where name servers fail, what was known is used on`() {
        var cache = NameCache(times: Self.times)
        cache.found(Self.one, for: "a", ttl: .seconds(10), at: .seconds(0))
        // Long after it had stopped to be used while it is looked up.
        #expect(cache.look("a", at: .seconds(300)) == .nothing)
        #expect(cache.failed(.noAnswer, for: "a", at: .seconds(300)) == NameAnswer(Self.one, isStale: true))
        // For some time nobody asks again, and then somebody does without waiting.
        #expect(cache.look("a", at: .seconds(304)) == Self.fresh)
        #expect(cache.look("a", at: .seconds(305)) == Self.stale)
        #expect(cache.failed(.noAnswer, for: "a", at: .seconds(609)) == NameAnswer(Self.one, isStale: true))
        #expect(cache.failed(.noAnswer, for: "a", at: .seconds(610)) == nil)
        #expect(cache.look("a", at: .seconds(610)) == .failed(.noAnswer))
    }

    @Test func `Doubted addresses are looked up anew, once in a while`() {
        var cache = NameCache(times: Self.times)
        cache.found(Self.one, for: "a", ttl: .seconds(60), at: .seconds(0))
        cache.doubt("a", at: .seconds(4))
        #expect(cache.look("a", at: .seconds(4)) == Self.fresh)
        cache.doubt("a", at: .seconds(5))
        #expect(cache.look("a", at: .seconds(5)) == Self.stale)
        cache.found(Self.two, for: "a", ttl: .seconds(60), at: .seconds(6))
        cache.doubt("a", at: .seconds(7))
        #expect(cache.look("a", at: .seconds(7)) == .known(NameAnswer(Self.two)))
        cache.doubt("b", at: .seconds(7))
        #expect(cache.look("b", at: .seconds(7)) == .nothing)
    }

    @Test func `It doesn't grow over its limit, and keeps what is used`() {
        var cache = NameCache(limit: 8, times: Self.times)
        cache.found(Self.one, for: "used", ttl: .seconds(60), at: .seconds(0))
        for number in 0..<1_000 {
            cache.found(Self.two, for: "\(number)", ttl: .seconds(60), at: .seconds(0))
            #expect(cache.look("used", at: .seconds(0)) == Self.fresh)
        }
        #expect(cache.count == 8)
    }
}

extension NIODeadline {
    static func seconds(_ seconds: Int64) -> NIODeadline { .uptimeNanoseconds(1) + .seconds(seconds) }
    static func milliseconds(_ milliseconds: Int64) -> NIODeadline { .uptimeNanoseconds(1) + .milliseconds(milliseconds) }
}
