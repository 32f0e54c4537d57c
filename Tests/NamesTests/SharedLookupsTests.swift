import Testing

@testable import Names

@Suite struct SharedLookupsTests {
    private typealias Lookups = SharedLookups<String>

    private static func begun(_ joining: Lookups.Joining) -> UInt64? {
        if case .begin(let id) = joining { id } else { nil }
    }

    @Test func `Equal names are looked up once`() throws {
        var lookups = Lookups()
        let id = try #require(Self.begun(lookups.join("a", ticket: 101, for: nil, "x")))
        #expect(lookups.join("a", ticket: 102, for: nil, "y") == .joined)
        #expect(lookups.refresh("a") == .joined)
        #expect(Self.begun(lookups.join("b", ticket: 103, for: nil, "z")) != id)
        #expect(lookups.count == 2)
        #expect(lookups.finish("a", id: id)?.sorted() == ["x", "y"])
        #expect(lookups.finish("a", id: id) == nil && lookups.count == 1)
    }

    @Test func `The last who leaves cancels`() throws {
        var lookups = Lookups()
        let id = try #require(Self.begun(lookups.join("a", ticket: 101, for: nil, "x")))
        _ = lookups.join("a", ticket: 102, for: nil, "y")
        #expect(lookups.leave("a", ticket: 101) == ("x", nil))
        #expect(lookups.leave("a", ticket: 101) == (nil, nil))
        #expect(lookups.leave("a", ticket: 102) == ("y", id))
        #expect(lookups.count == 0)
        // What comes of it comes too late, also for who has begun anew.
        let next = try #require(Self.begun(lookups.join("a", ticket: 103, for: nil, "z")))
        #expect(lookups.finish("a", id: id) == nil)
        #expect(lookups.publish("a", id: id) == [])
        #expect(lookups.finish("a", id: next) == ["z"])
    }

    @Test func `A refresh goes on though nobody waits`() throws {
        var lookups = Lookups()
        let id = try #require(Self.begun(lookups.refresh("a")))
        _ = lookups.join("a", ticket: 101, for: nil, "x")
        #expect(lookups.leave("a", ticket: 101) == ("x", nil))
        #expect(lookups.finish("a", id: id) == [])
    }

    @Test func `What is known early goes to those who wait then, and the rest goes on`() throws {
        var lookups = Lookups()
        let id = try #require(Self.begun(lookups.join("a", ticket: 101, for: Self.client(1), "x")))
        #expect(lookups.publish("a", id: id) == ["x"])
        #expect(lookups.leave("a", ticket: 101) == (nil, nil))
        _ = lookups.join("a", ticket: 102, for: nil, "y")
        #expect(lookups.leave("a", ticket: 102) == ("y", nil), "nobody's leaving cancels it now")
        #expect(lookups.finish("a", id: id) == [])
    }

    @Test func `There is a limit for all, and one for each`() throws {
        var lookups = Lookups(limit: 4, share: 2)
        let first = try #require(Self.begun(lookups.join("a", ticket: 101, for: Self.client(1), "")))
        #expect(Self.begun(lookups.join("b", ticket: 102, for: Self.client(1), "")) != nil)
        #expect(lookups.join("c", ticket: 103, for: Self.client(1), "") == .refused)
        // To wait with others takes nothing.
        #expect(lookups.join("a", ticket: 104, for: Self.client(2), "") == .joined)
        #expect(Self.begun(lookups.join("d", ticket: 105, for: Self.client(2), "")) != nil)
        #expect(Self.begun(lookups.join("e", ticket: 106, for: nil, "")) != nil)
        #expect(lookups.join("f", ticket: 107, for: Self.client(3), "") == .refused)
        #expect(lookups.refresh("f") == .refused)
        _ = lookups.finish("a", id: first)
        #expect(Self.begun(lookups.join("c", ticket: 108, for: Self.client(1), "")) != nil)
        #expect(lookups.leave("b", ticket: 102).cancelled != nil)
        #expect(Self.begun(lookups.join("g", ticket: 109, for: Self.client(1), "")) != nil)
    }

    @Test func `The clients of one program have a limit together`() throws {
        var lookups = Lookups(limit: 8, share: 2, programShare: 3)
        for (name, client) in [("a", 1), ("b", 1), ("c", 2)] {
            #expect(Self.begun(lookups.join(name, ticket: 101, for: Self.client(client, of: 7), "")) != nil)
        }
        #expect(lookups.join("d", ticket: 102, for: Self.client(1, of: 7), "") == .refused)
        #expect(lookups.join("d", ticket: 103, for: Self.client(2, of: 7), "") == .refused)
        #expect(Self.begun(lookups.join("d", ticket: 104, for: Self.client(2, of: 8), "")) != nil)
        #expect(lookups.leave("a", ticket: 101).cancelled != nil)
        #expect(Self.begun(lookups.join("e", ticket: 105, for: Self.client(2, of: 7), "")) != nil)
    }

    private static func client(_ number: Int, of program: Int? = nil) -> NameClient {
        NameClient(program: program ?? number, client: number)
    }
}
