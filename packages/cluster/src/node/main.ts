/**
 * Entry point of the node process: it runs inside the cluster's namespaces and ends with its daemon. Its settings come over IPC.
 */
import type { NodeMessage, StartNode } from './messages.ts';
import { startNode } from './node.ts';

const send = (message: NodeMessage): void => {
  process.send?.(message);
};

function fail(error: unknown): void {
  const message = error instanceof Error ? error.message : String(error);
  if (!process.connected || !process.send) process.exit(1);
  process.send({ type: 'failed', message } satisfies NodeMessage, () => process.exit(1));
}

process.once('disconnect', () => process.exit(0));
process.once('uncaughtException', fail);
process.once('unhandledRejection', fail);
process.once('message', (message: StartNode) => {
  startNode(message.settings, {
    part: (part) => send({ type: 'part', part }),
    log: (text) => send({ type: 'log', message: text }),
  }).catch(fail);
});
