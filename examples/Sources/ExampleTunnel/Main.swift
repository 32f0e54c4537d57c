import CommandLineInterface
import Pipeline
import RequestSignature
import Stages
import WordReplacement

/// `fluidity` with two stages more.
@main
enum Main {
    static func main() async {
        var stages = StageRegistry.standard()
        stages.register(SignFactory())
        stages.register(ReplaceFactory())
        await FluidityCommandLine.run(stages: stages)
    }
}
