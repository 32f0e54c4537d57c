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

    static let detached = MetricDescription(
        .counter, "fluidity_mux_connections_lost_total", "Connections that were lost by sessions that can be resumed.")
    static let resumed = MetricDescription(
        .counter, "fluidity_mux_sessions_resumed_total", "Sessions that went on over another connection.")
    static let outlasted = MetricDescription(
        .counter, "fluidity_mux_sessions_outlasted_total", "Sessions that ended because no other connection came in time.")
    static let attachRefused = MetricDescription(
        .counter, "fluidity_mux_attach_refused_total", "Sessions that their server didn't go on with.", labels: ["reason"])
    static let repeated = MetricDescription(
        .counter, "fluidity_mux_repeated_bytes_total", "What was sent again over another connection.")
    static let unresumable = MetricDescription(
        .counter, "fluidity_mux_unresumable_sessions_total", "Sessions that can't be resumed, for want of memory.")
    static let detachedTime = MetricDescription(
        .histogram, "fluidity_mux_detached_seconds", "How long sessions were without a connection.")
    static let detachedNow = MetricDescription(
        .gauge, "fluidity_mux_sessions_detached", "Sessions that wait for another connection.")
    static let kept = MetricDescription(
        .gauge, "fluidity_mux_kept_bytes", "What was sent and is kept until the peer has acknowledged it.")

    static let all = [
        sessionsOpen, sessions, streamsOpen, streams, resets, roundTrip, window, queued, held, waiting, goodbyes, detached, resumed,
        outlasted, attachRefused, repeated, unresumable, detachedTime, detachedNow, kept,
    ]
}
