import assert from 'node:assert/strict';
import { duplexPair } from 'node:stream';
import { test } from 'node:test';
import { SpdyConnection, type SpdyStream } from './spdy-connection.ts';
import { spdyDictionary } from './spdy-dictionary.ts';

test('the dictionary has the length and the ends that the protocol gives', () => {
  const dictionary = spdyDictionary();
  assert.equal(dictionary.length, 1423);
  assert.equal(dictionary.subarray(4, 11).toString(), 'options');
  assert.ok(dictionary.toString('latin1').endsWith('*,enq=0.'));
});

const ping = Buffer.from([0x80, 3, 0, 6, 0, 0, 0, 4, 0, 0, 0, 1]);

test('a ping is answered with itself, whatever the pieces it comes in', async () => {
  const [client, server] = duplexPair();
  new SpdyConnection(server, () => assert.fail('no stream was opened'));
  const answer: Buffer[] = [];
  const got = new Promise<void>((resolve) => {
    client.on('data', (chunk: Buffer) => {
      answer.push(chunk);
      if (Buffer.concat(answer).length >= ping.length) resolve();
    });
  });
  for (const byte of ping) client.write(Buffer.from([byte]));
  await got;
  assert.deepEqual(Buffer.concat(answer), ping);
  client.destroy();
});

test('what is not SPDY, or too large, closes the connection', async () => {
  for (const bad of [
    Buffer.from('GET / HTTP/1.1\r\n\r\n'),
    Buffer.from([0x80, 2, 0, 1, 0, 0, 0, 0]),
    Buffer.from([0x80, 3, 0, 1, 0, 0xff, 0xff, 0xff]),
  ]) {
    const [client, server] = duplexPair();
    const streams: SpdyStream[] = [];
    new SpdyConnection(server, (stream) => streams.push(stream));
    const closed = new Promise<void>((resolve) => server.once('close', () => resolve()));
    client.write(bad);
    await closed;
    assert.equal(streams.length, 0);
  }
});
