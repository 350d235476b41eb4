import { setTimeout as delay } from 'node:timers/promises';
import type { MeshObject } from '@osm/core';
import { type Bench, startBench } from './bench.ts';
import { drawCall, type FuzzCall } from './calls.ts';
import { type Comparison, compare } from './compare.ts';
import { drawFrom } from './draw.ts';
import { drawWorld } from './world.ts';

/** A case on which the three do not agree. */
export interface Mismatch {
  readonly world: readonly MeshObject[];
  readonly call: FuzzCall;
  readonly comparison: Comparison;
}

/** What came of a run. */
export interface Tally {
  readonly cases: number;
  readonly allowed: number;
  readonly mismatches: readonly Mismatch[];
}

const WORLDS_AT_ONCE = 25;
const CALLS_PER_WORLD = 60;
const IN_FLIGHT = 24;

/** What the three say of one call. A connection that the machine lost is made again. */
export async function judge(bench: Bench, world: number, call: FuzzCall): Promise<Comparison> {
  for (let attempt = 0; ; attempt++) {
    const comparison = compare(bench.worlds[world]!, call, await bench.call(world, call));
    if (comparison.agreed || attempt === 2) return comparison;
    await delay(50);
  }
}

/** Runs random cases, from a seed, until at least so many were judged. */
export async function runCases(
  seed: number,
  cases: number,
  onBatch?: (done: number, wrong: number) => void,
): Promise<Tally> {
  const mismatches: Mismatch[] = [];
  let done = 0;
  let allowed = 0;
  for (let batch = 0; done < cases; batch++) {
    const count = Math.min(WORLDS_AT_ONCE, Math.ceil((cases - done) / CALLS_PER_WORLD));
    const draws = Array.from({ length: count }, (_, index) => drawFrom(seed + batch * WORLDS_AT_ONCE + index));
    const worlds = draws.map(drawWorld);
    const bench = await startBench(worlds);
    const queue = worlds.flatMap((world, index) =>
      Array.from({ length: CALLS_PER_WORLD }, () => ({ world, index, call: drawCall(world, draws[index]!) })),
    );
    const work = async (): Promise<void> => {
      for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
        const comparison = await judge(bench, next.index, next.call);
        done++;
        if (!comparison.seen.startsWith('refused')) allowed++;
        if (!comparison.agreed) mismatches.push({ world: next.world, call: next.call, comparison });
      }
    };
    try {
      await Promise.all(Array.from({ length: IN_FLIGHT }, work));
    } finally {
      await bench.stop();
    }
    onBatch?.(done, mismatches.length);
  }
  return { cases: done, allowed, mismatches };
}
