// A run that waits says so: one warning for each request that is sent again.

internal import HTTP

extension Transport {
  func logRetries(to log: Log) {
    retryObserver = { retry in
      log.warning(
        "a request is tried again",
        [
          "attempt": retry.attempt, "delay.seconds": retry.delay,
          "error": retry.cause,
        ])
    }
  }
}
