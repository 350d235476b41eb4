import { once } from 'node:events';
import { BRIDGE, type ClusterId, nodeExec } from '@osm/cluster';
import { readSegments, type Segment } from './pcap.ts';

/** A packet capture on the cluster's bridge. */
export interface Capture {
  /** Ends the capture, and resolves with what it holds. Rejects when packets were missed. */
  stop(): Promise<readonly Segment[]>;
  /** Ends the capture, whatever it holds. */
  close(): void;
}

const TCPDUMP = `tcpdump -i ${BRIDGE} -n -U -Z root -s 0 -B 131072 -w - tcp & read -r end; kill $!; wait $!`;

/** Starts tcpdump in the cluster's network; resolves when it listens. */
export async function startCapture(id: ClusterId): Promise<Capture> {
  // The capture comes over standard output: inside the cluster's namespaces nothing can be written where it would be found.
  // It lasts until its standard input ends, also when this process does.
  const child = nodeExec(id, ['sh', '-c', TCPDUMP], ['pipe', 'pipe', 'pipe']);
  const chunks: Buffer[] = [];
  child.stdout?.on('data', (data: Buffer) => chunks.push(data));
  let said = '';
  const listening = new Promise<void>((resolve, reject) => {
    child.stderr?.on('data', (data: Buffer) => {
      said += data;
      if (said.includes('listening on')) resolve();
    });
    child.once('error', reject);
    child.once('close', () => reject(new Error(`tcpdump ended: ${said.trim()}`)));
  });
  await listening;
  return {
    close: () => {
      child.stdin?.end();
    },
    async stop() {
      const closed = once(child, 'close');
      child.stdin?.end();
      await closed;
      const dropped = Number(/(\d+) packets? dropped by kernel/.exec(said)?.[1] ?? 0);
      if (dropped > 0) throw new Error(`the capture missed ${dropped} packets`);
      return [...readSegments(Buffer.concat(chunks))];
    },
  };
}
