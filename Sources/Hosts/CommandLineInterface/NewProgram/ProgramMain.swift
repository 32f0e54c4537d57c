/// The main file of a program that is Fluidity's command line with more stages.
struct ProgramMain {
    /// A factory that is registered, and where it was named; without a file by whoever wrote the program.
    struct Registration {
        var factory: String
        var file: String?
        var line = 1
    }

    var comment: String
    var modules: [String]
    var stages: [Registration]

    var text: String {
        let imports = (["CommandLineInterface", "Pipeline", "Stages"] + modules).sorted().map { "import \($0)" }
        let registrations = stages.flatMap { stage in
            let line = "        stages.register(\(stage.factory)())"
            guard let file = stage.file else { return [line] }
            return ["#sourceLocation(file: \(SwiftText.literal(file)), line: \(stage.line))", line, "#sourceLocation()"]
        }
        return """
            \(imports.joined(separator: "\n"))

            /// \(comment)
            @main
            enum Main {
                static func main() async {
                    var stages = StageRegistry.standard()
            \(registrations.joined(separator: "\n"))
                    await FluidityCommandLine.run(stages: stages)
                }
            }

            """
    }
}
