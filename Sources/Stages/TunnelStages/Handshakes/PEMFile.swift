import ConfigurationLanguage
import Pipeline
import SwiftASN1

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// A file of PEM blocks that a configuration names, or their text in its place.
struct PEMFile {
    /// The file's path, or for text the key that it is the value of.
    let path: String
    /// The configuration key that names it.
    let key: String
    let documents: [PEMDocument]
    let isReadableByOthers: Bool

    /// Far more than any chain or bundle of private CAs needs.
    private static let limit = 1 << 20

    init(_ source: PEMSource, key: String) throws(StageError) {
        let path: String
        let text: String
        let mode: mode_t
        switch source {
        case .file(let file):
            path = file.path
            (text, mode) = try Self.read(path, key: key)
        case .text(let secret):
            path = "the text of '\(key)'"
            (text, mode) = (secret.revealed, 0)
        }
        do {
            documents = try PEMDocument.parseMultiple(pemString: text)
        } catch {
            throw StageError(
                .configuration, "\(path) is not a PEM file: what stands between its '-----' lines can't be read", key: key)
        }
        guard !documents.isEmpty else {
            throw StageError(.configuration, "\(path) is not a PEM file: it has no '-----BEGIN …-----' block", key: key)
        }
        self.path = path
        self.key = key
        isReadableByOthers = mode & (S_IRGRP | S_IROTH) != 0
    }

    /// A failure of this file, as an error at its configuration key.
    func error(_ problem: String) -> StageError { StageError(.configuration, "\(path) \(problem)", key: key) }

    private static func read(_ path: String, key: String) throws(StageError) -> (text: String, mode: mode_t) {
        func failure(_ problem: String) -> StageError { StageError(.configuration, "\(path) \(problem)", key: key) }
        // Non-blocking, so that a FIFO in a file's place doesn't hang the start.
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else {
            throw failure(errno == ENOENT ? "doesn't exist" : "can't be read: \(String(cString: strerror(errno)))")
        }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { throw failure("is not a file") }
        guard status.st_size > 0 else { throw failure("is empty") }
        guard status.st_size <= limit else { throw failure("is over 1 MiB: not a certificate or key file") }

        var bytes = [UInt8](repeating: 0, count: Int(status.st_size))
        var filled = 0
        while filled < bytes.count {
            let count = bytes.withUnsafeMutableBytes { readBytes(descriptor, $0, from: filled) }
            if count < 0 && errno == EINTR { continue }
            guard count >= 0 else { throw failure("can't be read: \(String(cString: strerror(errno)))") }
            if count == 0 { break }
            filled += count
        }
        return (String(decoding: bytes[..<filled], as: UTF8.self), status.st_mode)
    }

    private static func readBytes(_ descriptor: CInt, _ buffer: UnsafeMutableRawBufferPointer, from offset: Int) -> Int {
        #if canImport(Glibc)
        Glibc.read(descriptor, buffer.baseAddress.map { $0 + offset }, buffer.count - offset)
        #elseif canImport(Musl)
        Musl.read(descriptor, buffer.baseAddress.map { $0 + offset }, buffer.count - offset)
        #else
        Darwin.read(descriptor, buffer.baseAddress.map { $0 + offset }, buffer.count - offset)
        #endif
    }
}
