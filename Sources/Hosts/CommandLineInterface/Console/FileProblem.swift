#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// Why a file can't be had, for a person. `localizedDescription` would say it too, and bring a table of all languages with it.
enum FileProblem {
    static func reason(_ error: any Error) -> String {
        guard let error = error as? CocoaError else { return "\(error)" }
        switch error.code {
        case .fileReadNoPermission, .fileWriteNoPermission: return "permission denied"
        case .fileNoSuchFile, .fileReadNoSuchFile: return "it doesn't exist"
        case .fileWriteFileExists: return "it exists already"
        case .fileWriteOutOfSpace: return "the disk is full"
        case .fileWriteVolumeReadOnly: return "it is on something that can only be read"
        case .fileReadTooLarge: return "it is too large"
        case .fileReadInapplicableStringEncoding, .fileReadUnknownStringEncoding, .fileReadCorruptFile: return "it is no text"
        default: return error.code.rawValue == CocoaError.fileReadUnknown.rawValue ? "it can't be read" : "it can't be written"
        }
    }
}
