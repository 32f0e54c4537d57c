import ConfigurationLanguage
import Pipeline

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Where a configuration is that the command line doesn't name: what FLUIDITY_CONFIG says, the user's own, the machine's.
enum ConfigurationPlace: String {
    case agent, server, control

    /// The variable that names the file.
    static let variable = "FLUIDITY_CONFIG"
    /// Where a package keeps the machine's configuration.
    private static let machine = "/etc/fluidity"

    /// The file that is named, or the first that is there.
    ///
    /// - Parameter given: What the command line says.
    func find(_ given: String?, in environment: [String: String] = ProcessInfo.processInfo.environment) throws -> String {
        if let path = given ?? environment[Self.variable], !path.isEmpty { return path }
        let places = places(in: environment)
        if let found = places.first(where: FileManager.default.fileExists(atPath:)) { return found }
        throw StageError(
            .configuration,
            "there is no configuration: looked for \(places.joined(separator: " and ")). \(advice) Or name a file with --config or \(Self.variable)"
        )
    }

    /// Where it is looked for, the first that is there counts.
    func places(in environment: [String: String]) -> [String] {
        [Self.home(in: environment), Self.machine].map { "\($0)/\(rawValue).yaml" }
    }

    /// Where what is made for this user belongs: for the superuser, the machine's folder.
    static func folder(in environment: [String: String] = ProcessInfo.processInfo.environment) -> String {
        geteuid() == 0 ? machine : home(in: environment)
    }

    private static func home(in environment: [String: String]) -> String {
        // The XDG Base Directory Specification: a path that isn't absolute doesn't count.
        if let folder = environment["XDG_CONFIG_HOME"], folder.hasPrefix("/") { return "\(folder)/fluidity" }
        return "\(environment["HOME"] ?? "")/.config/fluidity"
    }

    private var advice: String {
        switch self {
        case .agent:
            "'fluidity join LINE' makes one, with the line that 'fluidity invite' prints on the server's machine; 'fluidity init' makes one to change by hand."
        case .server: "'fluidity server --new' makes one; 'fluidity init server' makes one to change by hand."
        case .control: "'fluidity init control' makes one to begin with."
        }
    }
}
