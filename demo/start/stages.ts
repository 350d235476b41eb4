/** What a stage took. */
export interface Stage {
  readonly name: string;
  /** Since the beginning, ms. */
  readonly endedMs: number;
  readonly tookMs: number;
}

/** Measures the stages of a way, each from the end of the one before. */
export interface Stopwatch {
  readonly stages: readonly Stage[];
  /** Ends a stage. */
  lap(name: string): Stage;
}

/** Starts measuring; `onLap` hears of every stage. */
export function startStopwatch(onLap: (stage: Stage) => void): Stopwatch {
  const began = performance.now();
  const stages: Stage[] = [];
  return {
    stages,
    lap(name) {
      const endedMs = performance.now() - began;
      const stage = Object.freeze({ name, endedMs, tookMs: endedMs - (stages.at(-1)?.endedMs ?? 0) });
      stages.push(stage);
      onLap(stage);
      return stage;
    },
  };
}
