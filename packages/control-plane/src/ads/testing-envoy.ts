import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { envoyBinary } from '@osm/envoy/binary';
import type { Certificate } from '@osm/pki';

/** A running Envoy under test. */
export interface EnvoyProcess {
  /** GETs a path of its admin interface. */
  admin(path: string): Promise<string>;
  /** A counter or gauge; 0 when there is none. */
  stat(name: string): Promise<number>;
  /** Its log so far. */
  log(): string;
  stop(): Promise<void>;
}

/** Waits until a condition holds; rejects with what was seen last. Conditions may fail meanwhile. */
export async function until<T>(what: string, look: () => Promise<T | undefined>, ms = 20_000): Promise<T> {
  const end = Date.now() + ms;
  let last: unknown;
  while (Date.now() < end) {
    try {
      const found = await look();
      if (found !== undefined) return found;
    } catch (error) {
      last = error;
    }
    await delay(25);
  }
  throw new Error(`${what}: not within ${ms} ms`, { cause: last });
}

function get(port: number, path: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const asked = request({ host: '127.0.0.1', port, path, agent: false }, (response) => {
      const parts: Buffer[] = [];
      response.on('data', (part: Buffer) => parts.push(part));
      response.on('end', () => resolve(Buffer.concat(parts).toString()));
    });
    asked.on('error', reject);
    asked.end();
  });
}

/** The bootstrap of a proxy that knows nothing but its discovery server, whose certificate must carry `ads.test`. */
function bootstrap(adsPort: number, identity: Certificate, apiType: string): object {
  const ads = { ads: {}, resource_api_version: 'V3', initial_fetch_timeout: '0s' };
  const text = (inline: string): object => ({ inline_string: inline });
  return {
    node: { id: 'p1.sidecar.cart.shop.test', cluster: 'cart.shop' },
    admin: { address: { socket_address: { address: '127.0.0.1', port_value: 0 } } },
    dynamic_resources: {
      ads_config: {
        api_type: apiType,
        transport_api_version: 'V3',
        set_node_on_first_message_only: true,
        grpc_services: [
          {
            envoy_grpc: {
              cluster_name: 'ads',
              retry_policy: { retry_back_off: { base_interval: '0.1s', max_interval: '0.5s' } },
            },
          },
        ],
      },
      cds_config: ads,
      lds_config: ads,
    },
    static_resources: {
      clusters: [
        {
          name: 'ads',
          type: 'STATIC',
          connect_timeout: '2s',
          load_assignment: {
            cluster_name: 'ads',
            endpoints: [
              {
                lb_endpoints: [
                  { endpoint: { address: { socket_address: { address: '127.0.0.1', port_value: adsPort } } } },
                ],
              },
            ],
          },
          typed_extension_protocol_options: {
            'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': {
              '@type': 'type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions',
              explicit_http_config: { http2_protocol_options: {} },
            },
          },
          transport_socket: {
            name: 'envoy.transport_sockets.tls',
            typed_config: {
              '@type': 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext',
              sni: 'ads.test',
              common_tls_context: {
                alpn_protocols: ['h2'],
                tls_certificates: [{ certificate_chain: text(identity.chainPem), private_key: text(identity.keyPem) }],
                validation_context: {
                  trusted_ca: text(identity.trustPem),
                  match_typed_subject_alt_names: [{ san_type: 'DNS', matcher: { exact: 'ads.test' } }],
                },
              },
            },
          },
        },
      ],
    },
  };
}

/** Starts the real Envoy against a discovery server on this machine. Throws when none is installed. */
export async function startEnvoy(options: {
  readonly adsPort: number;
  readonly identity: Certificate;
  readonly apiType?: 'DELTA_GRPC' | 'GRPC';
}): Promise<EnvoyProcess> {
  const directory = await mkdtemp(join(tmpdir(), 'osm-ads-envoy-'));
  const config = join(directory, 'bootstrap.json');
  const adminFile = join(directory, 'admin');
  await writeFile(
    config,
    JSON.stringify(bootstrap(options.adsPort, options.identity, options.apiType ?? 'DELTA_GRPC')),
    {
      mode: 0o600,
    },
  );
  const child = spawn(
    envoyBinary(),
    ['-c', config, '--use-dynamic-base-id', '--admin-address-path', adminFile, '--concurrency', '1', '-l', 'warning'],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  );
  const exited = once(child, 'exit');
  const log: string[] = [];
  child.stderr.on('data', (part: Buffer) => log.push(part.toString()));
  const stop = async (): Promise<void> => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
    await exited;
    await rm(directory, { recursive: true, force: true });
  };
  try {
    const port = await until('the admin interface of Envoy', async () => {
      if (child.exitCode !== null) throw new Error(log.join(''));
      return Number(/:(\d+)$/.exec((await readFile(adminFile, 'utf8')).trim())?.[1]) || undefined;
    });
    const admin = (path: string): Promise<string> => get(port, path);
    return {
      admin,
      stop,
      log: () => log.join(''),
      async stat(name) {
        const text = await admin(`/stats?filter=${encodeURIComponent(`^${name.replace(/[.|]/g, '\\$&')}$`)}`);
        return Number(/: (\d+)/.exec(text)?.[1] ?? 0);
      },
    };
  } catch (error) {
    await stop();
    throw new Error(`Envoy did not start: ${log.join('')}`, { cause: error });
  }
}
