package import Instruments

/// What is counted of every stage.
enum StageMetrics {
    static let connectionsIn = MetricDescription(
        .counter, "fluidity_stage_connections_in_total", "Connections that reached the stage.")
    static let connectionsRefused = MetricDescription(
        .counter, "fluidity_stage_connections_refused_total", "Connections that the stage didn't take.")
    static let connectionsOpen = MetricDescription(.gauge, "fluidity_stage_connections_open", "Connections at the stage.")
    static let exchangesIn = MetricDescription(
        .counter, "fluidity_stage_exchanges_in_total", "Exchanges that reached the stage.")
    static let exchangesOut = MetricDescription(
        .counter, "fluidity_stage_exchanges_out_total", "Exchanges that the stage passed on.")
    static let exchangesEnded = MetricDescription(
        .counter, "fluidity_stage_exchanges_ended_total",
        "Exchanges that ended at the stage, by how they ended.", labels: ["outcome"])
    static let exchangesOpen = MetricDescription(
        .gauge, "fluidity_stage_exchanges_open", "Exchanges that reached the stage and have not ended.")
    static let requestBytes = MetricDescription(
        .counter, "fluidity_stage_request_bytes_total", "Body bytes of requests, and of tunnels, that reached the stage.")
    static let responseBytes = MetricDescription(
        .counter, "fluidity_stage_response_bytes_total", "Body bytes of responses, and of tunnels, that left the stage.")
    static let time = MetricDescription(
        .histogram, "fluidity_stage_time_seconds",
        "How long an exchange was at the stage: until it was passed on, or until it ended there.")

    static let all = [
        connectionsIn, connectionsRefused, connectionsOpen, exchangesIn, exchangesOut, exchangesEnded, exchangesOpen, requestBytes,
        responseBytes, time,
    ]
}

/// What is counted of all exchanges of a pipeline.
enum ExchangeMetrics {
    static let begun = MetricDescription(.counter, "fluidity_exchanges_begun_total", "Exchanges that began.")
    static let open = MetricDescription(.gauge, "fluidity_exchanges_open", "Exchanges that have begun and not ended.")
    static let ended = MetricDescription(
        .counter, "fluidity_exchanges_ended_total", "Exchanges that ended, by how they ended.", labels: ["outcome"])
    static let requestBytes = MetricDescription(
        .counter, "fluidity_exchange_request_bytes_total", "Body bytes that clients sent.")
    static let responseBytes = MetricDescription(
        .counter, "fluidity_exchange_response_bytes_total", "Body bytes that were sent to clients.")
    static let duration = MetricDescription(
        .histogram, "fluidity_exchange_duration_seconds",
        "How long exchanges took, from the request's head to the end of both.")
    static let failures = MetricDescription(
        .counter, "fluidity_exchange_failures_total",
        "Exchanges that ended before their end, by the reason.", labels: ["reason"])

    static let all = [begun, open, ended, requestBytes, responseBytes, duration, failures]
}

extension MetricDescription {
    /// What is counted of every stage, without its doing.
    package static var ofEveryStage: [MetricDescription] { StageMetrics.all }
    /// What is counted of every pipeline.
    package static var ofEveryPipeline: [MetricDescription] { ExchangeMetrics.all }
    /// What is counted of a program that a host runs.
    package static var ofTheProgram: [MetricDescription] { ProgramMetrics.all + ExportMetrics.all }
    /// What the system knows of the process.
    package static var ofTheProcess: [MetricDescription] { ProcessMetrics.all }
}
