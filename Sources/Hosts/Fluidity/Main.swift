import CommandLineInterface
import Stages

/// The program. One with stages of its own registers them here: `registry.register(MyFactory())`.
@main
enum Main {
    static func main() async {
        await FluidityCommandLine.run(stages: .standard())
    }
}
