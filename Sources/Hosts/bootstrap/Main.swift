import ConfigurationLanguage
import ControlStages
import Logging
import NIOPosix
import Pipeline
import Platform
import Runtime

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// The `bootstrap` of all functions: the handler's name, or `FLUIDITY_PIPELINE`, says which pipeline it runs.
@main
enum Main {
    static func main() async {
        let environment = ProcessInfo.processInfo.environment
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let logger = Logger(label: "fluidity") { _ in
            StandardErrorLogHandler(level: level(environment["FLUIDITY_LOG_LEVEL"]), format: .json)
        }
        LineWriter.standardError.report(by: LogLine.lossReport(.json))
        let address = environment["AWS_LAMBDA_RUNTIME_API"] ?? ""
        do {
            let stage = try await start(environment, group, logger)
            // A frozen function writes nothing.
            try await stage.serve(address: address) { await LineWriter.flushAll(within: patience) }
        } catch let error as LambdaStartError {
            logger.critical("the function can't be started", metadata: ["reason": "\(error)"])
            try? await LambdaStage.initFailed(
                address: address, type: "Configuration.Invalid", message: "\(error)", on: group.any(), logger: logger)
            await end(65)
        } catch {
            logger.critical("the function ends", metadata: ["reason": "\(error)"])
            await end(69)
        }
    }

    /// How long lines may take to be written.
    private static let patience = Duration.milliseconds(500)

    private static func end(_ status: CInt) async -> Never {
        await LineWriter.flushAll(within: patience)
        exit(status)
    }

    private static func start(
        _ environment: [String: String], _ group: MultiThreadedEventLoopGroup, _ logger: Logger
    ) async throws(LambdaStartError) -> LambdaStage {
        do {
            let path = try PipelineName.path(environment)
            let loader = ConfigurationLoader(
                registry: .handlers(), environment: environment,
                ignoredVariables: [PipelineName.variable])
            let configuration = try loader.load(path: path, host: .lambda)
            let plan = try configuration.plan(logger: logger)
            let generation = Generation(
                plan: plan, group: group, logger: logger, exchangeLog: ExchangeLogger.make(logger), host: .lambda)
            try await generation.start()
            guard let stage = plan.stages.first?.stage as? LambdaStage else {
                throw LambdaStartError(description: "the pipeline doesn't begin with 'lambda'")
            }
            return stage
        } catch let error as LambdaStartError {
            throw error
        } catch {
            throw LambdaStartError(description: "\(error)")
        }
    }

    private static func level(_ text: String?) -> Logger.Level { text.flatMap { try? Logger.Level(configured: $0) } ?? .info }
}

struct LambdaStartError: Error, CustomStringConvertible {
    var description: String
}

/// Which file a function runs.
enum PipelineName {
    static let variable = "FLUIDITY_PIPELINE"

    /// `wake` is `configs/lambda/wake.yaml` beside the program; what has a slash or ends with `.yaml` is a path there.
    static func path(_ environment: [String: String]) throws(LambdaStartError) -> String {
        let name = [environment[variable], environment["_HANDLER"]].compactMap(\.self).first { !$0.isEmpty }
        guard let name else {
            throw LambdaStartError(description: "neither \(variable) nor the function's handler names a pipeline")
        }
        guard !name.hasPrefix("/"), !name.split(separator: "/").contains("..") else {
            throw LambdaStartError(description: "'\(name)' is no pipeline of this function")
        }
        let root = environment["LAMBDA_TASK_ROOT"] ?? "."
        if name.contains("/") || name.hasSuffix(".yaml") { return "\(root)/\(name)" }
        // A handler of the form that other runtimes want, `wake.handler`, names `wake`.
        return "\(root)/configs/lambda/\(name.prefix { $0 != "." }).yaml"
    }
}
