// A run that waits says so: one warning for each request that is sent again.

internal import HTTP
internal import Logging

extension Transport {
  func logRetries(to log: Logger) {
    retryObserver = { retry in
      log.warning(
        "a request is tried again",
        [
          "attempt": "\(retry.attempt)", "delay.seconds": retry.delay.secondsText,
          "error": retry.cause,
        ])
    }
  }
}
