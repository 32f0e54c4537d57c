import ConfigurationLanguage
import NIOCore
import NIOHTTP2

/// What HTTP/2 connections are set to.
package struct H2Configuration: Sendable {
    /// What a stream's sender may send before it was passed on.
    var streamWindow: Int
    var maxStreams: Int
    var pingInterval: TimeAmount
    var pingTimeout: TimeAmount

    /// RFC 9113's initial window, which keeps what many streams hold small.
    static let serverWindow = 65_535
    /// The largest head that is passed on, in bytes, each field with 32 more: room for 64 KiB of fields and 256 of them, and for a path.
    package static let headLimit = 96 << 10
    /// A larger one is refused by itself up to this size; one beyond ends the connection, for the library reads it no further.
    static let headerListLimit = 256 << 10
    /// CONTINUATION frames of a head. Peers mostly fill them, with 16 KiB.
    static let continuationLimit = 96
    /// Streams may be reset in a hurry (a browser that leaves a page) but not as a way of life.
    private static let resetLimit = 1_000

    /// For the end that accepts connections: as many streams at most as session memory has room for, each with its window on
    /// both sides of the hand-over to an exchange.
    package init(server settings: SessionSettings) {
        streamWindow = Self.serverWindow
        maxStreams = max(8, min(settings.maxStreams, settings.memory / (2 * Self.serverWindow)))
        pingInterval = settings.pingInterval
        pingTimeout = settings.pingTimeout
    }

    /// For the end that opens them: how many streams there may be, the server says too. Windows don't grow here as with `mux`, so
    /// they begin larger.
    package init(client settings: SessionSettings) {
        streamWindow = 2 * settings.streamWindow
        maxStreams = settings.maxStreams
        pingInterval = settings.pingInterval
        pingTimeout = settings.pingTimeout
    }

    /// Streams have their own windows; the connection's isn't to be what stops one because of another. The library doesn't know of what waits
    /// in front of it (`H2WaitingData`), and opens the window again when half of it was used.
    var connectionWindow: Int { min(Int(Int32.max), (32 << 20) + 4 * maxStreams * streamWindow) }

    func connection(_ mode: NIOHTTP2Handler.ParserMode) -> NIOHTTP2Handler.ConnectionConfiguration {
        var connection = NIOHTTP2Handler.ConnectionConfiguration()
        connection.initialSettings = [
            HTTP2Setting(parameter: .initialWindowSize, value: streamWindow),
            HTTP2Setting(parameter: .maxHeaderListSize, value: Self.headerListLimit),
            // An end of ours writes a head as one frame.
            HTTP2Setting(parameter: .maxFrameSize, value: Self.headLimit),
        ]
        switch mode {
        case .server:
            connection.initialSettings.append(HTTP2Setting(parameter: .maxConcurrentStreams, value: maxStreams))
            connection.initialSettings.append(HTTP2Setting(parameter: .enableConnectProtocol, value: 1))
            connection.initialSettings.append(HTTP2Setting(parameter: .takesClientNames, value: 1))
            connection.initialSettings.append(HTTP2Setting(parameter: .correlates, value: 1))
        case .client:
            connection.initialSettings.append(HTTP2Setting(parameter: .enablePush, value: 0))
        }
        connection.targetWindowSize = connectionWindow
        connection.maximumSequentialContinuationFrames = Self.continuationLimit
        return connection
    }

    var stream: NIOHTTP2Handler.StreamConfiguration {
        var stream = NIOHTTP2Handler.StreamConfiguration()
        stream.targetWindowSize = streamWindow
        stream.outboundBufferSizeHighWatermark = 64 << 10
        stream.outboundBufferSizeLowWatermark = 32 << 10
        stream.streamResetFrameRateLimit.maximumCount = Self.resetLimit
        return stream
    }
}

extension HTTP2SettingsParameter {
    /// Whether requests may have the field that names the client's connection (`H2Heads.clientField`); ours, from the range for
    /// experiments (RFC 7540, 11.3). Whoever doesn't know it ignores it.
    static var takesClientNames: HTTP2SettingsParameter { HTTP2SettingsParameter(extensionSetting: 0xF1D0) }
    /// Whether requests may have the field with the exchange's id, whose responses then say why they are no origin's (`ToldReason`).
    static var correlates: HTTP2SettingsParameter { HTTP2SettingsParameter(extensionSetting: 0xF1D1) }
}
