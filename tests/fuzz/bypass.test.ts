import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { after, test } from 'node:test';
import { decide, readSnapshot } from '@osm/core';
import { parse, stringify } from 'yaml';
import { meshOf } from '../../packages/core/src/testing/mesh.ts';
import { namespace, policy, trafficTarget, workload } from '../../packages/core/src/testing/objects.ts';
import { startEnvoy } from './envoy-process.ts';
import { http2Request } from './http2-frames.ts';
import { addProxy, bootstrapOf, emptyConfiguration } from './proxies.ts';
import { type Arrival, startRecorder } from './recorder.ts';
import { TARGETS } from './world.ts';

/**
 * Ways around rules about requests. Each is sent as bytes to the real proxies; the application keeps what it gets.
 * `testdata/bypass.yaml` says what that is: `arrives` has the lines of the requests, and is empty for what is refused.
 */

interface Trick {
  readonly name: string;
  readonly raw?: string;
  readonly http2?: readonly (readonly [name: string, value: string])[];
  readonly body?: string;
  readonly arrives: readonly string[];
}

const FILE = new URL('testdata/bypass.yaml', import.meta.url);
const tricks = parse(readFileSync(FILE, 'utf8')) as readonly Trick[];

const NET = '127.98';
const [TARGET] = TARGETS;
const objects = [
  namespace('a'),
  ...workload('a/x', `${NET}.2.2`, `${NET}.1.2`, { name: 'http', port: 80, targetPort: TARGET }),
  ...workload('a/y', `${NET}.2.1`, `${NET}.1.1`, { name: 'http', port: 80, targetPort: TARGET }),
  policy('HTTPRouteGroup', 'a/routes', {
    matches: [
      { name: 'public', pathRegex: '/public(/.*)?', methods: ['GET'] },
      { name: 'ping', pathRegex: '/admin/ping', methods: ['GET'], headers: { 'x-role': 'admin' } },
      { name: 'host', pathRegex: '/by-host', methods: ['GET'], headers: { host: 'good\\.example' } },
      { name: 'items', pathRegex: '/items', methods: ['POST'] },
    ],
  }),
  trafficTarget(
    'target',
    'a/y',
    ['a/x'],
    [{ kind: 'HTTPRouteGroup', name: 'routes', matches: ['public', 'ping', 'host', 'items'] }],
  ),
];
const snapshot = readSnapshot(meshOf(objects));
const recorder = await startRecorder();
const configuration = emptyConfiguration();
const common = { applicationPort: () => recorder.port, sourceFor: () => `${NET}.5.1`, outside: `${NET}.3.1` };
const CLIENT = [`${NET}.4.1`, 18_001] as const;
addProxy(configuration, snapshot, 'a/x', undefined, { ...common, prefix: 'client:', outbound: CLIENT, pod: undefined });
addProxy(
  configuration,
  snapshot,
  'a/y',
  { namespace: 'a', name: 'y-1' },
  {
    ...common,
    prefix: 'server:',
    outbound: [`${NET}.4.2`, 18_001],
    pod: `${NET}.2.1`,
  },
);
const envoy = await startEnvoy(bootstrapOf(configuration));
after(async () => {
  await envoy.stop();
  recorder.close();
});

/** How long a request that was let through may take; what has not arrived by then was refused or is not whole. */
const PATIENCE_MS = 300;

/** Sends bytes through both proxies; the answer so far, once the proxies have closed or said something, and then no more. */
function send(bytes: Buffer): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(CLIENT[1], CLIENT[0]);
    let heard = '';
    let timer: NodeJS.Timeout | undefined;
    const end = (): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(heard);
    };
    const wait = (): void => {
      clearTimeout(timer);
      timer = setTimeout(end, PATIENCE_MS);
    };
    socket.on('error', end);
    socket.on('close', end);
    socket.on('data', (data) => {
      heard += data.toString('latin1');
      wait();
    });
    socket.write(`PROXY TCP4 ${NET}.4.1 ${NET}.1.1 40000 80\r\n`);
    socket.write(bytes);
    wait();
  });
}

const bytesOf = ({ raw, http2, body }: Trick): Buffer =>
  http2 === undefined ? Buffer.from(raw ?? '', 'latin1') : http2Request(http2, body);

const valuesOf = ({ headers }: Arrival, wanted: string): readonly string[] =>
  headers.filter(([name]) => name.toLowerCase() === wanted).flatMap(([, value]) => value.split(', '));

/** Whether a request that arrived is one that the rules let in, read as the application reads it. */
function isLetIn(arrival: Arrival): boolean {
  const [method = '', target = ''] = arrival.line.split(' ');
  const path = target.split('?')[0] ?? '';
  if (method === 'POST') return path === '/items';
  if (method !== 'GET') return false;
  // Of a header that is sent several times one value is enough for Envoy, which looks at each by itself.
  if (path === '/admin/ping') return valuesOf(arrival, 'x-role').includes('admin');
  if (path === '/by-host') {
    return [...valuesOf(arrival, 'host'), ...valuesOf(arrival, ':authority')].every((host) => host === 'good.example');
  }
  return /^\/public(\/[^\\#]*)?$/.test(path) && !/(^|\/)(\.|%2e){1,2}(\/|;|$)|%2f|%5c|%00|\/\//i.test(path);
}

/** The request of a trick that is a plain GET, as the evaluator is asked about it. */
function decidedArrival({ raw = '' }: Trick): readonly string[] | undefined {
  const plain = /^GET (\/[!-~]*) HTTP\/1\.1\r\nHost: ([a-zA-Z.:0-9]+)\r\n(?:X-Role: ([a-z]+)\r\n)?\r\n$/.exec(raw);
  if (plain === null) return undefined;
  const [, path = '', host = '', role] = plain;
  const { verdict } = decide(snapshot, {
    source: { namespace: 'a', serviceAccount: 'x' },
    destination: { to: { namespace: 'a', name: 'y' }, port: 80, host },
    protocol: 'http',
    path,
    ...(role !== undefined && { headers: { 'X-Role': role } }),
  });
  return verdict === 'allowed' ? ['arrives'] : [];
}

const seen: Trick[] = [];

for (const trick of tricks) {
  test(trick.name, async () => {
    recorder.take();
    await send(bytesOf(trick));
    const arrivals = recorder.take();
    const arrives = arrivals.map(({ line }) => (line.length > 200 ? `${line.slice(0, 60)}… (${line.length})` : line));
    for (const arrival of arrivals) assert.ok(isLetIn(arrival), `let in: ${JSON.stringify(arrival)}`);
    const decided = decidedArrival(trick);
    if (decided !== undefined)
      assert.equal(decided.length > 0, arrives.length > 0, `decided ${decided}, Envoy ${arrives}`);
    seen.push({ ...trick, arrives });
    if (process.env.UPDATE_GOLDEN !== '1') assert.deepEqual(arrives, trick.arrives);
  });
}

test('what was seen is kept', () => {
  if (process.env.UPDATE_GOLDEN === '1') writeFileSync(FILE, stringify(seen, { lineWidth: 0 }));
  assert.equal(seen.length, tricks.length);
});
