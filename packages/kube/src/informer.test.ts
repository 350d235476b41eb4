import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import type { ClientLimits } from './config.ts';
import { createInformer, type InformerOptions } from './informer.ts';
import { TYPES } from './resource-types.ts';
import { json, status, until } from './testing/https-server.ts';
import { ObjectServer } from './testing/object-server.ts';
import { ApiError, type Change, type KubeObject } from './types.ts';

const stops: (() => unknown)[] = [];
after(async () => {
  for (const stop of stops.reverse()) await stop();
});

/** A server, and an informer whose waits are counted and over at once. */
async function start(
  options: InformerOptions & {
    readonly limits?: Partial<ClientLimits>;
    readonly before?: (server: ObjectServer) => void;
  } = {},
) {
  const server = await ObjectServer.start();
  const { limits, before, ...given } = options;
  before?.(server);
  const client = server.client(limits);
  const waits: number[] = [];
  const errors: unknown[] = [];
  const informer = createInformer(client, TYPES.configMaps, {
    wait: async (ms) => {
      waits.push(ms);
      await new Promise((resolve) => setImmediate(resolve));
    },
    onError: (error) => errors.push(error),
    ...given,
  });
  const log: string[] = [];
  informer.subscribe((change) => log.push(describe(change)));
  stops.push(
    () => server.http.stop(),
    () => client.close(),
    () => informer.stop(),
  );
  return { server, client, informer, waits, errors, log };
}

const describe = (change: Change): string => `${change.type} ${change.object.metadata.name}`;

test('lists once, then follows: added, updated with the old object, deleted', async () => {
  const { server, informer, log, errors } = await start({ before: (s) => s.put('a') });
  await informer.synced;
  assert.deepEqual(log, ['added a']);
  await until(() => server.watches === 1);
  const updates: Change[] = [];
  informer.subscribe((change) => updates.push(change));
  server.put('b');
  server.put('a', { data: { x: 'y' } });
  server.remove('b');
  await until(() => log.length === 4);
  assert.deepEqual(log, ['added a', 'added b', 'updated a', 'deleted b']);
  const update = updates.find((change) => change.type === 'updated');
  assert.deepEqual(update?.object.data, { x: 'y' });
  assert.equal(update?.type === 'updated' && update.old.data, undefined);
  assert.equal(informer.get('default/a'), update?.object);
  assert.deepEqual([...informer.objects.keys()], ['default/a']);
  assert.equal(server.lists.length, 1);
  assert.equal(server.watched[0]?.get('resourceVersion'), '101');
  assert.deepEqual(errors, []);
});

test('ten thousand objects come in pages of 500', async () => {
  const { server, informer, log } = await start({
    before: (s) => {
      for (let i = 0; i < 10_000; i++) s.put(`o${i}`);
    },
  });
  await informer.synced;
  assert.equal(informer.objects.size, 10_000);
  assert.equal(log.length, 10_000);
  assert.equal(server.lists.length, 20);
  assert.ok(server.lists.every((query) => query.get('limit') === '500'));
  assert.equal(new Set(server.lists.map((query) => query.get('continue'))).size, 20);
  const [first] = informer.objects.values();
  assert.deepEqual([first?.apiVersion, first?.kind], ['v1', 'ConfigMap']);
});

test('a page that has expired is followed by the whole list at once', async () => {
  const { server, informer, errors } = await start({
    pageSize: 10,
    before: (s) => {
      for (let i = 0; i < 30; i++) s.put(`o${i}`);
      s.intercept = (seen) => {
        if (seen.path.includes('continue')) {
          s.put('late');
          s.compact();
        }
        return false;
      };
    },
  });
  await informer.synced;
  assert.equal(informer.objects.size, 31);
  assert.deepEqual(
    server.lists.map((query) => query.get('limit')),
    ['10', '10', null],
  );
  assert.deepEqual(errors, []);
});

test('pages that are too large become smaller', async () => {
  const { server, informer, errors } = await start({
    limits: { answerBytes: 20_000 },
    before: (s) => {
      for (let i = 0; i < 100; i++) s.put(`o${i}`, { data: 'x'.repeat(1000) });
    },
  });
  await informer.synced;
  assert.equal(informer.objects.size, 100);
  assert.deepEqual(
    server.lists.slice(0, 4).map((query) => query.get('limit')),
    ['500', '63', '8', '8'],
  );
  assert.deepEqual(errors, []);
});

test('a lost connection is resumed where it was, without a list; a missed event is not lost', async () => {
  const { server, informer, log, waits } = await start({ before: (s) => s.put('a') });
  await informer.synced;
  await until(() => server.watches === 1);
  server.put('b');
  await until(() => log.length === 2);
  server.silent = true;
  server.put('c');
  server.silent = false;
  server.http.cut();
  await until(() => log.length === 3);
  assert.deepEqual(log, ['added a', 'added b', 'added c']);
  assert.equal(server.lists.length, 1);
  assert.equal(server.watched.at(-1)?.get('resourceVersion'), '102');
  assert.equal(waits.length, 0, 'a watch that told something is followed by the next at once');
});

test('a bookmark moves the version on', async () => {
  const { server, informer } = await start({ before: (s) => s.put('a') });
  await informer.synced;
  await until(() => server.watches === 1);
  server.bookmark();
  server.endWatches();
  await until(() => server.watched.length === 2);
  assert.equal(server.watched[1]?.get('resourceVersion'), '102');
});

test('history that is gone is listed anew: what was missed is found, what is the same is not told again', async () => {
  const { server, informer, log, errors, waits } = await start({
    before: (s) => {
      for (const name of ['same', 'changed', 'removed', 'replaced']) s.put(name);
    },
  });
  await informer.synced;
  await until(() => server.watches === 1);
  log.length = 0;
  const changes: Change[] = [];
  const same = informer.get('default/same');
  informer.subscribe((change) => changes.push(change));
  changes.length = 0;
  server.silent = true;
  server.put('changed', { data: { n: '1' } });
  server.remove('removed');
  server.remove('replaced');
  server.put('replaced');
  server.put('new');
  server.compact();
  server.silent = false;
  server.endWatches();
  await until(() => log.length === 5);
  assert.deepEqual([...log].sort(), [
    'added new',
    'added replaced',
    'deleted removed',
    'deleted replaced',
    'updated changed',
  ]);
  assert.ok(log.indexOf('deleted replaced') < log.indexOf('added replaced'));
  assert.equal(informer.get('default/same'), same);
  assert.equal(server.lists.length, 2);
  assert.equal((errors[0] as ApiError).code, 410);
  // The watch that ended without a word was waited after; the lost history was not.
  assert.ok(waits.length <= 1, `${waits.length} waits`);
});

test('history that is always gone is asked for with a back-off', async () => {
  const { informer, server, waits, errors } = await start({
    backoff: { baseMs: 10, capMs: 100 },
    before: (s) => {
      s.intercept = (seen, response) => {
        if (!seen.path.includes('watch')) return false;
        json(response, 410, status(410, 'Expired'));
        return true;
      };
    },
  });
  await informer.synced;
  await until(() => waits.length >= 5);
  informer.stop();
  assert.ok(server.lists.length <= waits.length + 2, `${server.lists.length} lists, ${waits.length} waits`);
  assert.ok(errors.every((error) => (error as ApiError).code === 410));
});

test('a server that is away is tried with growing, bounded waits, and found again', async () => {
  const { server, informer, waits, errors, log } = await start({
    backoff: { baseMs: 100, capMs: 1000 },
    before: (s) => s.put('a'),
  });
  await informer.synced;
  await until(() => server.watches === 1);
  await server.http.vanish();
  await until(() => waits.length >= 30);
  server.put('b');
  await server.http.listen();
  await until(() => log.length === 2);
  assert.ok(waits.every((ms) => ms >= 100 && ms <= 1000));
  assert.ok(
    waits.some((ms) => ms > 300),
    'waits grow',
  );
  assert.ok(new Set(waits).size > 15, 'waits differ');
  assert.ok(errors.every((error) => error instanceof ApiError && error.reason === 'Unreachable'));
  assert.equal(server.lists.length, 1, 'the watch is resumed');
});

test('a first list that fails is tried again until it is there', async () => {
  let refusals = 3;
  const { informer, waits, errors } = await start({
    before: (s) => {
      s.put('a');
      s.intercept = (_, response) => {
        if (refusals-- <= 0) return false;
        json(response, 404, status(404, 'NotFound', 'the server could not find the requested resource'));
        return true;
      };
    },
  });
  await informer.synced;
  assert.equal(waits.length, 3);
  assert.equal(errors.length, 3);
  assert.equal(informer.objects.size, 1);
});

test('a half-open connection is noticed and left', async () => {
  const { server, informer, log, errors } = await start({
    limits: { watchSilenceMs: 100 },
    before: (s) => s.put('a'),
  });
  await informer.synced;
  await until(() => server.watches === 1);
  server.silent = true;
  server.put('b');
  await until(() => errors.length > 0);
  assert.match((errors[0] as Error).message, /silent for 0.1 s/);
  server.silent = false;
  await until(() => log.includes('added b'));
  assert.equal(server.lists.length, 1);
});

test('nonsense on the watch leads to a new list', async () => {
  const { server, informer, log, errors } = await start({ before: (s) => s.put('a') });
  await informer.synced;
  await until(() => server.watches === 1);
  server.write('{"type":"ADDED","obj');
  await until(() => errors.length === 1);
  await until(() => server.watches === 1);
  server.put('b');
  await until(() => log.length === 2);
  assert.equal((errors[0] as ApiError).reason, 'InvalidAnswer');
  assert.equal(server.lists.length, 2);
  assert.deepEqual(log, ['added a', 'added b']);
});

test('an event that repeats what is known is no change', async () => {
  const { server, informer, log } = await start();
  await informer.synced;
  await until(() => server.watches === 1);
  const object = server.put('a');
  for (const type of ['ADDED', 'MODIFIED']) server.write(JSON.stringify({ type, object }));
  server.write(
    JSON.stringify({ type: 'DELETED', object: { ...object, metadata: { ...object.metadata, name: 'never' } } }),
  );
  server.put('b');
  await until(() => log.includes('added b'));
  assert.deepEqual(log, ['added a', 'added b']);
});

test('objects are frozen through and through, and slim when projected', async () => {
  const project = (object: KubeObject): KubeObject => ({
    apiVersion: object.apiVersion,
    kind: object.kind,
    metadata: { name: object.metadata.name },
    size: Object.keys((object.data ?? {}) as object).length,
  });
  const { server, informer, log } = await start({ project, before: (s) => s.put('a', { data: { x: '1', y: '2' } }) });
  await informer.synced;
  const object = informer.get('default/a');
  assert.deepEqual(object, { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a' }, size: 2 });
  assert.ok(Object.isFrozen(object) && Object.isFrozen(object?.metadata));
  await until(() => server.watches === 1);
  server.put('a', { data: {} });
  server.remove('a');
  await until(() => log.length === 3);
  assert.deepEqual(log, ['added a', 'updated a', 'deleted a']);
});

test('a listener sees what is there, then every change; others are not disturbed by one that throws', async () => {
  const { server, informer, errors, log } = await start({
    before: (s) => {
      s.put('a');
      s.put('b');
    },
  });
  await informer.synced;
  const seen: string[] = [];
  const late: string[] = [];
  informer.subscribe(() => {
    throw new Error('listener');
  });
  const unsubscribe = informer.subscribe((change) => {
    seen.push(describe(change));
    if (describe(change) === 'added c') informer.subscribe((c) => late.push(describe(c)));
    if (describe(change) === 'added d') unsubscribe();
  });
  assert.deepEqual(seen, ['added a', 'added b']);
  await until(() => server.watches === 1);
  server.put('c');
  server.put('d');
  server.put('e');
  await until(() => log.length === 5);
  assert.deepEqual(seen, ['added a', 'added b', 'added c', 'added d']);
  assert.deepEqual(late, ['added a', 'added b', 'added c', 'added d', 'added e'], 'each exactly once');
  assert.ok(errors.length === 5 && errors.every((error) => (error as Error).message === 'listener'));
});

test('stop ends everything at once', async () => {
  const { server, informer, log } = await start({ before: (s) => s.put('a') });
  await informer.synced;
  await until(() => server.watches === 1);
  server.put('b');
  informer.stop();
  await until(() => server.watches === 0);
  assert.deepEqual(log, ['added a']);
  assert.equal(server.watched.length, 1);

  // Also while it waits, and while it lists.
  const waiting = await start({
    wait: (_, signal) =>
      new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
    before: (s) => {
      s.intercept = (_, response) => {
        json(response, 500, status(500, 'InternalError'));
        return true;
      };
    },
  });
  await until(() => waiting.errors.length === 1);
  waiting.informer.stop();
  const listing = await start({
    before: (s) => {
      s.intercept = () => true;
    },
  });
  await until(() => listing.server.lists.length === 1);
  listing.informer.stop();
  await until(() => listing.server.http.connections.size === 0, 'that the request is given up');
  assert.equal(listing.errors.length, 0);
});

test('a listener that stops the informer hears no more', async () => {
  const { informer, log } = await start({
    before: (s) => {
      for (const name of ['a', 'b', 'c']) s.put(name);
    },
  });
  const seen: string[] = [];
  informer.subscribe((change) => {
    seen.push(describe(change));
    informer.stop();
  });
  await until(() => seen.length > 0);
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(seen, ['added a']);
  assert.deepEqual(log, ['added a']);
});

test('without a reporter, what keeps the first list from coming is a warning, once', async () => {
  const warnings: Error[] = [];
  const collect = (warning: Error) => warnings.push(warning);
  process.on('warning', collect);
  const server = await ObjectServer.start();
  const client = server.client();
  let refusals = 3;
  server.intercept = (_, response) => {
    if (refusals-- <= 0) return false;
    json(response, 403, status(403, 'Forbidden', 'not allowed'));
    return true;
  };
  const informer = createInformer(client, TYPES.configMaps, { backoff: { baseMs: 1, capMs: 1 } });
  await informer.synced;
  await until(() => server.watches === 1);
  server.http.cut();
  await until(() => server.watched.length === 2);
  informer.stop();
  client.close();
  await server.http.stop();
  process.off('warning', collect);
  assert.deepEqual(
    warnings.map(({ name, message }) => `${name}: ${message}`),
    ['InformerWarning: watching configmaps: not allowed'],
  );
});
