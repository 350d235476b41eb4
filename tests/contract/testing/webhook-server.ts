import { createServer } from 'node:https';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';

/**
 * A server of admission webhooks, as a program of its own, so that it can run where the API server reaches it. The first line of its
 * input is `{"host", "key", "cert"}`; its first line of output is `{"port"}`, each further one `{"path", "request"}`. A webhook
 * behaves as its path says; all ends with the input.
 */
interface Settings {
  readonly host: string;
  readonly key: string;
  readonly cert: string;
}

interface AdmissionRequest {
  readonly uid: string;
  readonly object?: { readonly metadata?: { readonly labels?: Readonly<Record<string, string>> } } | null;
}

const say = (line: object): void => {
  process.stdout.write(`${JSON.stringify(line)}\n`);
};
const patch = (operations: readonly object[]): object => ({
  allowed: true,
  patchType: 'JSONPatch',
  patch: Buffer.from(JSON.stringify(operations)).toString('base64'),
});

/** What each webhook answers; undefined for no answer that could be understood. */
async function answer(path: string, { object }: AdmissionRequest): Promise<object | undefined> {
  const [, behaviour = '', argument = ''] = path.split('/');
  switch (behaviour) {
    case 'allow':
      return { allowed: true };
    case 'deny':
      return { allowed: false, status: { message: argument } };
    case 'deny-as':
      return { allowed: false, status: { code: 429, reason: 'TooManyRequests', message: argument } };
    case 'warn':
      return { allowed: true, warnings: [argument] };
    case 'slow':
      await delay(Number(argument));
      return { allowed: true };
    case 'label': {
      const labels = object?.metadata?.labels ?? {};
      return labels[argument] === undefined
        ? patch([{ op: 'add', path: `/metadata/labels/${argument}`, value: Object.keys(labels).sort().join('.') }])
        : { allowed: true };
    }
    case 'bad-patch':
      return patch([{ op: 'remove', path: '/none/such' }]);
    default:
      return undefined;
  }
}

function serve({ host, key, cert }: Settings): void {
  const server = createServer({ key, cert }, (request, response) => {
    void (async () => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      const [path = ''] = (request.url ?? '').split('?');
      const review = JSON.parse(Buffer.concat(chunks).toString('utf8')) as { request: AdmissionRequest };
      say({ path, request: review.request });
      const reply = await answer(path, review.request);
      if (reply === undefined) response.statusCode = 500;
      const { uid } = review.request;
      response.setHeader('content-type', 'application/json');
      response.end(
        JSON.stringify({ apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', response: { uid, ...reply } }),
      );
    })().catch(() => response.destroy());
  });
  server.listen(0, host, () => say({ port: (server.address() as { port: number }).port }));
}

const input = createInterface({ input: process.stdin });
input.once('line', (line) => serve(JSON.parse(line) as Settings));
input.once('close', () => process.exit());
