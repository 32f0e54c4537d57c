import Instruments

/// What `frame` counts: its codecs make each from here, and the reference lists them.
enum FrameMetrics {
    static let sessionsOpen = MetricDescription(
        .gauge, "fluidity_frame_sessions_open", "Connections between agents and servers that are open.", labels: ["codec"])
    static let sessions = MetricDescription(
        .counter, "fluidity_frame_sessions_total", "Connections between agents and servers.", labels: ["codec"])
    static let streamsOpen = MetricDescription(
        .gauge, "fluidity_frame_streams_open", "Streams that are open.", labels: ["codec"])
    static let streams = MetricDescription(.counter, "fluidity_frame_streams_total", "Streams.", labels: ["codec"])
    static let resets = MetricDescription(
        .counter, "fluidity_frame_resets_total",
        "Streams that ended before their end: by the peer (with 'json', those that the server answered with an error), for sending "
            + "too much, or for holding what others needed.",
        labels: ["codec", "cause"])
    static let roundTrip = MetricDescription(
        .histogram, "fluidity_mux_ping_seconds", "How long peers took to answer a PING.")
    static let window = MetricDescription(
        .gauge, "fluidity_mux_send_window_bytes", "What sessions may send before the peer grants more.")
    static let queued = MetricDescription(.gauge, "fluidity_mux_queued_bytes", "What waits to be sent.")
    static let held = MetricDescription(.gauge, "fluidity_mux_held_bytes", "What came and is not yet passed on.")
    static let waiting = MetricDescription(.gauge, "fluidity_mux_exchanges_waiting", "Exchanges that wait for a session.")
    /// The cause of a reset that came from the other end.
    static let byThePeer = "peer"
    /// A lost connection doesn't say it.
    static let goodbyes = MetricDescription(
        .counter, "fluidity_frame_goodbyes_total", "Agents that said that they leave.")

    static let all = [
        sessionsOpen, sessions, streamsOpen, streams, resets, roundTrip, window, queued, held, waiting, goodbyes,
    ]
}
