import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createInformer } from './informer.ts';
import { TYPES } from './resource-types.ts';
import { json, status, until } from './testing/https-server.ts';
import { startInformer } from './testing/informer-bench.ts';
import { ObjectServer } from './testing/object-server.ts';
import { ApiError, type Change } from './types.ts';

test('a page that has expired is followed by the whole list at once', async () => {
  const { server, informer, errors } = await startInformer({
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
  const { server, informer, errors } = await startInformer({
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
  const { server, informer, log, waits } = await startInformer({ before: (s) => s.put('a') });
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

test('history that is gone is listed anew: what was missed is found, what is the same is not told again', async () => {
  const { server, informer, log, errors, waits } = await startInformer({
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
  const { informer, server, waits, errors } = await startInformer({
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
  const { server, informer, waits, errors, log } = await startInformer({
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
  const { informer, waits, errors } = await startInformer({
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
  const { server, informer, log, errors } = await startInformer({
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
  const { server, informer, log, errors } = await startInformer({ before: (s) => s.put('a') });
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
