import { type Decision, decide } from '@osm/core';
import type { PlacedWorld } from './bench.ts';
import { evaluatorCall, type FuzzCall, SENT_PATHS } from './calls.ts';
import type { Seen } from './clients.ts';
import { readNaively } from './naive.ts';
import { moveTo } from './world.ts';

/** The three answers on one call, and whether they agree. */
export interface Comparison {
  readonly agreed: boolean;
  /** What kind of disagreement it is, so that shrinking stays with one. */
  readonly kind: string;
  /** By the evaluator: verdict, and upstreams with theirs. */
  readonly decided: string;
  /** By the naive reading: everything that may become of it. */
  readonly read: string;
  /** By Envoy. */
  readonly seen: string;
}

const REFUSED = 'refused';
const serviceIn = (place: string): string => place.split(' ')[0]!;

/** Holds the three answers against one another. */
export function compare({ net, objects, snapshot }: PlacedWorld, drawn: FuzzCall, seen: Seen): Comparison {
  const call = moveTo(drawn, net);
  const decision = decide(snapshot, evaluatorCall(call));
  const naive = readNaively(objects, call);
  const parts = decision.distribution.filter(({ weight }) => weight > 0);
  const mesh = (upstream: string): string => (upstream.includes('/') ? upstream.split('|')[0]! : 'outside');
  /** Whether the proxies read requests on the way, rather than passing bytes. */
  const isRead = (distribution: Decision['distribution']): boolean =>
    distribution.some(({ upstream }) =>
      [...snapshot.services.values()].some((ports) =>
        ports.some((port) => port.upstream === upstream && !port.protocol.startsWith('tcp')),
      ),
    );
  const allowed = new Set(parts.filter(({ verdict }) => verdict === 'allowed').map(({ upstream }) => mesh(upstream)));
  const named = new Set(parts.map(({ upstream }) => mesh(upstream)));
  const places = [...naive].filter((outcome) => outcome !== REFUSED);
  const happened = seen.place ?? REFUSED;
  const kinds: string[] = [];
  if ((decision.verdict === 'allowed') === naive.has(REFUSED))
    kinds.push(`decided ${decision.verdict}, read otherwise`);
  if ([...allowed].some((service) => !places.some((place) => serviceIn(place) === service))) {
    kinds.push('decided to allow what is not read to be');
  }
  if (places.some((place) => !named.has(serviceIn(place)))) kinds.push('read to allow what is not decided to be');
  if (!naive.has(happened)) kinds.push(`Envoy ${happened === REFUSED ? 'refuses' : 'allows'}, read otherwise`);
  if (happened === REFUSED ? decision.verdict === 'allowed' : !named.has(serviceIn(happened))) {
    kinds.push(`Envoy ${happened === REFUSED ? 'refuses' : 'allows'}, decided otherwise`);
  }
  if (seen.status === 403 && decision.verdict === 'not-routed') kinds.push('Envoy denies, decided not-routed');
  const [, normal, merged] = SENT_PATHS[call.path]!;
  const arrived = seen.path?.split('?')[0];
  if (arrived !== undefined && arrived !== normal && arrived !== merged && isRead(decision.distribution)) {
    kinds.push(`arrived as ${arrived}`);
  }
  const upstreams = decision.distribution.map(({ upstream, weight, verdict }) => `${upstream} ${weight} ${verdict}`);
  return {
    agreed: kinds.length === 0,
    kind: kinds.join('; '),
    decided: `${decision.verdict} [${upstreams.join(', ')}] ${decision.proof.map(({ text }) => text).join(' | ')}`,
    read: [...naive].sort().join(', '),
    seen: `${happened} (${seen.status ?? 'no status'}: ${JSON.stringify(seen.text.slice(0, 120))}${arrived === undefined ? '' : ` as ${arrived}`})`,
  };
}
