import assert from 'node:assert/strict';
import { connect, type Socket } from 'node:net';
import { test } from 'node:test';
import { tcpApplication, tell } from './testing/applications.ts';
import { type Address, freePort, startProxy, until } from './testing/envoy.ts';
import * as p from './testing/plans.ts';

/** Changes while connections are open, by the real Envoy. */

/** Opens a connection and waits for its first words. */
async function opened([host, port]: Address): Promise<{ readonly socket: Socket; heard(): string; closed(): boolean }> {
  const socket = connect(port, host);
  let heard = '';
  socket.on('data', (data) => {
    heard += String(data);
  });
  socket.on('error', () => {});
  await until('the first words', async () => (heard === '' ? undefined : heard));
  return { socket, heard: () => heard, closed: () => socket.closed || socket.readableEnded };
}

test('a change of one chain leaves the connections of the others alone', async (t) => {
  const [one, two] = await Promise.all([tcpApplication(t, 'one', true), tcpApplication(t, 'two', true)]);
  const port = await freePort();
  const server = '127.0.0.6';
  const inbound = (name: string, target: number) =>
    p.inbound(`bookstore/${name}`, port, target, { protocol: 'tcp-server-first' });
  await startProxy(t, p.plan('bookstore/bookstore', { inbound: [inbound('one', one), inbound('two', two)] }), {
    inbound: [
      [server, one],
      [server, two],
    ],
  });
  const keys = [`bookstore/one|${one}`, `bookstore/two|${two}`] as const;
  const at = (last: number): Address => [`127.0.12.${last}`, port];
  const service = (last: number, to: string) =>
    p.outbound(`bookstore/s${last}`, port, at(last)[0], [[to, 1]], { protocol: 'tcp-server-first' });
  const kept = service(1, keys[0]);
  const plan = (...services: readonly ReturnType<typeof service>[]) =>
    p.plan('bookbuyer/bookbuyer', {
      outbound: [kept, ...services],
      upstreams: keys.map((key) => p.upstream(key, ['bookstore/bookstore'], { protocol: 'tcp' })),
      assignments: keys.map((key) => p.assignment(key, p.endpoint(server, Number(key.split('|')[1])))),
    });
  const client = await startProxy(t, plan(service(2, keys[0])), { outbound: [1, 2, 3].map(at) });

  const [stays, changes] = await Promise.all([opened(at(1)), opened(at(2))]);
  t.after(() => stays.socket.destroy());
  t.after(() => changes.socket.destroy());
  await client.update(plan(service(2, keys[1]), service(3, keys[1])));
  await until('the update', async () =>
    (await client.stat('listener_manager.listener_in_place_updated')) === 1 ? true : undefined,
  );
  assert.equal(await tell(at(2), undefined, ':'), 'two:');
  assert.equal(await tell(at(3), undefined, ':'), 'two:');

  // The connection of the chain that changed ends when draining does; that of the other outlives it.
  await until('the end of the old connection', async () => (changes.closed() ? true : undefined));
  assert.equal(stays.closed(), false);
  stays.socket.write('still here');
  await until('an echo', async () => (stays.heard() === 'one:still here' ? true : undefined));
});
