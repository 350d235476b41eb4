import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { OutboundRoute, Upstream } from '../plan/types.ts';
import { ask, obedientApplication } from './testing/applications.ts';
import { type Address, freePort, startProxy, until } from './testing/envoy.ts';
import * as p from './testing/plans.ts';

/** What the real Envoy does for calls that fail, last, or belong together. */

const SERVER = '127.0.20.2';
const WEB = 'bookstore/web';
const OPEN = { by: 'header', name: 'x-user' } as const;

type RouteParts = Partial<Omit<OutboundRoute, 'destinations' | 'origins'>>;

interface Service {
  readonly routes: readonly RouteParts[];
  readonly upstream?: Partial<Upstream>;
  /** Ports of applications, in the caller's zone and beyond it. */
  readonly near: readonly number[];
  readonly far?: readonly number[];
}

/** A server with applications that stand behind one service, and a client that calls them by several names. */
async function mesh(t: TestContext, applications: readonly number[], services: Readonly<Record<string, Service>>) {
  const port = await freePort();
  const names = Object.keys(services);
  const at = (name: string): Address => [`127.0.21.${names.indexOf(name) + 1}`, port];
  const key = (name: string): string => `bookstore/${name}|${port}`;
  await startProxy(
    t,
    p.plan('bookstore/bookstore', { inbound: applications.map((target) => p.inbound(WEB, port, target)) }),
    { inbound: applications.map((target) => [SERVER, target]) },
  );
  const client = await startProxy(
    t,
    p.plan('bookbuyer/bookbuyer', {
      outbound: Object.entries(services).map(([name, { routes }]) =>
        p.outbound(`bookstore/${name}`, port, at(name)[0], [], {
          routes: routes.map((route) => ({
            ...route,
            destinations: [{ upstream: key(name), weight: 1 }],
            origins: [],
          })),
        }),
      ),
      upstreams: Object.entries(services).map(([name, { upstream }]) =>
        p.upstream(key(name), ['bookstore/bookstore'], {
          serverName: p.serverName(p.service(WEB)),
          ...upstream,
        }),
      ),
      assignments: Object.entries(services).map(([name, { near, far = [] }]) =>
        p.assignment(
          key(name),
          ...near.map((target) => p.endpoint(SERVER, target)),
          ...far.map((target) => ({ ...p.endpoint(SERVER, target), fallback: true })),
        ),
      ),
    }),
    { outbound: names.map(at) },
  );
  const stat = (name: string, what: string): Promise<number> => client.stat(`cluster.${key(name)}.${what}`);
  return { at, stat };
}

const OUTLIERS = {
  consecutive5xx: 3,
  consecutiveGatewayErrors: 0,
  intervalMs: 50,
  baseEjectionMs: 60_000,
  maxEjectionMs: 60_000,
  maxEjectionPercent: 100,
};

const times = <T>(count: number, make: (index: number) => Promise<T>): Promise<readonly T[]> =>
  Promise.all(Array.from({ length: count }, (_, index) => make(index)));

test('resilience of calls', async (t) => {
  const a = await obedientApplication(t, 'a');
  const b = await obedientApplication(t, 'b');
  const bad = await obedientApplication(t, 'bad', 503);
  const both = [a.port, b.port];
  const retry = { on: '5xx', retries: 5, perTryTimeoutMs: 1000, baseIntervalMs: 1 };
  const { at, stat } = await mesh(t, [a.port, b.port, bad.port], {
    timed: {
      routes: [
        { match: { path: '/wait/40.', headers: [] }, timeouts: { requestMs: 10_000 } },
        { timeouts: { requestMs: 200 } },
      ],
      near: [a.port],
    },
    idle: { routes: [{ timeouts: { idleMs: 200 } }], near: [a.port] },
    'by-header': { routes: [{ affinity: OPEN }], upstream: { balancing: { mode: 'maglev' } }, near: both },
    'by-cookie': {
      routes: [{ affinity: { by: 'cookie', name: 'session', ttlMs: 0, path: '/' } }],
      upstream: { balancing: { mode: 'ring-hash' } },
      near: both,
    },
    'by-source': {
      routes: [{ affinity: { by: 'source-address' } }],
      upstream: { balancing: { mode: 'maglev' } },
      near: both,
    },
    outlier: { routes: [{}], upstream: { outlierDetection: OUTLIERS }, near: [a.port, bad.port] },
    near: { routes: [{}], near: [a.port], far: [b.port] },
    spill: { routes: [{}], upstream: { outlierDetection: OUTLIERS }, near: [bad.port], far: [b.port] },
    retried: { routes: [{ retry }], upstream: { retryBudget: { percent: 20, minConcurrency: 10 } }, near: [a.port] },
    storm: { routes: [{ retry }], upstream: { retryBudget: { percent: 20, minConcurrency: 2 } }, near: [bad.port] },
    breaking: {
      routes: [{}],
      upstream: { limits: { maxConnections: 1, maxPendingRequests: 1, maxRequestsPerConnection: 1 } },
      near: [a.port],
    },
    slow: {
      routes: [{}],
      upstream: { balancing: { mode: 'slow-start', windowMs: 1000, minWeightPercent: 10 } },
      near: both,
    },
  });
  const status = async (...args: Parameters<typeof ask>): Promise<number> => (await ask(...args)).status;

  await t.test('a request ends with its timeout, which a path may have of its own', async () => {
    assert.equal(await status(at('timed'), '/wait/1000'), 504);
    assert.equal(await status(at('timed'), '/wait/401'), 200);
    assert.equal(await status(at('timed'), '/'), 200);
    assert.equal(await stat('timed', 'upstream_rq_timeout'), 1);
  });

  await t.test('a request on which nothing moves ends', async () => {
    assert.equal(await status(at('idle'), '/wait/2000'), 504);
    assert.equal(await status(at('idle'), '/'), 200);
  });

  await t.test('requests with the same header go to one endpoint', async () => {
    const servers = await times(20, async (user) => {
      const answers = await times(3, () => ask(at('by-header'), '/', { headers: { 'x-user': `user-${user}` } }));
      const names = new Set(answers.map(({ body }) => body));
      assert.equal(names.size, 1, `user ${user}`);
      return [...names][0];
    });
    assert.deepEqual(new Set(servers), new Set(['a', 'b']));
  });

  await t.test('a client gets a cookie, by which it is known again', async () => {
    const servers = await times(20, async () => {
      const first = await ask(at('by-cookie'));
      const cookie = first.headers['set-cookie']?.[0]?.split(';')[0] ?? '';
      assert.match(cookie, /^session=/);
      const again = await times(3, () => ask(at('by-cookie'), '/', { headers: { cookie } }));
      for (const { body, headers } of again) {
        assert.equal(body, first.body);
        assert.equal(headers['set-cookie'], undefined);
      }
      return first.body;
    });
    assert.deepEqual(new Set(servers), new Set(['a', 'b']));
  });

  await t.test('requests from one address go to one endpoint', async () => {
    const servers = await times(20, async (last) => {
      const answers = await times(3, () => ask(at('by-source'), '/', { localAddress: `127.0.22.${last + 1}` }));
      const names = new Set(answers.map(({ body }) => body));
      assert.equal(names.size, 1);
      return [...names][0];
    });
    assert.deepEqual(new Set(servers), new Set(['a', 'b']));
  });

  await t.test('an endpoint that fails is left out', async () => {
    await until('an ejection', async () => {
      await status(at('outlier'));
      return (await stat('outlier', 'outlier_detection.ejections_active')) === 1 ? true : undefined;
    });
    assert.deepEqual(new Set(await times(20, () => status(at('outlier')))), new Set([200]));
  });

  await t.test('endpoints of the own zone are called, and others when these fail', async () => {
    const names = await times(20, async () => (await ask(at('near'))).body);
    assert.deepEqual(new Set(names), new Set(['a']));
    await until('an ejection', async () => {
      await status(at('spill'));
      return (await stat('spill', 'outlier_detection.ejections_active')) === 1 ? true : undefined;
    });
    const answers = await times(20, () => ask(at('spill')));
    assert.deepEqual(new Set(answers.map(({ body }) => body)), new Set(['b']));
  });

  await t.test('failed requests are repeated, others are not', async () => {
    assert.equal(await status(at('retried'), '/status/503'), 503);
    assert.equal(await stat('retried', 'upstream_rq_retry'), 5);
    assert.equal(await stat('retried', 'upstream_rq_retry_backoff_exponential'), 5);
    assert.equal(await status(at('retried'), '/status/404'), 404);
    assert.equal(await stat('retried', 'upstream_rq_retry'), 5);
  });

  await t.test('retries do not become a storm', async () => {
    const before = bad.asked();
    const answers = await times(60, () => status(at('storm')));
    assert.deepEqual(new Set(answers), new Set([503]));
    const attempts = bad.asked() - before;
    const retries = await stat('storm', 'upstream_rq_retry');
    assert.equal(attempts, 60 + retries);
    assert.ok(retries > 0 && retries < 150, `${retries} of 300 retries`);
    assert.ok((await stat('storm', 'upstream_rq_retry_overflow')) > 0);
  });

  await t.test('what is beyond the limits of connections is refused at once', async () => {
    const answers = (await times(3, async () => {
      const statuses: number[] = [];
      for (let call = 0; call < 17; call++) {
        const answer = await ask(at('breaking'), '/wait/5');
        if (answer.status === 503) assert.equal(answer.headers['x-envoy-overloaded'], 'true');
        statuses.push(answer.status);
      }
      return statuses;
    }).then((all) => all.flat())) as readonly number[];
    const refused = answers.filter((each) => each === 503).length;
    assert.deepEqual(new Set(answers), new Set([200, 503]));
    assert.equal(await stat('breaking', 'upstream_rq_pending_overflow'), refused);
    const served = answers.length - refused;
    assert.equal(await stat('breaking', 'upstream_cx_max_requests'), served);
    assert.equal(await stat('breaking', 'upstream_cx_total'), served);
  });

  await t.test('with a slow start endpoints are called all the same', async () => {
    const names = await times(20, async () => (await ask(at('slow'))).body);
    assert.deepEqual(new Set(names), new Set(['a', 'b']));
  });
});
