import assert from 'node:assert/strict';
import { connect, createServer } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { ask, httpApplication } from './testing/applications.ts';
import { freePort, startProxy } from './testing/envoy.ts';
import * as p from './testing/plans.ts';

test('HTTP/2 stays HTTP/2, and no rule is no access', async (t) => {
  const application = createServer((asked, response) => response.end(`HTTP/${asked.httpVersion}`));
  await new Promise<void>((resolve) => application.listen(0, '127.0.0.1', resolve));
  t.after(() => application.close());
  const target = (application.address() as AddressInfo).port;
  const closed = await httpApplication(t, 'closed');
  const port = await freePort();
  const server = '127.0.0.5';
  await startProxy(
    t,
    p.plan('bookstore/bookstore', {
      inbound: [
        p.inbound('bookstore/h2', port, target, { protocol: 'grpc' }),
        p.inbound('bookstore/closed', port, closed, { access: p.rules([]) }),
      ],
    }),
    {
      inbound: [
        [server, target],
        [server, closed],
      ],
    },
  );
  const keys = [`bookstore/h2|${target}`, `bookstore/closed|${closed}`] as const;
  await startProxy(
    t,
    p.plan('bookbuyer/bookbuyer', {
      outbound: [
        p.outbound('bookstore/h2', port, '127.0.6.1', [[keys[0], 1]], { protocol: 'grpc' }),
        p.outbound('bookstore/closed', port, '127.0.6.2', [[keys[1], 1]]),
      ],
      upstreams: keys.map((key) => p.upstream(key, ['bookstore/bookstore'])),
      assignments: keys.map((key) => p.assignment(key, p.endpoint(server, Number(key.split('|')[1])))),
    }),
    {
      outbound: [
        ['127.0.6.1', port],
        ['127.0.6.2', port],
      ],
    },
  );

  const session = connect(`http://127.0.6.1:${port}`);
  t.after(() => session.destroy());
  const stream = session.request({ ':path': '/' });
  const body = await new Promise<string>((resolve, reject) => {
    let text = '';
    stream.on('data', (data) => {
      text += String(data);
    });
    stream.on('end', () => resolve(text));
    stream.on('error', reject);
  });
  assert.equal(body, 'HTTP/2.0');
  assert.equal((await ask(['127.0.6.2', port])).status, 503);
});
