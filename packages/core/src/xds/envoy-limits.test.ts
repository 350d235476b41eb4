import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { HttpRateLimit, InboundService, TokenBucket } from '../plan/types.ts';
import { ask, obedientApplication, tcpApplication, tell } from './testing/applications.ts';
import { type Address, freePort, startProxy } from './testing/envoy.ts';
import * as p from './testing/plans.ts';

/** What the real Envoy of a server lets in of too much, and which failures it makes. */

const SERVER = '127.0.23.2';

/** Services of one server, called by one client. */
async function mesh(
  t: TestContext,
  services: Readonly<Record<string, Partial<InboundService> & { readonly target: number }>>,
) {
  const port = await freePort();
  const names = Object.keys(services);
  const at = (name: string): Address => [`127.0.24.${names.indexOf(name) + 1}`, port];
  const all = Object.entries(services).map(([name, { target, ...rest }]) => {
    const { protocol = 'http' } = rest;
    return { name, target, rest, protocol, key: `bookstore/${name}|${target}` };
  });
  const server = await startProxy(
    t,
    p.plan('bookstore/bookstore', {
      inbound: all.map(({ name, target, rest }) => p.inbound(`bookstore/${name}`, port, target, rest)),
    }),
    { inbound: [...new Set(all.map(({ target }) => target))].map((target) => [SERVER, target]) },
  );
  const client = await startProxy(
    t,
    p.plan('bookbuyer/bookbuyer', {
      outbound: all.map(({ name, key, protocol }) =>
        p.outbound(`bookstore/${name}`, port, at(name)[0], [[key, 1]], {
          protocol,
          routes: [
            {
              destinations: [{ upstream: key, weight: 1 }],
              origins: [],
              ...(name === 'failing' && { retry: { on: '5xx', retries: 2, baseIntervalMs: 1 } }),
            },
          ],
        }),
      ),
      upstreams: all.map(({ key, protocol }) => p.upstream(key, ['bookstore/bookstore'], { protocol })),
      assignments: all.map(({ key, target }) => p.assignment(key, p.endpoint(SERVER, target))),
    }),
    { outbound: names.map(at) },
  );
  return { server, client, at };
}

const bucket = (tokensPerFill: number, burst = 0): TokenBucket => ({
  maxTokens: tokensPerFill + burst,
  tokensPerFill,
  fillIntervalSeconds: 60,
});
const limit = (requests: number, burst = 0): HttpRateLimit => ({
  ...bucket(requests, burst),
  status: 429,
  headersToAdd: [],
});

const count = (values: readonly unknown[], value: unknown): number => values.filter((each) => each === value).length;

test('limits and faults of a server', async (t) => {
  const { port: target } = await obedientApplication(t, 'web');
  const tcp = await tcpApplication(t, 'echo', false);
  const { server, client, at } = await mesh(t, {
    few: { target: tcp, protocol: 'tcp', tcpRateLimit: bucket(1) },
    burst: { target: tcp, protocol: 'tcp', tcpRateLimit: bucket(1, 10) },
    http: { target, httpRateLimit: limit(3) },
    'http-burst': { target, httpRateLimit: limit(3, 10) },
    path: { target, routeRateLimits: [{ path: '.*', limit: limit(3) }] },
    overridden: { target, httpRateLimit: limit(1), routeRateLimits: [{ path: '/free', limit: limit(100) }] },
    failing: {
      target,
      fault: { abort: { status: 503, percent: 100 } },
      routeFaults: [
        { path: '/well', fault: {} },
        { path: '/late', fault: { delay: { ms: 300, percent: 100 } } },
        { path: '/seldom', fault: { abort: { status: 418, percent: 50 } } },
      ],
    },
  });
  const inTurn = async <T>(make: () => Promise<T>): Promise<readonly T[]> => {
    const results: T[] = [];
    for (let call = 0; call < 10; call++) results.push(await make());
    return results;
  };
  const LIMITED = 'http_local_rate_limiter.http_local_rate_limit.rate_limited';

  await t.test('connections beyond a limit are closed', async () => {
    const heard = await inTurn(() => tell(at('few'), 'hello', 'hello'));
    assert.equal(count(heard, 'echo:hello'), 1);
    assert.equal(count(heard, ''), 9);
    // The client's proxy tries a connection three times, at another endpoint where there is one.
    assert.equal(await server.stat(`local_rate_limit.inbound_bookstore/few_${tcp}_tcp.rate_limited`), 9 * 3);
  });

  await t.test('a burst of connections comes on top', async () => {
    assert.equal(count(await inTurn(() => tell(at('burst'), 'hello', 'hello')), 'echo:hello'), 10);
  });

  await t.test('requests beyond a limit are answered with 429, and marked', async () => {
    const answers = await inTurn(() => ask(at('http')));
    const statuses = answers.map(({ status }) => status);
    assert.deepEqual(statuses, [200, 200, 200, 429, 429, 429, 429, 429, 429, 429]);
    for (const { status, headers } of answers) {
      assert.equal(headers['x-envoy-ratelimited'], status === 429 ? 'true' : undefined);
    }
    assert.equal(await server.stat(LIMITED), 7);
  });

  await t.test('a burst of requests comes on top', async () => {
    assert.equal(count(await inTurn(async () => (await ask(at('http-burst'))).status), 200), 10);
  });

  await t.test('a path has a limit of its own', async () => {
    const before = await server.stat(LIMITED);
    const statuses = await inTurn(async () => (await ask(at('path'), '/any')).status);
    assert.equal(count(statuses, 200), 3);
    assert.equal((await server.stat(LIMITED)) - before, 7);
    assert.equal(count(await inTurn(async () => (await ask(at('overridden'), '/free')).status), 200), 10);
    assert.equal(count(await inTurn(async () => (await ask(at('overridden'), '/else')).status), 200), 1);
  });

  await t.test('faults are made before the application, and clients retry them', async () => {
    assert.equal((await ask(at('failing'), '/')).status, 503);
    assert.equal(await client.stat(`cluster.bookstore/failing|${target}.upstream_rq_retry`), 2);
    assert.equal((await ask(at('failing'), '/well')).status, 200);
    const began = performance.now();
    assert.equal((await ask(at('failing'), '/late')).status, 200);
    assert.ok(performance.now() - began >= 290);
    const seldom = await Promise.all(
      Array.from({ length: 200 }, async () => (await ask(at('failing'), '/seldom')).status),
    );
    const failed = count(seldom, 418);
    // 200 throws of a fair coin are outside of this once in some hundred thousand million times.
    assert.ok(failed > 50 && failed < 150, `${failed} of 200`);
    assert.equal(count(seldom, 200), 200 - failed);
  });
});
