import Testing

@testable import Filters

@Suite struct FairQueueTests {
    /// What is put in, clients with numbers, those of suspects with a question mark, and who is distrusted; what had to go; what comes out.
    @Test(
        arguments: [
            (9, ["a1", "a2", "a3"], [], ["a1", "a2", "a3"]),
            // Who comes while nothing of his waits is next; then they have turns.
            (9, ["a1", "a2", "a3", "b1", "c1", "b2"], [], ["c1", "b1", "a1", "b2", "a2", "a3"]),
            // Those that are suspect come after the others, but not never, and in their order.
            (
                20, ["a1?", "a2?", "b1", "b2", "b3", "b4", "b5", "c1?"], [],
                ["b1", "b2", "b3", "a1?", "b4", "b5", "c1?", "a2?"]
            ),
            // One that was trusted and is suspect now may stand in both lines, until all of his is a suspect's.
            (9, ["a1", "a2?", "b1"], [], ["b1", "a1", "a2?"]),
            (9, ["a1", "a2", "a3?", "b1", "a!"], [], ["b1", "a3?", "a1", "a2"]),
            // Beyond the limit, who has most gives up its last.
            (4, ["a1", "a2", "a3", "a4", "b1", "c1"], ["a4", "a3"], ["c1", "b1", "a1", "a2"]),
            // Where all have the same, who comes last has to go.
            (2, ["a1", "b1", "c1", "a2"], ["c1", "a2"], ["b1", "a1"]),
            // Those that are suspect go first, and never is another's place theirs.
            (3, ["a1?", "a2?", "b1", "b2", "b3", "b4"], ["a2?", "a1?", "b4"], ["b1", "b2", "b3"]),
            (3, ["b1", "b2", "b3", "a1?"], ["a1?"], ["b1", "b2", "b3"]),
            (3, ["a1?", "a2?", "a3?", "b1?"], ["a3?"], ["a1?", "b1?", "a2?"]),
            (0, ["a1", "b1?"], ["a1", "b1?"], []),
        ] as [(Int, [String], [String], [String])])
    func `Turns`(limit: Int, puts: [String], goes: [String], comes: [String]) {
        var queue = FairQueue<Character, String>(limit: limit)
        var gone: [String] = []
        for element in puts {
            let client = element[element.startIndex]
            guard !element.hasSuffix("!") else {
                queue.distrust(client)
                continue
            }
            if let leaving = queue.append(element, of: client, isSuspect: element.hasSuffix("?")) { gone.append(leaving) }
        }
        #expect(gone == goes)
        #expect(queue.count == comes.count)
        var out: [String] = []
        while let next = queue.popFirst() { out.append(next) }
        #expect(out == comes)
        #expect(queue.count == 0)
    }

    /// Nothing is lost and nothing comes twice, and a client's own order is kept.
    @Test(arguments: 0..<50 as Range<UInt64>) func `Under random use`(seed: UInt64) {
        var generator = SeededGenerator(seed)
        let limit = 1 + generator.below(12)
        var queue = FairQueue<Int, Int>(limit: limit)
        var inside: [Int: (client: Int, isSuspect: Bool)] = [:]
        for number in 0..<500 {
            if generator.chance(60) {
                let (client, isSuspect) = (generator.below(4), generator.chance(40))
                inside[number] = (client, isSuspect)
                if let leaving = queue.append(number, of: client, isSuspect: isSuspect) {
                    #expect(inside.removeValue(forKey: leaving) != nil)
                    #expect(inside.count == limit)
                }
            } else {
                let next = queue.popFirst()
                #expect((next == nil) == inside.isEmpty)
                guard let next, let was = inside.removeValue(forKey: next) else { continue }
                #expect(!inside.contains { $0.key < next && $0.value == was })
            }
            #expect(queue.count == inside.count && queue.count <= limit)
        }
    }
}
