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

let running = false;

/** Before the node is up a stray fault ends it; later it would take every pod along, so it is told and survived. */
function stray(error: unknown): void {
  if (!running) fail(error);
  else send({ type: 'log', message: `unexpected: ${error instanceof Error ? error.stack : String(error)}` });
}

// The user's own mask must not hide volumes from the users of pods; the cluster's directory is private as a whole.
process.umask(0o022);
process.once('disconnect', () => process.exit(0));
process.on('uncaughtException', stray);
process.on('unhandledRejection', stray);
process.once('message', (message: StartNode) => {
  startNode(message.settings, {
    part: (part) => send({ type: 'part', part }),
    log: (text) => send({ type: 'log', message: text }),
  })
    .then(() => {
      running = true;
    })
    .catch(fail);
});
