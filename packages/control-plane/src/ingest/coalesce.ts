/** Waits and bounds of a burst, in milliseconds. */
export interface CoalesceOptions {
  /** A burst ends when nothing came for this long. */
  readonly quietMs: number;
  /** … or when it has lasted this long, whatever still comes. */
  readonly capMs: number;
  readonly run: () => void;
}

/** Turns bursts of signals into single runs. */
export interface Coalescer {
  /** Something changed. */
  signal(): void;
  stop(): void;
}

/** Creates a coalescer; `run` is called once per burst, never while no signal came. */
export function createCoalescer({ quietMs, capMs, run }: CoalesceOptions): Coalescer {
  let began: number | undefined;
  let timer: NodeJS.Timeout | undefined;
  const fire = (): void => {
    began = undefined;
    timer = undefined;
    run();
  };
  return {
    signal() {
      const now = Date.now();
      began ??= now;
      clearTimeout(timer);
      timer = setTimeout(fire, Math.max(0, Math.min(quietMs, began + capMs - now)));
    },
    stop() {
      clearTimeout(timer);
      timer = undefined;
      began = undefined;
    },
  };
}
