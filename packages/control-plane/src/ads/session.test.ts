import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TYPE_URL } from '@osm/envoy';
import { createSession } from './session.ts';
import {
  readDeltaResponse,
  recordEvents,
  resource,
  resourceSet,
  type TestRequest,
  writeDeltaRequest,
} from './testing.ts';

const { cluster, endpoint, listener } = TYPE_URL;

/** A session on a transport that takes messages only when told to. */
function setUp() {
  const events = recordEvents();
  const written: Uint8Array[] = [];
  const failed: string[] = [];
  let done: (() => void) | undefined;
  const session = createSession({
    protocol: 'delta',
    peer: { connectionId: 'c1', commonName: 'p1', uris: [] },
    transport: {
      write(message, taken) {
        assert.equal(done, undefined, 'a message was written while another was');
        written.push(message);
        done = taken;
      },
      fail: (reason, details) => failed.push(`${reason}: ${details}`),
    },
    events,
    opened: () => {},
  });
  const drain = (): void => {
    for (let taken = done; taken !== undefined; taken = done) {
      done = undefined;
      taken();
    }
  };
  const send = (request: TestRequest): void => session.receive(writeDeltaRequest({ nodeId: 'n', ...request }));
  const last = () => readDeltaResponse(written.at(-1) ?? new Uint8Array());
  const ack = (): void => send({ typeUrl: last().typeUrl, nonce: last().nonce });
  return { session, events, written, failed, drain, send, last, ack };
}

test('a transport that is full gets nothing more, and then the newest state', () => {
  const { session, written, drain, send, last } = setUp();
  send({ typeUrl: cluster });
  send({ typeUrl: endpoint, subscribe: ['a'] });
  session.setResources(resourceSet(resource(cluster, 'a', '1'), resource(endpoint, 'a', '1')));
  for (let version = 2; version < 100; version++) {
    session.setResources(resourceSet(resource(cluster, 'a', '1'), resource(endpoint, 'a', String(version))));
  }
  assert.equal(written.length, 1);
  drain();
  assert.equal(written.length, 2);
  assert.equal(last().resources.get('a')?.version, '99');
});

test('listeners wait five seconds for the ACK of clusters, no longer', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const { session, written, drain, send, last } = setUp();
  send({ typeUrl: cluster });
  send({ typeUrl: listener });
  session.setResources(resourceSet(resource(cluster, 'a', '1'), resource(listener, 'l', '1')));
  drain();
  t.mock.timers.tick(4999);
  assert.equal(written.length, 1);
  t.mock.timers.tick(1);
  assert.equal(last().typeUrl, listener);
});

test('a removal follows a second after the last ACK', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const { session, written, drain, send, last, ack } = setUp();
  send({ typeUrl: cluster });
  session.setResources(resourceSet(resource(cluster, 'a', '1')));
  drain();
  session.setResources(resourceSet());
  drain();
  t.mock.timers.tick(60_000);
  assert.equal(written.length, 1);
  ack();
  t.mock.timers.tick(999);
  assert.equal(written.length, 1);
  t.mock.timers.tick(1);
  assert.deepEqual(last().removed, ['a']);
});

test('what was refused is told, and what became of it', () => {
  const { session, events, drain, send, last } = setUp();
  const answer = (error?: string): void => {
    drain();
    send({ typeUrl: listener, nonce: last().nonce, ...(error !== undefined && { error }) });
    drain();
  };
  const want = (...versions: readonly string[]): void => {
    const listeners = versions.map((version) => resource(listener, version.slice(0, 1), version.slice(1)));
    session.setResources(resourceSet(...listeners));
  };
  const told = (): string[] => events.lines.splice(0).filter((line) => /nacked|recovered/.test(line));
  send({ typeUrl: listener });
  want('a1', 'b1');
  answer();
  want('a2', 'b1');
  answer('a: no');
  assert.deepEqual(told(), ['nacked Listener a@2: a: no']);
  // Another version is on its way: nothing is known of it yet.
  want('a3', 'b1');
  assert.deepEqual(told(), []);
  answer('a: still no');
  assert.deepEqual(told(), ['nacked Listener a@3: a: still no']);
  want('a4', 'b1');
  answer();
  assert.deepEqual(told(), ['recovered Listener a']);
  want('a5', 'b1');
  answer('a: no');
  told();
  // What the proxy has is wanted again.
  want('a4', 'b1');
  assert.deepEqual(told(), ['recovered Listener a']);
  want('a4', 'b1', 'c1');
  answer('c: no');
  told();
  want('a4', 'b1');
  assert.deepEqual(told(), ['recovered Listener c']);
});

test('a session that is over does nothing, and says goodbye once', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const { session, events, written, drain, send } = setUp();
  send({ typeUrl: cluster });
  send({ typeUrl: listener });
  session.setResources(resourceSet(resource(cluster, 'a', '1'), resource(listener, 'l', '1')));
  drain();
  session.close();
  session.close();
  t.mock.timers.tick(60_000);
  session.setResources(resourceSet());
  send({ typeUrl: endpoint, subscribe: ['a'] });
  assert.equal(written.length, 1);
  assert.deepEqual(events.lines, ['connected p1', 'disconnected p1']);
});

test('an owner that fails ends the one stream, and so do types without end', () => {
  const { session, events, failed, drain, send, ack } = setUp();
  events.acked = () => {
    throw new Error('owner');
  };
  send({ typeUrl: cluster });
  session.setResources(resourceSet());
  drain();
  ack();
  assert.deepEqual(failed, ['internal: owner']);
  const other = setUp();
  for (let i = 0; i < 40; i++) other.send({ typeUrl: `type ${i}` });
  assert.deepEqual(other.failed, ['malformed: more than 32 types on one stream']);
});
