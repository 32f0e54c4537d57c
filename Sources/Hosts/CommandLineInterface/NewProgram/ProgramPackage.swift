import ConfigurationLanguage

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// The package of a program, as `fluidity build` writes it.
struct ProgramPackage {
    private static let mark = "// Written by 'fluidity build', and written anew by it."

    let description: ProgramDescription
    /// The description's own file, which the compiler's messages name.
    let file: String
    /// The folder that the package is written to.
    let folder: String

    /// Something is in the way.
    struct Taken: Error, CustomStringConvertible {
        var description: String
    }

    /// Writes what isn't there as it is to be, and leaves alone what is: what hasn't changed isn't compiled again.
    func write() throws {
        let manager = FileManager.default
        if let contents = try? manager.contentsOfDirectory(atPath: folder), !contents.isEmpty {
            let manifest = (try? String(contentsOfFile: folder + "/Package.swift", encoding: .utf8)) ?? ""
            guard manifest.contains(Self.mark) else {
                throw Taken(description: "the folder '\(folder)' has something else in it: --into names another")
            }
        }
        for (path, text) in files {
            let url = URL(fileURLWithPath: "\(folder)/\(path)")
            if let known = try? String(contentsOf: url, encoding: .utf8), known == text { continue }
            try manager.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
            try Data(text.utf8).write(to: url)
        }
        try takeVersions()
    }

    /// What Fluidity stands on is taken in the versions that its own folder has, as long as the program's hasn't chosen any.
    private func takeVersions() throws {
        guard case .folder(let path) = description.fluidity.at else { return }
        let (known, own) = (path + "/Package.resolved", folder + "/Package.resolved")
        let manager = FileManager.default
        guard manager.fileExists(atPath: known), !manager.fileExists(atPath: own) else { return }
        try manager.copyItem(atPath: known, toPath: own)
    }

    private var name: String { description.program.text }
    /// Of the target, which mustn't have a module's name.
    private var target: String { SwiftText.typeName(name) + "Program" }

    var files: [(path: String, text: String)] {
        [("Package.swift", manifest), (".gitignore", ".build/\n"), ("Sources/\(target)/Main.swift", main)]
    }

    private var manifest: String {
        let fluidity = SwiftText.literal(description.fluidity.name)
        let products =
            ["Pipeline", "Stages", "CommandLineInterface"].map { (SwiftText.literal($0), fluidity) }
            + description.packages.flatMap { package in
                package.modules.map { (SwiftText.literal($0), SwiftText.literal(package.name)) }
            }
        let dependencies = [description.fluidity.dependency] + description.packages.map(\.dependency)
        return """
            // swift-tools-version: 6.2
            \(Self.mark)
            import PackageDescription

            let package = Package(
                name: \(SwiftText.literal(name)),
                platforms: [.macOS(.v15)],
                products: [.executable(name: \(SwiftText.literal(name)), targets: [\(SwiftText.literal(target))])],
                dependencies: [
            \(dependencies.map { "        \($0)," }.joined(separator: "\n"))
                ],
                targets: [
                    .executableTarget(
                        name: \(SwiftText.literal(target)),
                        dependencies: [
            \(products.map { "                .product(name: \($0), package: \($1))," }.joined(separator: "\n"))
                        ]
                    )
                ],
                swiftLanguageModes: [.v6]
            )

            """
    }

    private var main: String {
        let stages = description.packages.flatMap(\.stages)
        return ProgramMain(
            comment: "`fluidity`, with the stages that \(name)'s description names. " + Self.mark.dropFirst(3),
            modules: description.packages.flatMap(\.modules),
            stages: stages.map { stage in
                // What the compiler doesn't find is said of the line that names it.
                ProgramMain.Registration(
                    factory: "\(stage.value.module).\(stage.value.factory)", file: file, line: stage.line ?? 1)
            }
        ).text
    }
}
