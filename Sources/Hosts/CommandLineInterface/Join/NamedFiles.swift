import ConfigurationLanguage
import Pipeline

/// The files and folders that a configuration names, wherever in it they stand.
enum NamedFiles {
    /// Their paths, those of the stages first.
    static func paths(in loaded: LoadedConfiguration) -> [String] {
        let rest: [Any?] = [loaded.lifecycle, loaded.addressRecord, loaded.audit, loaded.otlp, loaded.admin]
        return loaded.allStages.flatMap { paths(in: $0.configuration) } + rest.compactMap { $0 }.flatMap(paths)
    }

    private static func paths(in value: Any) -> [String] {
        switch value {
        case let file as FilePath: [file.path]
        case let folder as FolderPath: [folder.path]
        case PEMSource.text: []
        default: Mirror(reflecting: value).children.flatMap { paths(in: $0.value) }
        }
    }
}
