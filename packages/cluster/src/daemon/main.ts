/** Entry point of a cluster's daemon. Its settings come over IPC from the command that started it. */

import { type Daemon, startDaemon } from './daemon.ts';
import type { DaemonMessage, StartDaemon } from './messages.ts';

const began = performance.now();
let daemon: Daemon | undefined;
let ready = false;
let ending = false;

function tell(message: DaemonMessage): void {
  // The command may have gone.
  if (process.connected) process.send?.(message, undefined, undefined, () => {});
}

async function end(code: number): Promise<void> {
  if (ending) return;
  ending = true;
  await daemon?.stop().catch(() => {});
  process.exit(code);
}

/** A cluster that is up is not given up for a stray fault: it goes to the log, which is also standard error. */
function stray(error: unknown): void {
  process.stderr.write(`unexpected: ${error instanceof Error ? error.stack : String(error)}\n`);
  if (!ready) void end(1);
}

process.on('uncaughtException', stray);
process.on('unhandledRejection', stray);
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => void end(0));

process.once('message', ({ settings }: StartDaemon) => {
  process.once('disconnect', () => {
    // Nobody waits any longer for a cluster that has not come up; one in the foreground ends with its terminal.
    if (!ready || settings.foreground) void end(0);
  });
  startDaemon(settings, (step) => tell({ type: 'step', step, afterMs: performance.now() - began }))
    .then((started) => {
      daemon = started;
      ready = true;
      tell({ type: 'ready' });
    })
    .catch((error: unknown) => {
      const message = error instanceof Error ? error.message : String(error);
      if (!process.connected || !process.send) process.exit(1);
      process.send({ type: 'failed', message } satisfies DaemonMessage, undefined, undefined, () => process.exit(1));
    });
});
