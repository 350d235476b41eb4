/** A time by which something must have ended. */
export interface Deadline {
  /** Fires with the time, or with one of the signals given. */
  readonly signal: AbortSignal;
  /** True when it was the time. */
  readonly passed: () => boolean;
  /** Stops the clock. */
  end(): void;
}

/** Starts the clock, milliseconds. */
export function startDeadline(ms: number, signals: readonly (AbortSignal | undefined)[]): Deadline {
  const controller = new AbortController();
  let passed = false;
  const timer = setTimeout(() => {
    passed = true;
    controller.abort();
  }, ms);
  const given = signals.filter((signal) => signal !== undefined);
  const forward = () => controller.abort();
  for (const signal of given) {
    if (signal.aborted) controller.abort();
    else signal.addEventListener('abort', forward, { once: true });
  }
  return {
    signal: controller.signal,
    passed: () => passed,
    end() {
      clearTimeout(timer);
      for (const signal of given) signal.removeEventListener('abort', forward);
    },
  };
}
