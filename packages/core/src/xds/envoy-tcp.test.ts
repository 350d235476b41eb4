import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { tcpApplication, tell, tellTls } from './testing/applications.ts';
import { type Address, freePort, startProxy } from './testing/envoy.ts';
import * as p from './testing/plans.ts';

/** TCP between proxies of a mesh, by the real Envoy. */

const SERVER = '127.0.0.3';
const [BUYER, THIEF] = ['bookbuyer/bookbuyer', 'bookthief/bookthief'];

async function mesh(t: TestContext) {
  const echo = await tcpApplication(t, 'echo', false);
  const database = await tcpApplication(t, 'database', true);
  const open = await tcpApplication(t, 'open', true);
  const limited = await tcpApplication(t, 'limited', true);
  const port = await freePort();
  const tcp = p.rules([p.httpRule('bookstore/http', {}, THIEF)], [p.tcpRule('bookstore/tcp', [echo, database], BUYER)]);
  const server = await startProxy(
    t,
    p.plan('bookstore/bookstore', {
      inbound: [
        p.inbound('bookstore/echo', port, echo, { protocol: 'tcp', access: tcp }),
        p.inbound('bookstore/database', port, database, { protocol: 'tcp-server-first', access: tcp }),
        p.inbound('bookstore/open', port, open, { protocol: 'tcp-server-first' }),
        p.inbound('bookstore/limited', port, limited, {
          protocol: 'tcp-server-first',
          tcpRateLimit: { maxTokens: 2, tokensPerFill: 1, fillIntervalSeconds: 3600 },
        }),
      ],
    }),
    { inbound: [echo, database, open, limited].map((each) => [SERVER, each]) },
  );
  const key = (name: string, target: number): string => `bookstore/${name}|${target}`;
  const all = Object.entries({ echo, database, open, limited });
  const gone = await freePort();
  const client = async (identity: string, network: string) => {
    const at = (last: number): Address => [`${network}.${last}`, port];
    const service = (last: number, protocol: 'tcp' | 'tcp-server-first', ...to: (readonly [string, number])[]) =>
      p.outbound(`bookstore/s${last}`, port, at(last)[0], to, { protocol });
    await startProxy(
      t,
      p.plan(identity, {
        outbound: [
          service(1, 'tcp', [key('echo', echo), 1]),
          service(2, 'tcp-server-first', [key('database', database), 1]),
          service(3, 'tcp', [key('open', open), 0], [key('database', database), 2], [key('echo', echo), 0]),
          service(4, 'tcp-server-first', [key('database', database), 1], [key('open', open), 3]),
          service(5, 'tcp', [key('open', open), 0]),
          service(6, 'tcp-server-first', [key('limited', limited), 1]),
        ],
        upstreams: all.map(([name, target]) =>
          p.upstream(key(name, target), ['bookstore/bookstore'], { protocol: 'tcp' }),
        ),
        assignments: all.map(([name, target]) =>
          p.assignment(
            key(name, target),
            p.endpoint(SERVER, target),
            ...(name === 'echo' ? [p.endpoint(SERVER, gone)] : []),
          ),
        ),
      }),
      { outbound: [1, 2, 3, 4, 5, 6, 9].map(at) },
    );
    return at;
  };
  const [buyer, thief] = await Promise.all([client(BUYER, '127.0.4'), client(THIEF, '127.0.5')]);
  return { server, buyer, thief, database };
}

test('TCP between proxies', async (t) => {
  const { server, buyer, thief, database } = await mesh(t);

  await t.test('allowed workloads are connected', async () => {
    assert.equal(await tell(buyer(1), 'hello', 'hello'), 'echo:hello');
    assert.equal(await tell(buyer(2), undefined, 'database:'), 'database:');
  });

  await t.test('others are cut off, whoever speaks first', async () => {
    assert.equal(await tell(thief(1), 'hello'), '');
    assert.equal(await tell(thief(2), undefined), '');
    assert.equal(await tell(thief(2), 'hello'), '');
  });

  await t.test('a stranger hears nothing of an application that speaks first', async () => {
    const servername = 'database.bookstore.svc.cluster.local';
    assert.equal(await tellTls([SERVER, database], { workload: THIEF, servername, alpn: 'osm' }, undefined), '');
    assert.equal(await tellTls([SERVER, database], { servername, alpn: 'osm' }, undefined), '');
    const connections = await server.stat(`cluster.bookstore/database|${database}|local.upstream_cx_total`);
    const heard = await tellTls([SERVER, database], { workload: BUYER, servername, alpn: 'osm' }, undefined, ':');
    assert.equal(heard, 'database:');
    assert.equal(
      await server.stat(`cluster.bookstore/database|${database}|local.upstream_cx_total`),
      connections + 1,
      'the application is dialled for workloads that may call it only',
    );
  });

  await t.test('a server that speaks first is heard at once', async () => {
    const began = performance.now();
    await tell(buyer(2), undefined, 'database:');
    assert.ok(performance.now() - began < 3000);
  });

  await t.test('an endpoint that is gone is no failure', async () => {
    for (let i = 0; i < 6; i++) assert.equal(await tell(buyer(1), 'hello', 'hello'), 'echo:hello');
  });

  await t.test('connections are spread by weight', async () => {
    const heard = await Promise.all(Array.from({ length: 200 }, () => tell(buyer(4), undefined, ':')));
    const share = heard.filter((name) => name === 'open:').length;
    // 150 expected; a standard deviation is 6.
    assert.ok(share > 115 && share < 185, `${share} of 200`);
    assert.equal(heard.filter((name) => name === 'database:').length, 200 - share);
    assert.equal(await tell(buyer(3), undefined, ':'), 'database:');
  });

  await t.test('a service without destinations, or an unknown address, is closed at once', async () => {
    assert.equal(await tell(buyer(5), undefined), '');
    assert.equal(await tell(buyer(9), undefined), '');
  });

  await t.test('connections beyond a limit are closed', async () => {
    assert.equal(await tell(buyer(6), undefined, ':'), 'limited:');
    assert.equal(await tell(buyer(6), undefined, ':'), 'limited:');
    assert.equal(await tell(buyer(6), undefined, ':'), '');
  });
});
