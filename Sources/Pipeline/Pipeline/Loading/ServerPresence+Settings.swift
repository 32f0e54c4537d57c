import ConfigurationLanguage

extension ServerPresence {
    /// The presence of a server that is woken as a file's `lifecycle` says.
    public convenience init(_ settings: LifecycleSettings) {
        self.init(
            patience: settings.connectionTimeout, retryInterval: settings.connectionRetryInterval, holdLimit: settings.hold,
            holdBytes: settings.holdBytes.bytes, leavesQuietly: settings.onStop == .keep,
            canDiscover: settings.statusEndpoint != nil)
    }
}
