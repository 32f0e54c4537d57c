import NIOCore
import Testing

@testable import Pipeline

@Suite struct ConnectionFailureTests {
    /// An error of a library's, as far as its name tells.
    private struct Own: Error, CustomStringConvertible { let description = "our own words" }

    @Test func `What an error says`() {
        let errors: [(any Error, String)] = [
            (IOError(errnoCode: 111, reason: "connect(descriptor:addr:size:)"), "the connection was refused"),
            (IOError(errnoCode: 104, reason: "read(descriptor:pointer:size:)"), "the connection was reset"),
            (ChannelError.eof, "the connection was closed"), (ChannelError.connectTimeout(.seconds(1)), "connecting took too long"),
            (SocketAddressError.unsupported, "the name can't be resolved"),
            (CancellationError(), "it was cancelled"), (Own(), "our own words"),
            (StageError(.unavailable, "a sentence"), "a sentence"),
            (NIOTooManyBytesError(maxBytes: 1), "it failed (NIOTooManyBytesError)"),
        ]
        for (error, words) in errors { #expect(ConnectionFailure.words(for: error) == words) }
    }
}
