import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import { type AddressInfo, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Authority } from '../../api/testing/authority.ts';
import type { AdmissionRequest } from '../request.ts';

/** What a webhook does with a request: the `response` of its review, without the uid. */
export type Behaviour = (request: AdmissionRequest) => object | Promise<object>;

/** A server with a webhook per path, and the name `hooks.mesh.svc`. */
export class HookServer {
  readonly #directory = mkdtempSync(join(tmpdir(), 'osm-hooks-'));
  readonly #authority = new Authority(this.#directory);
  readonly #server: Server;
  readonly #behaviours = new Map<string, Behaviour>();
  /** Paths in the order in which they were asked. */
  readonly asked: string[] = [];
  /** Requests by path, the newest. */
  readonly requests = new Map<string, AdmissionRequest>();
  connections = 0;
  /** Answers with this instead of a review when it is set. */
  raw: { readonly code: number; readonly body: string } | undefined;

  constructor(name = 'DNS:hooks.mesh.svc') {
    const { certPem, keyPem } = this.#authority.issue('/CN=hooks', name);
    this.#server = createServer(
      { cert: certPem, key: keyPem },
      (request, response) => void this.#answer(request, response),
    );
    this.#server.on('secureConnection', () => {
      this.connections += 1;
    });
  }

  async start(): Promise<this> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return this;
  }

  stop(): void {
    this.#server.close();
    this.#server.closeAllConnections();
    rmSync(this.#directory, { recursive: true, force: true });
  }

  /** Ends every connection without notice. */
  drop(): void {
    this.#server.closeAllConnections();
  }

  get caBundle(): string {
    return Buffer.from(this.#authority.certPem).toString('base64');
  }

  /** A webhook that behaves so, as it is written in a configuration. */
  hook(name: string, behaviour: Behaviour, fields: object = {}): object {
    this.#behaviours.set(`/${name}`, behaviour);
    return {
      name: `${name}.example.com`,
      clientConfig: { service: { namespace: 'mesh', name: 'hooks', path: name }, caBundle: this.caBundle },
      rules: [{ operations: ['*'], apiGroups: ['*'], apiVersions: ['*'], resources: ['*'] }],
      sideEffects: 'None',
      admissionReviewVersions: ['v1'],
      ...fields,
    };
  }

  readonly dial = async () => {
    const socket = connect((this.#server.address() as AddressInfo).port, '127.0.0.1');
    await once(socket, 'connect');
    return socket;
  };

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const [path = ''] = (request.url ?? '').split('?');
    const review = JSON.parse(Buffer.concat(chunks).toString()) as { request: AdmissionRequest };
    this.asked.push(path.slice(1));
    this.requests.set(path.slice(1), review.request);
    if (this.raw !== undefined) {
      response.statusCode = this.raw.code;
      response.end(this.raw.body);
      return;
    }
    const reply = await this.#behaviours.get(path)?.(review.request);
    response.end(
      JSON.stringify({
        apiVersion: 'admission.k8s.io/v1',
        kind: 'AdmissionReview',
        response: { uid: review.request.uid, ...reply },
      }),
    );
  }
}

/** A behaviour that patches. */
export const patching =
  (...operations: readonly object[]): Behaviour =>
  () => ({
    allowed: true,
    patchType: 'JSONPatch',
    patch: Buffer.from(JSON.stringify(operations)).toString('base64'),
  });

/** A behaviour that adds a label. */
export const labelling = (name: string): Behaviour =>
  patching({ op: 'add', path: `/metadata/labels/${name}`, value: 'yes' });
