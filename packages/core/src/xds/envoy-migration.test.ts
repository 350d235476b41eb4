import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { ask, echoOf, httpApplication, tcpApplication, tell, tellTls } from './testing/applications.ts';
import { type Address, freePort, startProxy, until } from './testing/envoy.ts';
import * as p from './testing/plans.ts';

/** Trying policies, and moving clients into the mesh, on the real Envoy: nobody is refused, and the proxy tells of it. */

const [BUYER, THIEF] = ['bookbuyer/bookbuyer', 'bookthief/bookthief'];

interface Line {
  readonly path?: string | null;
  readonly connection_security?: string;
  readonly source_principal?: string | null;
  readonly source_address?: string;
  readonly audit_result?: string | null;
  readonly audit_rule?: string | null;
}
const lines = (output: string): readonly Line[] =>
  output
    .trim()
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as Line);

/** A client proxy through which a service is called at an address of its own. */
async function client(t: TestContext, identity: string, listen: Address, target: Address, protocol: 'http' | 'tcp') {
  const key = `bookstore/books|${target[1]}`;
  await startProxy(
    t,
    p.plan(identity, {
      outbound: [p.outbound('bookstore/books', listen[1], listen[0], [[key, 1]], { protocol })],
      upstreams: [p.upstream(key, ['bookstore/bookstore'], { protocol })],
      assignments: [p.assignment(key, p.endpoint(...target))],
    }),
    { outbound: [listen] },
  );
}

test('rules that are audited refuse nothing, and are counted and logged', async (t) => {
  const [target, port] = [await httpApplication(t, 'books'), await freePort()];
  const at: Address = ['127.0.21.1', target];
  const audit = p.rules([p.httpRule('bookstore/try', { path: '/books' }, BUYER)]);
  const inbound = p.inbound('bookstore/books', 80, target, { audit });
  const server = await startProxy(t, p.plan('bookstore/bookstore', { inbound: [inbound] }), { inbound: [at] });
  const [buyer, thief]: readonly Address[] = [
    ['127.0.21.2', port],
    ['127.0.21.3', port],
  ];
  await Promise.all([client(t, BUYER, buyer!, at, 'http'), client(t, THIEF, thief!, at, 'http')]);
  assert.equal((await ask(buyer!, '/books')).status, 200);
  assert.equal((await ask(buyer!, '/other')).status, 200);
  assert.equal((await ask(thief!, '/books')).status, 200);
  const scope = `http.mesh-http-conn-manager.rds-inbound.bookstore/books.${target}.rbac`;
  assert.equal(await server.stat(`${scope}.audit.shadow_denied`), 2);
  assert.equal(await server.stat(`${scope}.audit.shadow_allowed`), 1);
  assert.equal(await server.stat(`${scope}.denied`), 0);
  const logged = await until('the log has come', async () => {
    const all = lines(await server.output()).filter(({ path }) => path);
    return all.length === 3 ? all : undefined;
  });
  assert.deepEqual(
    logged.map((line) => [
      line.path,
      line.audit_result,
      line.audit_rule,
      line.source_principal,
      line.connection_security,
    ]),
    [
      ['/books', 'allowed', 'bookstore/try', 'spiffe://cluster.local/bookbuyer/bookbuyer', 'mtls'],
      ['/other', 'denied', null, 'spiffe://cluster.local/bookbuyer/bookbuyer', 'mtls'],
      ['/books', 'denied', null, 'spiffe://cluster.local/bookthief/bookthief', 'mtls'],
    ],
  );
});

test('an audited rule beside those in force: it lets nobody in, and tells whom it would', async (t) => {
  const [target, port] = [await httpApplication(t, 'books'), await freePort()];
  const at: Address = ['127.0.22.1', target];
  const inForce = p.httpRule('bookstore/buyer', { path: '/books' }, BUYER);
  const tried = p.httpRule('bookstore/try', { path: '/admin' }, THIEF);
  const inbound = p.inbound('bookstore/books', 80, target, {
    access: p.rules([inForce]),
    audit: p.rules([inForce, tried]),
  });
  const server = await startProxy(t, p.plan('bookstore/bookstore', { inbound: [inbound] }), { inbound: [at] });
  const [buyer, thief]: readonly Address[] = [
    ['127.0.22.2', port],
    ['127.0.22.3', port],
  ];
  await Promise.all([client(t, BUYER, buyer!, at, 'http'), client(t, THIEF, thief!, at, 'http')]);
  assert.equal((await ask(buyer!, '/books')).status, 200);
  assert.equal((await ask(thief!, '/admin')).status, 403);
  assert.equal((await ask(thief!, '/books')).status, 403);
  const scope = `http.mesh-http-conn-manager.rds-inbound.bookstore/books.${target}.rbac`;
  assert.equal(await server.stat(`${scope}.denied`), 2);
  assert.equal(await server.stat(`${scope}.audit.shadow_allowed`), 2);
  assert.equal(await server.stat(`${scope}.audit.shadow_denied`), 1);
});

test('connections are audited too', async (t) => {
  const [target, port] = [await tcpApplication(t, 'db', false), await freePort()];
  const at: Address = ['127.0.23.1', target];
  const audit = p.rules([], [p.tcpRule('bookstore/try', undefined, BUYER)]);
  const inbound = p.inbound('bookstore/books', 80, target, { protocol: 'tcp', audit });
  const server = await startProxy(t, p.plan('bookstore/bookstore', { inbound: [inbound] }), { inbound: [at] });
  const [buyer, thief]: readonly Address[] = [
    ['127.0.23.2', port],
    ['127.0.23.3', port],
  ];
  await Promise.all([client(t, BUYER, buyer!, at, 'tcp'), client(t, THIEF, thief!, at, 'tcp')]);
  assert.equal(await tell(buyer!, 'hello', 'db:hello'), 'db:hello');
  assert.equal(await tell(thief!, 'hello', 'db:hello'), 'db:hello');
  const scope = `network-inbound_bookstore/books_${target}_tcp.rbac`;
  assert.equal(await server.stat(`${scope}.audit.shadow_denied`), 1);
  assert.equal(await server.stat(`${scope}.audit.shadow_allowed`), 1);
  const logged = await until('the log has come', async () => {
    const all = lines(await server.output());
    return all.length === 2 ? all : undefined;
  });
  assert.deepEqual(logged.map(({ audit_result }) => audit_result).sort(), ['allowed', 'denied']);
});

test('plaintext is let in where it is, beside mTLS, and is told apart', async (t) => {
  const [open, strict, port] = [await httpApplication(t, 'open'), await httpApplication(t, 'strict'), await freePort()];
  const [at, closed]: readonly Address[] = [
    ['127.0.24.1', open],
    ['127.0.24.1', strict],
  ];
  const access = p.rules([
    p.httpRule('bookstore/buyer', { path: '/books' }, BUYER),
    p.httpRule('bookstore/thief', { path: '/other' }, THIEF),
  ]);
  const plan = p.plan('bookstore/bookstore', {
    inbound: [
      p.inbound('bookstore/books', 80, open, { access, plaintext: true }),
      // A second service of the same port: plaintext does not say which is meant.
      p.inbound('bookstore/more', 80, open, { access, plaintext: true }),
      p.inbound('bookstore/strict', 80, strict, { access }),
    ],
  });
  const server = await startProxy(t, plan, { inbound: [at!, closed!] });
  const thief: Address = ['127.0.24.3', port];
  await client(t, THIEF, thief, at!, 'http');
  assert.equal(echoOf(await ask(at!, '/any')).name, 'open');
  // Who proves who it is, is judged as ever.
  assert.equal((await ask(thief, '/books')).status, 403);
  await assert.rejects(ask(closed!, '/books'));
  const prefix = `http.mesh-http-conn-manager.rds-inbound-plaintext.bookstore/books.${open}`;
  assert.equal(await server.stat(`${prefix}.downstream_rq_total`), 1);
  const logged = await until('the log has come', async () =>
    lines(await server.output()).find(({ path }) => path === '/any'),
  );
  assert.equal(logged.connection_security, 'plaintext');
  assert.match(logged.source_address ?? '', /^127\./);
});

test('plaintext to ports that are no HTTP: either side may speak first, and TLS of the client itself passes', async (t) => {
  const [db, first] = [await tcpApplication(t, 'db', false), await tcpApplication(t, 'first', true)];
  const [dbAt, firstAt]: readonly Address[] = [
    ['127.0.25.1', db],
    ['127.0.25.1', first],
  ];
  const access = p.rules([], [p.tcpRule('bookstore/buyer', undefined, BUYER)]);
  const plan = p.plan('bookstore/bookstore', {
    inbound: [
      p.inbound('bookstore/db', 80, db, { protocol: 'tcp', access, plaintext: true }),
      p.inbound('bookstore/first', 80, first, { protocol: 'tcp-server-first', access, plaintext: true }),
    ],
  });
  const server = await startProxy(t, plan, { inbound: [dbAt!, firstAt!] });
  assert.equal(await tell(dbAt!, 'hello', 'db:hello'), 'db:hello');
  assert.equal(await tell(firstAt!, undefined, 'first:'), 'first:');
  assert.equal(await server.stat(`tcp.inbound-plaintext-tcp-proxy.bookstore/db|${db}|local.downstream_cx_total`), 1);
  // The application gets the client's greeting as it is, whatever name it asks for; a workload is judged as ever.
  for (const servername of ['elsewhere.example', p.serverName(p.service('bookstore/db'))]) {
    await tellTls(dbAt!, { servername, alpn: 'h2' }, undefined);
  }
  const total = `tcp.inbound-plaintext-tcp-proxy.bookstore/db|${db}|local.downstream_cx_total`;
  await until('TLS has passed', async () => ((await server.stat(total)) === 3 ? true : undefined));
});
