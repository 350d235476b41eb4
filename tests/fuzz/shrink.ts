import type { MeshObject } from '@osm/core';
import { MAX_WORLDS, startBench } from './bench.ts';
import type { Mismatch } from './run.ts';
import { judge } from './run.ts';

type Json = Record<string, unknown>;

/** The same object with one list item, or one field of its spec, left out; each way once. */
function* smallerSpecs(json: unknown): Generator<unknown> {
  if (Array.isArray(json)) {
    for (const [index, item] of json.entries()) {
      yield json.filter((_, at) => at !== index);
      for (const smaller of smallerSpecs(item)) yield json.map((each, at) => (at === index ? smaller : each));
    }
  } else if (typeof json === 'object' && json !== null) {
    for (const [key, value] of Object.entries(json)) {
      const { [key]: _, ...rest } = json as Json;
      yield rest;
      for (const smaller of smallerSpecs(value)) yield { ...json, [key]: smaller };
    }
  }
}

/** Kinds of which a part may be left out without making an object that no API server would hold. */
const SHRINKABLE = new Set(['HTTPRouteGroup', 'TCPRoute', 'TrafficTarget', 'TrafficSplit', 'Egress', 'IngressBackend']);

/** Worlds with less in them: without an object, then without a part of one. */
function* smallerWorlds(world: readonly MeshObject[]): Generator<readonly MeshObject[]> {
  const needed = new Set(['MeshConfig', 'Namespace']);
  for (const [index, object] of world.entries()) {
    if (!needed.has(object.kind)) yield world.filter((_, at) => at !== index);
  }
  for (const [index, object] of world.entries()) {
    if (!SHRINKABLE.has(object.kind)) continue;
    for (const spec of smallerSpecs(object.spec))
      yield world.map((each, at) => (at === index ? { ...object, spec } : each));
  }
}

/** The first of some worlds on which the three disagree in the same way. */
async function stillWrong(worlds: readonly (readonly MeshObject[])[], found: Mismatch): Promise<Mismatch | undefined> {
  const bench = await startBench(worlds);
  try {
    for (const [index, world] of worlds.entries()) {
      try {
        const comparison = await judge(bench, index, found.call);
        if (comparison.kind === found.comparison.kind) return { world, call: found.call, comparison };
      } catch {
        // A world of which so much is left out that the naive reading stumbles over it is none to show.
      }
    }
    return undefined;
  } finally {
    await bench.stop();
  }
}

/** A mismatch with as little in its world as shows it; many smaller worlds are tried behind one Envoy at a time. */
export async function shrink(found: Mismatch): Promise<Mismatch> {
  let best = found;
  let from = 0;
  for (;;) {
    const candidates = [...smallerWorlds(best.world)].slice(from, from + MAX_WORLDS);
    if (candidates.length === 0) return best;
    const smaller = await stillWrong(candidates, best);
    // What could not be left out before is not tried again until everything else was.
    if (smaller === undefined) from += MAX_WORLDS;
    else {
      from = 0;
      best = smaller;
    }
  }
}
