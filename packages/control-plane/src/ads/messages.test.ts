import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeMessage, encode, encodeMessage, TYPE_URL } from '@osm/envoy';
import fc from 'fast-check';
import { readDeltaRequest, readWorldRequest, writeDeltaResponse, writeWorldResponse } from './messages.ts';
import { MalformedMessage } from './wire.ts';

const PACKAGE = 'envoy.service.discovery.v3';
const cluster = encode({ typeUrl: TYPE_URL.cluster, name: 'shop/db|80', json: { name: 'shop/db|80', type: 'EDS' } });

test('requests are read as the protobuf library writes them', () => {
  const bytes = encodeMessage(`${PACKAGE}.DeltaDiscoveryRequest`, '', {
    node: { id: 'the node', cluster: 'c', metadata: { a: { b: [1, 'x'] } }, userAgentName: 'envoy' },
    typeUrl: TYPE_URL.cluster,
    resourceNamesSubscribe: ['a', '*'],
    resourceNamesUnsubscribe: ['ü'],
    initialResourceVersions: { a: '1', b: '' },
    responseNonce: '7',
    errorDetail: { code: 13, message: 'no' },
  });
  assert.deepEqual(readDeltaRequest(bytes), {
    nodeId: 'the node',
    typeUrl: TYPE_URL.cluster,
    subscribe: ['a', '*'],
    unsubscribe: ['ü'],
    initialVersions: new Map([
      ['a', '1'],
      ['b', ''],
    ]),
    nonce: '7',
    error: 'no',
  });
  const world = encodeMessage(`${PACKAGE}.DiscoveryRequest`, '', {
    versionInfo: '3',
    node: { id: 'n' },
    typeUrl: TYPE_URL.route,
    resourceNames: ['r'],
    responseNonce: '8',
    errorDetail: {},
  });
  assert.deepEqual(readWorldRequest(world), {
    nodeId: 'n',
    typeUrl: TYPE_URL.route,
    names: ['r'],
    nonce: '8',
    // An error without a message is an error all the same.
    error: '',
  });
});

test('responses are what the protobuf library reads', () => {
  const delta = { typeUrl: TYPE_URL.cluster, nonce: '9', resources: [cluster, cluster], removed: ['gone', 'ü'] };
  const resource = { '@type': TYPE_URL.cluster, name: 'shop/db|80', type: 'EDS' };
  const entry = { name: 'shop/db|80', version: cluster.version, resource };
  assert.deepEqual(decodeMessage(`${PACKAGE}.DeltaDiscoveryResponse`, '', writeDeltaResponse(delta)), {
    typeUrl: TYPE_URL.cluster,
    nonce: '9',
    resources: [entry, entry],
    removedResources: ['gone', 'ü'],
  });
  const world = { typeUrl: TYPE_URL.cluster, nonce: '9', resources: [cluster] };
  assert.deepEqual(decodeMessage(`${PACKAGE}.DiscoveryResponse`, '', writeWorldResponse(world)), {
    versionInfo: '9',
    typeUrl: TYPE_URL.cluster,
    nonce: '9',
    resources: [resource],
  });
});

test('lengths above 127 and above 16383 are written right', () => {
  for (const length of [100, 127, 128, 200, 16_383, 16_384, 100_000]) {
    const json = { name: 'x'.repeat(length) };
    const made = encode({ typeUrl: TYPE_URL.cluster, name: 'x', json });
    const bytes = writeDeltaResponse({ typeUrl: TYPE_URL.cluster, nonce: '1', resources: [made], removed: [] });
    const read = decodeMessage(`${PACKAGE}.DeltaDiscoveryResponse`, '', bytes) as { resources: { resource: object }[] };
    assert.deepEqual(read.resources[0]?.resource, { '@type': TYPE_URL.cluster, ...json });
  }
});

test('whatever bytes come, they are read or refused as malformed', () => {
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 80 }),
    fc
      .array(fc.constantFrom(0x0a, 0x12, 0x1a, 0x2a, 0x3a, 0x02, 0x00, 0xff, 0x61), { maxLength: 60 })
      .map((list) => Uint8Array.from(list)),
  );
  fc.assert(
    fc.property(bytes, (message) => {
      for (const read of [readDeltaRequest, readWorldRequest]) {
        try {
          read(message);
        } catch (error) {
          if (!(error instanceof MalformedMessage)) throw error;
        }
      }
    }),
    { numRuns: 2000 },
  );
});

test('a message with names without end is refused', () => {
  const names = Buffer.alloc(3 * 250_000, Buffer.from([0x1a, 0x01, 0x61]));
  assert.throws(() => readDeltaRequest(names), /more than 200000 names/);
  assert.throws(() => readWorldRequest(names), /more than 200000 names/);
});
