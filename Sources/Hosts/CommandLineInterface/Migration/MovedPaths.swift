import Platform

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// Paths of the first Fluidity begin at the folder that it was started in, those of this one at the file.
package struct MovedPaths {
    private let workingDirectory: String
    private let oldDirectory: String
    private let newDirectory: String

    /// - Parameters:
    ///   - workingDirectory: where the first Fluidity would be started.
    ///   - old: the old file.
    ///   - newDirectory: the new file's folder.
    package init(workingDirectory: String, old: String, newDirectory: String) {
        self.workingDirectory = workingDirectory
        oldDirectory = FileAccess.resolve(FileAccess.directory(of: old), from: workingDirectory)
        self.newDirectory = FileAccess.resolve(newDirectory, from: workingDirectory)
    }

    /// What the new file says for a path: the same where both begin at one folder, else in full. A file that is missing where the
    /// program is started and there beside the old file was meant so.
    package func path(for path: String) -> String {
        guard !path.hasPrefix("/") else { return path }
        let started = Self.full(path, workingDirectory)
        let beside = Self.full(path, oldDirectory)
        let files = FileManager.default
        let meant = !files.fileExists(atPath: started) && files.fileExists(atPath: beside) ? beside : started
        return Self.full(path, newDirectory) == meant ? path : meant
    }

    private static func full(_ path: String, _ directory: String) -> String {
        URL(fileURLWithPath: FileAccess.resolve(path, from: directory)).standardizedFileURL.path
    }
}
