import { fileURLToPath } from 'node:url';

/** Programs of the cluster's own processes. Each is given the cluster's directory, by which the processes are found again. */
export const DAEMON_MAIN = fileURLToPath(new URL('../daemon/main.ts', import.meta.url));
export const NODE_MAIN = fileURLToPath(new URL('../node/main.ts', import.meta.url));
