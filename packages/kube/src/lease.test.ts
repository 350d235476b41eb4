import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { createLeaseElection, type LeaseElection } from './lease.ts';
import { json, status, until } from './testing/https-server.ts';
import { ObjectServer } from './testing/object-server.ts';

const stops: (() => unknown)[] = [];
after(async () => {
  for (const stop of stops.reverse()) await stop();
});

async function serve(): Promise<ObjectServer> {
  const server = await ObjectServer.start();
  stops.push(() => server.http.stop());
  return server;
}

/** A participant that leads until it is told to end. */
function join(server: ObjectServer, identity: string, durationSeconds = 1) {
  const client = server.client();
  const errors: unknown[] = [];
  let terms = 0;
  let reason: unknown;
  const election: LeaseElection = createLeaseElection(client, {
    namespace: 'osm-system',
    name: 'writer',
    identity,
    durationSeconds,
    lead: (signal) => {
      terms += 1;
      return new Promise((resolve) => {
        signal.addEventListener('abort', () => {
          reason = signal.reason;
          resolve();
        });
      });
    },
    onError: (error) => errors.push(error),
  });
  stops.push(
    () => client.close(),
    () => election.stop(),
  );
  return { election, errors, terms: () => terms, reason: () => reason as Error | undefined };
}

const spec = (server: ObjectServer) => server.objects.get('writer')?.spec as Record<string, unknown> | undefined;

test('one leads; it renews; when it stops another takes over at once', async () => {
  const server = await serve();
  const a = join(server, 'a', 3);
  await until(() => a.election.leading);
  const acquired = spec(server);
  assert.equal(acquired?.holderIdentity, 'a');
  assert.equal(acquired?.leaseDurationSeconds, 3);
  assert.match(String(acquired?.renewTime), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
  const b = join(server, 'b', 3);
  await until(() => spec(server)?.renewTime !== acquired?.renewTime, 'that the lease is renewed');
  assert.equal(b.election.leading, false);
  const before = performance.now();
  await a.election.stop();
  assert.equal(a.election.leading, false);
  await until(() => b.election.leading);
  assert.ok(performance.now() - before < 2500, 'the lease was given back, not waited for');
  assert.equal(spec(server)?.holderIdentity, 'b');
  assert.equal(spec(server)?.leaseTransitions, 1);
  assert.deepEqual([a.terms(), b.terms()], [1, 1]);
  assert.deepEqual([a.errors, b.errors], [[], []]);
});

test('of many that start together exactly one leads', async () => {
  const server = await serve();
  const all = Array.from({ length: 8 }, (_, i) => join(server, `p${i}`, 5));
  await until(() => all.some(({ election }) => election.leading));
  await until(() => server.http.seen.length > 20);
  assert.equal(all.filter(({ election }) => election.leading).length, 1);
  await Promise.all(all.map(({ election }) => election.stop()));
  assert.ok(
    all.every(({ errors }) => errors.length === 0),
    'being second is no fault',
  );
});

test('a leader that cannot renew stops before another may begin', async () => {
  const server = await serve();
  const a = join(server, 'a');
  await until(() => a.election.leading);
  const b = join(server, 'b');
  // Writes of the leader fail, those of the other do not.
  server.intercept = (seen, response) => {
    if (seen.method === 'GET' || !seen.body.includes('"holderIdentity":"a"')) return false;
    json(response, 500, status(500, 'InternalError'));
    return true;
  };
  await until(() => !a.election.leading || b.election.leading);
  assert.equal(b.election.leading, false, 'the first has stopped before');
  await until(() => b.election.leading);
  assert.match(a.reason()?.message ?? '', /could not be renewed in time/);
  assert.ok(a.errors.length > 0);
});

test('an API server that says nothing makes the leader stop too', async () => {
  const server = await serve();
  const a = join(server, 'a');
  await until(() => a.election.leading);
  server.intercept = () => true;
  await until(() => !a.election.leading);
  assert.match(a.reason()?.message ?? '', /could not be renewed in time/);
  server.intercept = () => false;
  await until(() => a.terms() === 2, 'that it leads again');
});

test('a lease that somebody else has taken is left at once', async () => {
  const server = await serve();
  const a = join(server, 'a');
  await until(() => a.election.leading);
  server.put('writer', { spec: { ...spec(server), holderIdentity: 'intruder', leaseDurationSeconds: 3600 } });
  await until(() => !a.election.leading);
  assert.match(a.reason()?.message ?? '', /is held by intruder/);
  await a.election.stop();
  assert.equal(spec(server)?.holderIdentity, 'intruder');
});

test('a lead that fails is reported, the lease given back, and led again', async () => {
  const server = await serve();
  const client = server.client();
  const errors: unknown[] = [];
  let terms = 0;
  const election = createLeaseElection(client, {
    namespace: 'osm-system',
    name: 'writer',
    identity: 'a',
    durationSeconds: 1,
    lead: async () => {
      terms += 1;
      throw new Error('broken');
    },
    onError: (error) => errors.push(error),
  });
  await until(() => terms === 2);
  await election.stop();
  client.close();
  assert.equal((errors[0] as Error).message, 'broken');
  assert.ok(!('holderIdentity' in (spec(server) ?? {})));
});
