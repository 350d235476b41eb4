import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import { after, test } from 'node:test';
import { createKubeClient } from './client.ts';
import type { ClientLimits } from './config.ts';
import { TYPES } from './resource-types.ts';
import { HttpsServer, json, status, until } from './testing/https-server.ts';
import { ApiError, type KubeClient, type WatchEvent } from './types.ts';

const stops: (() => unknown)[] = [];
after(async () => {
  for (const stop of stops.reverse()) await stop();
});

/** A server whose watch answers are written by the test. */
async function serve(limits: Partial<ClientLimits> = {}) {
  const streams: ServerResponse[] = [];
  const server = await HttpsServer.start((_, response) => {
    response.writeHead(200, { 'content-type': 'application/json' });
    response.flushHeaders();
    streams.push(response);
  });
  const client = createKubeClient({ ...server.config, limits });
  stops.push(
    () => server.stop(),
    () => client.close(),
  );
  return { server, client, streams };
}

/** Reads a watch in the background. */
function read(client: KubeClient, signal?: AbortSignal) {
  const events: WatchEvent[] = [];
  const ended = (async () => {
    const options = { namespace: 'shop', resourceVersion: '7', ...(signal ? { signal } : {}) };
    for await (const event of client.watch(TYPES.pods, options)) events.push(event);
  })();
  ended.catch(() => {});
  return { events, ended };
}

const event = (type: string, name: string, more: object = {}) =>
  JSON.stringify({
    type,
    object: { apiVersion: 'v1', kind: 'Pod', metadata: { name, resourceVersion: '8' }, ...more },
  });
const fault = (code: number, reason: string, message?: RegExp) => (error: unknown) => {
  assert.ok(error instanceof ApiError, String(error));
  assert.deepEqual([error.code, error.reason], [code, reason], error.message);
  if (message) assert.match(error.message, message);
  return true;
};

test('events arrive however the stream is cut, also within a character; the end of the stream ends the watch', async () => {
  const { server, client, streams } = await serve();
  const { events, ended } = read(client);
  await until(() => streams.length === 1);
  const text = `${event('ADDED', 'größe-世界')}\n${event('MODIFIED', 'b')}\n\n${event('BOOKMARK', '')}\n`;
  for (const byte of Buffer.from(text)) {
    streams[0]?.write(Buffer.of(byte));
    // One write per packet, so that the stream is really cut there.
    if (byte > 127) await new Promise((resolve) => setImmediate(resolve));
  }
  streams[0]?.write(`${event('DELETED', 'b')}\n${event('DELETED', 'c')}\n{"type":"ADD`);
  await until(() => events.length === 5);
  streams[0]?.end();
  await ended;
  assert.deepEqual(
    events.map(({ type, object }) => `${type} ${object.metadata.name}`),
    ['ADDED größe-世界', 'MODIFIED b', 'BOOKMARK ', 'DELETED b', 'DELETED c'],
  );
  const url = new URL(server.seen[0]?.path ?? '', server.url);
  assert.equal(url.pathname, '/api/v1/namespaces/shop/pods');
  const { timeoutSeconds, ...query } = Object.fromEntries(url.searchParams);
  assert.deepEqual(query, { resourceVersion: '7', watch: 'true', allowWatchBookmarks: 'true' });
  assert.ok(Number(timeoutSeconds) >= 300 && Number(timeoutSeconds) <= 600, `${timeoutSeconds} s`);
});

test('an ERROR event is the error it carries', async () => {
  const { client, streams } = await serve();
  const { ended } = read(client);
  await until(() => streams.length === 1);
  streams[0]?.write(`${JSON.stringify({ type: 'ERROR', object: status(410, 'Expired', 'too old') })}\n`);
  await assert.rejects(ended, fault(410, 'Expired', /^too old$/));
});

test('what is no watch event is refused: no JSON, no type, no object, too long with and without an end', async () => {
  const cases: [string, RegExp][] = [
    ['{"type":"ADDED","object":{{}}\n', /not JSON/],
    ['<html>\n', /not JSON/],
    ['null\n', /not a watch event/],
    ['{"type":"SOMETHING","object":{"metadata":{}}}\n', /not a watch event \(type "SOMETHING"\)/],
    ['{"type":"ADDED","object":null}\n', /not a watch event/],
    ['{"type":"ADDED"}\n', /not a watch event/],
    [`${event('ADDED', 'a', { data: 'x'.repeat(5000) })}\n`, /larger than 4096 bytes/],
    ['x'.repeat(5000), /larger than 4096 bytes/],
  ];
  const { server, client, streams } = await serve({ eventBytes: 4096 });
  for (const [text, refusal] of cases) {
    streams.length = 0;
    const { ended } = read(client);
    await until(() => streams.length === 1);
    streams[0]?.write(text);
    await assert.rejects(
      ended,
      fault(200, refusal.source.startsWith('larger') ? 'AnswerTooLarge' : 'InvalidAnswer', refusal),
    );
  }
  await until(() => server.connections.size === 0, 'that no connection is left');
});

test('a large event is read whole', async () => {
  const { client, streams } = await serve();
  const { events } = read(client);
  await until(() => streams.length === 1);
  const data = 'x'.repeat(3 * 2 ** 20);
  streams[0]?.write(`${event('ADDED', 'big', { data })}\n${event('ADDED', 'small')}\n`);
  await until(() => events.length === 2);
  assert.equal(events[0]?.object.data, data);
});

test('a server that stops talking is noticed, before the headers and after', async () => {
  const { server, client, streams } = await serve({ requestMs: 100, watchSilenceMs: 100 });
  const { events, ended } = read(client);
  await until(() => streams.length === 1);
  streams[0]?.write(`${event('ADDED', 'a')}\n`);
  await assert.rejects(ended, fault(0, 'Unreachable', /silent for 0.1 s/));
  assert.equal(events.length, 1);
  server.handler = () => {};
  await assert.rejects(read(client).ended, fault(0, 'Unreachable', /no answer within 0.1 s/));
  await until(() => server.connections.size === 0, 'that no connection is left');
});

test('a reader that takes its time is no silence', async () => {
  const { client, streams } = await serve({ watchSilenceMs: 150 });
  const names: string[] = [];
  const watching = (async () => {
    for await (const { object } of client.watch(TYPES.pods, { resourceVersion: '7' })) {
      names.push(object.metadata.name);
      if (object.metadata.name === 'a') await new Promise((resolve) => setTimeout(resolve, 400));
    }
  })();
  await until(() => streams.length === 1);
  streams[0]?.write(`${event('ADDED', 'a')}\n`);
  await until(() => names.length === 1);
  streams[0]?.write(`${event('ADDED', 'b')}\n`);
  streams[0]?.end();
  await watching;
  assert.deepEqual(names, ['a', 'b']);
});

test('a broken connection ends the watch, a signal too; leaving the loop closes the connection', async () => {
  const { server, client, streams } = await serve();
  const first = read(client);
  await until(() => streams.length === 1);
  server.cut();
  await first.ended;

  const controller = new AbortController();
  const second = read(client, controller.signal);
  await until(() => streams.length === 2);
  controller.abort();
  await second.ended;
  await read(client, controller.signal).ended;
  assert.equal(server.seen.length, 2, 'a watch whose signal has fired asks nothing');

  const third = (async () => {
    for await (const { object } of client.watch(TYPES.pods, { resourceVersion: '7' })) return object.metadata.name;
    return undefined;
  })();
  await until(() => streams.length === 3);
  streams[2]?.write(`${event('ADDED', 'a')}\n`);
  assert.equal(await third, 'a');
  await until(() => server.connections.size === 0, 'that no connection is left');
});

test('a watch that is refused rejects with the Status; one that is away with the address', async () => {
  const { server, client } = await serve();
  server.handler = (_, response) => json(response, 403, status(403, 'Forbidden', 'no'));
  await assert.rejects(read(client).ended, fault(403, 'Forbidden', /^no$/));
  await server.vanish();
  await assert.rejects(read(client).ended, fault(0, 'Unreachable', /https:\/\/127.0.0.1:\d+: .*ECONNREFUSED/));
  await server.listen();
});

test('watches do not use up the connections of requests', async () => {
  const { server, client, streams } = await serve();
  const controller = new AbortController();
  const watches = Array.from({ length: 60 }, () => read(client, controller.signal));
  await until(() => streams.length === 60);
  server.handler = (_, response) => json(response, 200, { kind: 'Pod' });
  await Promise.all(Array.from({ length: 60 }, () => client.get(TYPES.nodes, 'n')));
  controller.abort();
  await Promise.all(watches.map(({ ended }) => ended));
  client.close();
  await until(() => server.connections.size === 0, 'that no connection is left');
});
