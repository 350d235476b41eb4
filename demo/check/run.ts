import { userInfo } from 'node:os';
import { table } from '@osm/cli';
import { createInformer, type KubeObject, TYPES } from '@osm/kube';
import { type Demo, NAMESPACES } from '../start/demo.ts';
import { access } from './access.ts';
import { startCapture } from './capture.ts';
import type { CheckContext, Claim, Verdict } from './claim.ts';
import { database } from './database.ts';
import { encryption } from './encryption.ts';
import { foreign } from './foreign.ts';
import { openProxies } from './proxies.ts';
import { recovery } from './recovery.ts';
import { resilience } from './resilience.ts';
import { openShopper } from './shopper.ts';
import { split } from './split.ts';
import { workloads } from './workloads.ts';

/** In the order in which they are verified; encryption judges the capture of all that came before. */
const CLAIMS: readonly Claim[] = [access, split, database, resilience, workloads, recovery, foreign, encryption];

/** How results are told. */
export interface CheckOptions {
  readonly json: boolean;
  readonly note: (text: string) => void;
  readonly signal: AbortSignal;
}

const isMeshed = (pod: KubeObject): boolean =>
  pod.metadata.labels?.['osm-proxy-uuid'] !== undefined &&
  (NAMESPACES as readonly string[]).includes(pod.metadata.namespace ?? '');

/** Addresses that belonged to meshed pods of the bookstore, and to no other pod. */
function recordAddresses(demo: Demo): { meshed: () => ReadonlySet<string>; stop: () => void } {
  const meshed = new Set<string>();
  const others = new Set<string>();
  const pods = createInformer(demo.client, TYPES.pods);
  pods.subscribe(({ object }) => {
    const address = (object.status as { podIP?: string } | undefined)?.podIP;
    if (address !== undefined) (isMeshed(object) ? meshed : others).add(address);
  });
  return { meshed: () => meshed.difference(others), stop: () => pods.stop() };
}

async function judge(claim: Claim, context: CheckContext): Promise<Verdict> {
  const began = performance.now();
  const verdict = (holds: boolean, evidence: string): Verdict => ({
    claim: claim.number,
    title: claim.title,
    holds,
    evidence,
    seconds: Math.round((performance.now() - began) / 10) / 100,
  });
  try {
    return verdict(true, await claim.verify(context));
  } catch (error) {
    if (context.signal.aborted) throw error;
    return verdict(false, error instanceof Error ? error.message : String(error));
  }
}

/** Who runs the check: claim 8 is that everything holds for root and for an ordinary user alike. */
function whoRuns(all: readonly Verdict[]): Verdict {
  const { uid, username } = userInfo();
  const who = uid === 0 ? 'root' : `an ordinary user (uid ${uid}, ${username})`;
  return {
    claim: 8,
    title: 'the same holds for root and for an ordinary user',
    holds: all.every((verdict) => verdict.holds),
    evidence: `this run was made as ${who}`,
    seconds: 0,
  };
}

/** Verifies every claim against the running demo and prints what was found. Resolves with the exit code. */
export async function runChecks(demo: Demo, options: CheckOptions): Promise<number> {
  const addresses = recordAddresses(demo);
  const [buyer, thief, capture] = await Promise.all([
    openShopper(demo, 'bookbuyer'),
    openShopper(demo, 'bookthief'),
    startCapture(demo.id),
  ]);
  const proxies = openProxies(demo);
  const context: CheckContext = { demo, buyer, thief, proxies, capture, meshed: addresses.meshed, ...options };
  const verdicts: Verdict[] = [];
  try {
    for (const claim of CLAIMS) {
      options.signal.throwIfAborted();
      options.note(`claim ${claim.number}: ${claim.title} … `);
      const verdict = await judge(claim, context);
      options.note(`${verdict.holds ? 'holds' : 'DOES NOT HOLD'} (${verdict.seconds.toFixed(1)} s)\n`);
      verdicts.push(verdict);
    }
  } finally {
    addresses.stop();
    buyer.close();
    thief.close();
    proxies.close();
    capture.close();
  }
  const all = [...verdicts, whoRuns(verdicts)].sort((a, b) => a.claim - b.claim);
  print(all, demo, options.json);
  return all.every((verdict) => verdict.holds) ? 0 : 1;
}

function print(verdicts: readonly Verdict[], demo: Demo, json: boolean): void {
  const first = demo.stages.find((stage) => stage.name === 'first meshed request');
  const firstSeconds = Math.round((first?.endedMs ?? 0) / 10) / 100;
  if (json) {
    const document = { verdicts, stages: demo.stages, firstMeshedRequestSeconds: firstSeconds };
    process.stdout.write(`${JSON.stringify(document, undefined, 2)}\n`);
    return;
  }
  const stages = demo.stages.map(({ name, tookMs }) => [name, `${(tookMs / 1000).toFixed(2)} s`]);
  process.stdout.write(`\n${table(['STAGE', 'TOOK'], stages)}\nfirst meshed request after ${firstSeconds} s\n\n`);
  process.stdout.write(
    table(
      ['CLAIM', 'HOLDS', 'WHAT WAS SEEN'],
      verdicts.map(({ claim, holds, evidence }) => [String(claim), holds ? 'yes' : 'NO', evidence]),
    ),
  );
}
