/// What a peer may make a parser hold or go through, in bytes unless said otherwise.
package struct HTTP1Limits: Sendable, Equatable {
    /// Beyond it a method is none that anybody implements.
    package var method: Int
    /// A request's target in the bytes that were sent.
    package var target: Int
    /// A response's first line.
    package var statusLine: Int
    /// All lines of a message's fields together, and again all lines of its trailers.
    package var fields: Int
    /// Number of fields, and again of trailers.
    package var fieldCount: Int
    /// Number of options in `Connection` that name other fields.
    package var connectionOptions: Int
    /// The extensions of all chunks of a message together, and the blanks behind their sizes beyond what pads one to 16 bytes.
    package var chunkExtensions: Int
    /// Number of empty lines before a request (RFC 9112, 2.2).
    package var emptyLines: Int

    /// Limits, by default those of this program's own ends.
    package init(
        method: Int = 64, target: Int = 16 << 10, statusLine: Int = 16 << 10, fields: Int = 64 << 10, fieldCount: Int = 256,
        connectionOptions: Int = 32, chunkExtensions: Int = 16 << 10, emptyLines: Int = 4
    ) {
        self.method = method
        self.target = target
        self.statusLine = statusLine
        self.fields = fields
        self.fieldCount = fieldCount
        self.connectionOptions = connectionOptions
        self.chunkExtensions = chunkExtensions
        self.emptyLines = emptyLines
    }
}
