import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { decodeObject, ProtobufError } from './decode.ts';

const varint = (value: number): Buffer => {
  const bytes: number[] = [];
  let rest = value;
  while (rest >= 0x80) {
    bytes.push((rest % 0x80) + 0x80);
    rest = Math.floor(rest / 0x80);
  }
  return Buffer.from([...bytes, rest]);
};
const text = (number: number, value: string | Buffer): Buffer => {
  const bytes = Buffer.from(value as string);
  return Buffer.concat([varint(number * 8 + 2), varint(bytes.length), bytes]);
};
const integer = (number: number, value: number): Buffer => Buffer.concat([varint(number * 8), varint(value)]);
const message = (number: number, ...parts: Buffer[]): Buffer => text(number, Buffer.concat(parts));

const envelope = (apiVersion: string, kind: string, ...parts: Buffer[]): Buffer =>
  Buffer.concat([
    Buffer.from('k8s\0'),
    message(1, text(1, apiVersion), text(2, kind)),
    message(2, ...parts),
    text(3, ''),
    text(4, ''),
  ]);

test('a secret keeps its bytes in base64 and leaves out what is empty', () => {
  const meta = message(1, text(1, 'name'), text(2, ''), text(3, 'default'), text(5, ''), integer(7, 0), message(8));
  const data = message(2, text(1, 'key'), text(2, Buffer.from([0, 255])));
  assert.deepEqual(decodeObject(envelope('v1', 'Secret', meta, data, text(3, 'Opaque'))), {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'name', namespace: 'default' },
    data: { key: 'AP8=' },
    type: 'Opaque',
  });
});

test('embedded parts, quantities, ports by number or name, and times have their JSON forms', () => {
  const volume = message(1, text(1, 'v'), message(2, message(2, text(1, ''), message(2, text(1, '1Gi')))));
  const probe = message(10, message(1, message(2, text(1, '/'), message(2, integer(1, 0), integer(2, 8080)))));
  const ready = message(11, message(1, message(2, text(1, '/'), message(2, integer(1, 1), text(3, 'http')))));
  const container = message(2, text(1, 'c'), text(2, 'i'), probe, ready);
  const meta = message(1, text(1, 'p'), message(8, integer(1, 1_700_000_000)));
  const pod = decodeObject(envelope('v1', 'Pod', meta, message(2, volume, container))) as {
    metadata: { creationTimestamp: string };
    spec: { volumes: object[]; containers: { livenessProbe: object; readinessProbe: object }[] };
  };
  assert.equal(pod.metadata.creationTimestamp, '2023-11-14T22:13:20Z');
  assert.deepEqual(pod.spec.volumes, [{ name: 'v', emptyDir: { sizeLimit: '1Gi' } }]);
  assert.deepEqual(pod.spec.containers[0]?.livenessProbe, { httpGet: { path: '/', port: 8080 } });
  assert.deepEqual(pod.spec.containers[0]?.readinessProbe, { httpGet: { path: '/', port: 'http' } });
});

test('an optional number that is zero is kept, a plain one is left out', () => {
  const meta = message(1, text(1, 'd'));
  const { spec } = decodeObject(envelope('apps/v1', 'Deployment', meta, message(2, integer(1, 0), integer(5, 0)))) as {
    spec: object;
  };
  assert.deepEqual(spec, { replicas: 0 });
});

test('unknown kinds, a missing prefix and cut messages are refused', () => {
  const good = envelope('v1', 'ConfigMap', message(1, text(1, 'name')));
  assert.throws(() => decodeObject(envelope('example.com/v1', 'Thing')), /Thing \(example\.com\/v1\).*send JSON/);
  assert.throws(() => decodeObject(Buffer.from('{}')), ProtobufError);
  assert.throws(() => decodeObject(good.subarray(0, good.length - 6)), ProtobufError);
});

test('whatever the bytes, the answer is an object or a ProtobufError', () => {
  const prefix = envelope('v1', 'Pod').subarray(0, 4);
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.boolean(), (bytes, wrapped) => {
      const body = wrapped ? envelope('v1', 'Pod', Buffer.from(bytes)) : Buffer.concat([prefix, Buffer.from(bytes)]);
      try {
        assert.equal(typeof decodeObject(body), 'object');
      } catch (error) {
        if (!(error instanceof ProtobufError)) throw error;
      }
    }),
    { numRuns: 500 },
  );
});
