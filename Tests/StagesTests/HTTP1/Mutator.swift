/// Makes messages that are nearly right.
struct Mutator {
    private static let bytes: [UInt8] = Array("\u{0}\t\r\n :;,=/0159afg-+\u{7F}".utf8) + [0x80, 0xFF]
    private static let pieces: [[UInt8]] = [
        "\r\n", "\r\n\r\n", "\n", "\r", " ", "\t", ":", ",", ";x=y", "0\r\n\r\n", "5\r\nhello\r\n", "Content-Length: 5\r\n",
        "Content-Length: 0\r\n",
        "Content-Length: 99999999999999999999\r\n", "Transfer-Encoding: chunked\r\n", "Transfer-Encoding: gzip\r\n", "Host: b\r\n",
        "Connection: close, x-a\r\n", "Connection: upgrade\r\nUpgrade: w\r\n", "Expect: 100-continue\r\n", "X-A: b\r\n",
        " folded\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 200 OK\r\n", "HTTP/1.0", "CONNECT a:1 ", "ffffffffffffffff",
        "7fffffffffffffff\r\n",
    ].map { Array($0.utf8) }

    var random: SeededGenerator
    let seeds: [[UInt8]]

    init(_ seed: UInt64, _ seeds: [[UInt8]]) {
        random = SeededGenerator(seed)
        self.seeds = seeds
    }

    mutating func message() -> [UInt8] {
        var bytes = random.pick(seeds)
        for _ in 0...random.below(3) {
            let place = random.below(bytes.count + 1)
            let end = min(bytes.count, place + 1 + random.below(12))
            switch random.below(7) {
            case 0 where place < bytes.count: bytes[place] = random.pick(Self.bytes)
            case 1 where place < bytes.count: bytes[place] ^= 1 << UInt8(random.below(8))
            case 2: bytes.insert(random.pick(Self.bytes), at: place)
            case 3: bytes.insert(contentsOf: random.pick(Self.pieces), at: place)
            case 4: bytes.removeSubrange(place..<end)
            case 5: bytes.insert(contentsOf: bytes[place..<end], at: random.below(bytes.count + 1))
            default:
                let other = random.pick(seeds)
                bytes = Array(bytes[..<place] + other[random.below(other.count)...])
            }
        }
        return bytes
    }
}
