import assert from 'node:assert/strict';
import { test } from 'node:test';
import { protocolOf } from './protocol.ts';

const cases: readonly [appProtocol: string | undefined, name: string | undefined, protocol: string][] = [
  [undefined, undefined, 'http'],
  [undefined, '', 'http'],
  ['', 'tcp-x', 'tcp'],
  ['http', 'tcp-x', 'http'],
  ['HTTP', undefined, 'http'],
  ['grpc', undefined, 'grpc'],
  ['grpc-web', undefined, 'http'],
  ['kubernetes.io/h2c', undefined, 'http'],
  ['kubernetes.io/ws', undefined, 'http'],
  ['kubernetes.io/wss', undefined, 'tcp'],
  ['https', undefined, 'tcp'],
  ['tcp-server-first', undefined, 'tcp-server-first'],
  ['mysql', undefined, 'tcp-server-first'],
  ['smtp', undefined, 'tcp-server-first'],
  ['redis', undefined, 'tcp'],
  ['example.com/own', 'http', 'tcp'],
  [undefined, 'http-web', 'http'],
  [undefined, 'https-web', 'tcp'],
  [undefined, 'grpc-api', 'grpc'],
  [undefined, 'grpc', 'grpc'],
  [undefined, 'tcp-raw', 'tcp'],
  [undefined, 'tcp-server-first-db', 'tcp-server-first'],
  [undefined, 'tcp-server-first', 'tcp-server-first'],
  [undefined, 'tcpx', 'http'],
  [undefined, 'mysql', 'tcp-server-first'],
  [undefined, 'redis-cache', 'tcp'],
  [undefined, 'web', 'http'],
];
for (const [appProtocol, name, protocol] of cases) {
  test(`appProtocol ${appProtocol}, port name ${name}: ${protocol}`, () => {
    assert.equal(protocolOf(appProtocol, name), protocol);
  });
}
