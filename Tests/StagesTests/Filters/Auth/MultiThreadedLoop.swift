import NIOCore
import NIOPosix

/// A real event loop for tests of what threads hand back.
enum MultiThreadedLoop {
    static var shared: any EventLoop { MultiThreadedEventLoopGroup.singleton.any() }
}
