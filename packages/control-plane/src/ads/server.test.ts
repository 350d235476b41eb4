import assert from 'node:assert/strict';
import { test } from 'node:test';
import { status } from '@grpc/grpc-js';
import { TYPE_URL } from '@osm/envoy';
import { createAdsServer } from './server.ts';
import {
  createTestAuthority,
  openStream,
  readDeltaResponse,
  readWorldResponse,
  recordEvents,
  resource,
  resourceSet,
  writeDeltaRequest,
  writeWorldRequest,
} from './testing.ts';

const { cluster, endpoint } = TYPE_URL;
const NODE = 'p1.sidecar.cart.shop.test';

async function serve(events = recordEvents()) {
  const authority = await createTestAuthority();
  const ads = createAdsServer({ certificate: authority.server, events });
  const port = await ads.listen('127.0.0.1', 0);
  const only = (): string => {
    const [id] = events.proxies.keys();
    assert.ok(id !== undefined, 'a proxy is connected');
    return id;
  };
  return { authority, ads, port, events, only };
}

test('a proxy is known by its certificate, gets what it subscribes to, and its answers are told', async (t) => {
  const { authority, ads, port, events, only } = await serve();
  t.after(() => ads.close());
  const stream = openStream(port, await authority.proxy());
  t.after(() => stream.close());
  events.connected = (proxy) => {
    events.proxies.set(proxy.connectionId, proxy);
    assert.deepEqual(
      { ...proxy, connectionId: '' },
      { connectionId: '', nodeId: 'the node', commonName: NODE, uris: ['spiffe://test/cart/shop'] },
    );
    // At once, as an owner does that needs no time.
    ads.setResources(proxy.connectionId, resourceSet(resource(cluster, 'a', '1'), resource(endpoint, 'a', '7')));
  };
  stream.send(writeDeltaRequest({ typeUrl: cluster, nodeId: 'the node' }));
  const first = readDeltaResponse(await stream.receive());
  assert.deepEqual([...first.resources], [['a', { version: '1', text: 'a@1' }]]);
  stream.send(writeDeltaRequest({ typeUrl: cluster, nonce: first.nonce }));
  stream.send(writeDeltaRequest({ typeUrl: endpoint, subscribe: ['a', 'b'] }));
  const second = readDeltaResponse(await stream.receive());
  assert.deepEqual([[...second.resources.keys()], second.removed], [['a'], ['b']]);
  stream.send(writeDeltaRequest({ typeUrl: endpoint, nonce: second.nonce, error: 'no good' }));
  ads.setResources(only(), resourceSet(resource(cluster, 'a', '1'), resource(endpoint, 'a', '8')));
  const third = readDeltaResponse(await stream.receive());
  assert.equal(third.resources.get('a')?.version, '8');
  assert.deepEqual(events.lines, ['acked Cluster a@1', 'nacked ClusterLoadAssignment a@7: no good']);
});

test('a refused proxy is told why', async (t) => {
  const events = recordEvents();
  events.connected = () => {
    throw new Error('E5010: not yours');
  };
  const { authority, ads, port } = await serve(events);
  t.after(() => ads.close());
  const stream = openStream(port, await authority.proxy());
  t.after(() => stream.close());
  stream.send(writeDeltaRequest({ typeUrl: cluster, nodeId: 'x' }));
  await assert.rejects(stream.receive(), { code: status.PERMISSION_DENIED, details: 'E5010: not yours' });
  assert.deepEqual(events.lines, []);
});

test('a proxy of another authority, or without certificate, does not get in', async (t) => {
  const { authority, ads, port, events } = await serve();
  t.after(() => ads.close());
  const other = await createTestAuthority();
  const stranger = { ...(await other.proxy()), trustPem: authority.server.trustPem };
  const stream = openStream(port, stranger);
  t.after(() => stream.close());
  stream.send(writeDeltaRequest({ typeUrl: cluster, nodeId: 'x' }));
  await assert.rejects(stream.receive(), { code: status.UNAVAILABLE });
  assert.deepEqual(events.lines, []);
});

test('what is no request ends its stream, and only that', async (t) => {
  const { authority, ads, port, events } = await serve();
  t.after(() => ads.close());
  const identity = await authority.proxy();
  const bad = openStream(port, identity);
  t.after(() => bad.close());
  bad.send(Buffer.from([0x0a, 0xff]));
  await assert.rejects(bad.receive(), { code: status.INVALID_ARGUMENT });
  const good = openStream(port, identity);
  t.after(() => good.close());
  events.connected = (proxy) => ads.setResources(proxy.connectionId, resourceSet());
  good.send(writeDeltaRequest({ typeUrl: cluster, nodeId: 'x' }));
  assert.equal(readDeltaResponse(await good.receive()).resources.size, 0);
});

test('a renewed certificate and new roots are taken for new connections, and open streams stay', async (t) => {
  const { authority, ads, port, events } = await serve();
  t.after(() => ads.close());
  const next = await createTestAuthority();
  const ids: string[] = [];
  events.connected = ({ connectionId }) => {
    ids.push(connectionId);
    ads.setResources(connectionId, resourceSet());
  };
  const stream = openStream(port, await authority.proxy());
  t.after(() => stream.close());
  stream.send(writeDeltaRequest({ typeUrl: cluster, nodeId: 'x' }));
  const first = readDeltaResponse(await stream.receive());
  stream.send(writeDeltaRequest({ typeUrl: cluster, nonce: first.nonce }));
  ads.setCertificate(next.server);
  const late = openStream(port, await next.proxy('p2.sidecar.cart.shop.test'));
  t.after(() => late.close());
  late.send(writeDeltaRequest({ typeUrl: cluster, nodeId: 'y' }));
  await late.receive();
  const former = openStream(port, { ...(await authority.proxy()), trustPem: next.server.trustPem });
  t.after(() => former.close());
  former.send(writeDeltaRequest({ typeUrl: cluster, nodeId: 'z' }));
  await assert.rejects(former.receive(), { code: status.UNAVAILABLE });
  ads.setResources(ids[0] ?? '', resourceSet(resource(cluster, 'a', '1')));
  assert.deepEqual([...readDeltaResponse(await stream.receive()).resources.keys()], ['a']);
});

test('state of the world: everything of a wildcard type each time, names for the others', async (t) => {
  const { authority, ads, port, events, only } = await serve();
  t.after(() => ads.close());
  const stream = openStream(port, await authority.proxy(), 'StreamAggregatedResources');
  t.after(() => stream.close());
  const [a, b, a2] = [resource(cluster, 'a', '1'), resource(cluster, 'b', '1'), resource(cluster, 'a', '2')];
  events.connected = (proxy) => {
    events.proxies.set(proxy.connectionId, proxy);
    ads.setResources(proxy.connectionId, resourceSet(a, b));
  };
  stream.send(writeWorldRequest({ typeUrl: cluster, nodeId: 'x' }));
  const first = readWorldResponse(await stream.receive());
  assert.deepEqual(first.texts, ['a@1', 'b@1']);
  stream.send(writeWorldRequest({ typeUrl: cluster, nonce: first.nonce }));
  ads.setResources(only(), resourceSet(a2, b));
  const second = readWorldResponse(await stream.receive());
  assert.deepEqual(second.texts, ['a@2', 'b@1']);
  assert.deepEqual(events.lines, ['acked Cluster a@1 b@1']);
});

test('closing tells every proxy to go elsewhere', async (t) => {
  const { authority, ads, port, events } = await serve();
  const stream = openStream(port, await authority.proxy());
  t.after(() => stream.close());
  events.connected = (proxy) => ads.setResources(proxy.connectionId, resourceSet());
  stream.send(writeDeltaRequest({ typeUrl: cluster, nodeId: 'x' }));
  await stream.receive();
  const over = assert.rejects(stream.receive(), { code: status.UNAVAILABLE });
  await ads.close();
  await over;
  assert.deepEqual(events.lines, [`disconnected ${NODE}`]);
});
