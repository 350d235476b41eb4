import assert from 'node:assert/strict';
import { request } from 'node:https';
import { type TestContext, test } from 'node:test';
import { type Certificate, createEmbeddedIssuer, createRoot } from '@osm/pki';
import { silentLog } from '../testing.ts';
import { type AdmissionVerdict, ALLOW, deny } from './admission.ts';
import { startWebhookServer, type WebhookOptions } from './server.ts';

const NAME = 'osm-validator.osm-system.svc';

async function setUp(t: TestContext, handle: WebhookOptions['handle'] = async () => ALLOW) {
  const issuer = createEmbeddedIssuer(await createRoot({ commonName: 'root' }));
  const issue = (): Promise<Certificate> => issuer.issue({ commonName: NAME, dnsNames: [NAME], validitySeconds: 3600 });
  const server = await startWebhookServer({
    port: 0,
    path: '/validate',
    certificate: await issue(),
    log: silentLog,
    handle,
  });
  t.after(() => server.close());
  return { server, issue, trust: issuer.trustBundle() };
}

interface Call {
  readonly trust: string;
  readonly path?: string;
  readonly method?: string;
  readonly type?: string;
  readonly body?: string;
  readonly servername?: string;
  readonly maxVersion?: 'TLSv1.2';
}

interface Answer {
  readonly status: number | undefined;
  readonly body: string;
  readonly serial: string;
}

/** Calls as the API server does: verified by the bundle, under the Service's name. */
function call(port: number, options: Call): Promise<Answer> {
  const {
    trust,
    path = '/validate',
    method = 'POST',
    type = 'application/json',
    servername = NAME,
    maxVersion,
  } = options;
  return new Promise((resolve, reject) => {
    const sent = request(
      {
        host: '127.0.0.1',
        port,
        path,
        method,
        servername,
        ca: trust,
        agent: false,
        headers: { 'content-type': type },
        ...(maxVersion && { maxVersion }),
      },
      (response) => {
        const { serialNumber } = (
          response.socket as unknown as { getPeerCertificate(): { serialNumber: string } }
        ).getPeerCertificate();
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () =>
          resolve({ status: response.statusCode, body: Buffer.concat(chunks).toString(), serial: serialNumber }),
        );
      },
    );
    sent.on('error', reject);
    sent.end(options.body ?? '');
  });
}

const review = (uid = 'u1'): string =>
  JSON.stringify({
    apiVersion: 'admission.k8s.io/v1',
    kind: 'AdmissionReview',
    request: { uid, operation: 'CREATE', kind: { group: '', version: 'v1', kind: 'Pod' }, object: {} },
  });
const verdictOf = ({ body }: Answer): AdmissionVerdict & { readonly uid: string } => JSON.parse(body).response;

test('a review is answered under its uid', async (t) => {
  const { server, trust } = await setUp(t, async () => deny(422, 'no'));
  const answer = await call(server.port, { trust, body: review('u7') });
  assert.equal(answer.status, 200);
  assert.deepEqual([verdictOf(answer).uid, verdictOf(answer).allowed], ['u7', false]);
  assert.equal(verdictOf(answer).status?.message, 'no');
});

test('a handler that fails denies, and says why', async (t) => {
  const { server, trust } = await setUp(t, async () => {
    throw new Error('the API server is away');
  });
  const verdict = verdictOf(await call(server.port, { trust, body: review() }));
  assert.equal(verdict.allowed, false);
  assert.match(verdict.status?.message ?? '', /the API server is away/);
});

test('what is no review is refused', async (t) => {
  const { server, trust } = await setUp(t);
  const status = async (options: Partial<Call>) =>
    (await call(server.port, { trust, body: review(), ...options })).status;
  assert.equal(await status({ path: '/mutate' }), 404);
  assert.equal(await status({ method: 'GET', body: '' }), 405);
  assert.equal(await status({ type: 'text/plain' }), 415);
  assert.equal(await status({ body: 'no json' }), 400);
  assert.equal(await status({ body: '' }), 400);
  // The answer may come too late for a client that is still sending.
  const large = await status({ body: `"${'x'.repeat(9 * 1024 * 1024)}"` }).catch(({ code }: { code?: string }) => code);
  assert.ok([413, 'ECONNRESET', 'EPIPE'].includes(large ?? ''), String(large));
});

test('the server is verified by bundle and name, and speaks TLS 1.3', async (t) => {
  const { server, trust } = await setUp(t);
  const stranger = createEmbeddedIssuer(await createRoot({ commonName: 'stranger' })).trustBundle();
  await assert.rejects(call(server.port, { trust: stranger, body: review() }), /certificate/);
  await assert.rejects(call(server.port, { trust, body: review(), servername: 'other.svc' }), /altnames|Hostname/);
  await assert.rejects(
    call(server.port, { trust, body: review(), maxVersion: 'TLSv1.2' }),
    /protocol version|EPROTO|alert/,
  );
});

test('a renewed certificate is shown to new connections', async (t) => {
  const { server, trust, issue } = await setUp(t);
  const before = await call(server.port, { trust, body: review() });
  server.setCertificate(await issue());
  const after = await call(server.port, { trust, body: review() });
  assert.notEqual(after.serial, before.serial);
});
