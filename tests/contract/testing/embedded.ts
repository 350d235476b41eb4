import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { clusterDown, clusterUp, DEFAULT_CLUSTER, GATEWAY_IP } from '@osm/cluster';

/** A cluster that the contract is held against, as the environment of the tests tells it. */
export interface Subject {
  readonly env: Readonly<Record<string, string>>;
  end(): Promise<void>;
}

const IN_NODE = fileURLToPath(new URL('in-node.ts', import.meta.url));

/** The cluster that CONTRACT_KUBECONFIG names, or else an embedded one, brought up for the tests. Rejects when it does not come up. */
export async function contractSubject(): Promise<Subject> {
  if (process.env.CONTRACT_KUBECONFIG) return { env: {}, end: async () => {} };
  const home = mkdtempSync(join(tmpdir(), 'osm-contract-'));
  const id = { name: DEFAULT_CLUSTER, home };
  const end = async (): Promise<void> => {
    await clusterDown(id);
    rmSync(home, { recursive: true, force: true });
  };
  try {
    const { kubeconfig } = await clusterUp(id);
    return {
      env: {
        CONTRACT_KUBECONFIG: kubeconfig,
        CONTRACT_WEBHOOK_ADDRESS: GATEWAY_IP,
        CONTRACT_WEBHOOK_COMMAND: JSON.stringify([process.execPath, IN_NODE, home]),
      },
      end,
    };
  } catch (error) {
    await end();
    throw error;
  }
}
