import ConfigurationLanguage
import Pipeline
import Platform

/// A file that is a person's text.
enum FileText {
    /// The bytes of a file that has at most so many.
    static func bytes(_ path: String, limit: Int) throws(StageError) -> [UInt8] {
        let bytes: [UInt8]?
        do throws(FileAccess.Failure) { bytes = try FileAccess.read(path, limit: limit) } catch {
            throw StageError(.configuration, "'\(path)' can't be read: \(error.reason)")
        }
        guard let bytes else { throw StageError(.configuration, "'\(path)' has more than \(limit) bytes") }
        return bytes
    }

    /// The text of a file that is no larger than a configuration may be.
    static func read(_ path: String) throws(StageError) -> String {
        let bytes: [UInt8]?
        do throws(FileAccess.Failure) { bytes = try FileAccess.read(path, limit: ConfigurationLoader.sizeLimit) } catch {
            throw StageError(.configuration, "'\(path)' can't be read: \(error.reason)")
        }
        guard let bytes else { throw StageError(.configuration, "'\(path)' is too large for a configuration") }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw StageError(.configuration, "'\(path)' is not UTF-8 text")
        }
        return text
    }
}
