import type { ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { NODE_MAIN } from '../local/entry-points.ts';
import { identify, type ProcessIdentity } from '../local/process.ts';
import type { NodeMessage, NodePart, NodeSettings } from '../node/messages.ts';
import { isolated, spawnInUserNamespace } from '../node/namespaces.ts';

/** How the daemon hears of the node process. */
export interface NodeProcessEvents {
  /** A (new) process holds the cluster's namespaces. */
  started(identity: ProcessIdentity): void;
  part(part: NodePart): void;
  log(message: string): void;
  /** The process has ended without being asked; it is started again after `retryMs`. */
  ended(reason: string, retryMs: number): void;
}

const FIRST_RETRY_MS = 100;
const LAST_RETRY_MS = 10_000;
/** A process that ran so long starts with the first wait again. */
const STEADY_MS = 60_000;

/** Keeps the node process running: everything in the cluster's namespaces ends with it, and with the daemon. */
export class NodeProcess {
  private readonly events: NodeProcessEvents;
  private readonly directory: string;
  private settings: NodeSettings | undefined;
  private child: ChildProcess | undefined;
  private stopped = false;
  private retryMs = FIRST_RETRY_MS;

  /** `directory` marks the process as this cluster's. */
  constructor(directory: string, events: NodeProcessEvents) {
    this.directory = directory;
    this.events = events;
  }

  /** Starts the process; it waits for its settings. Rejects when the namespaces cannot be made. */
  async start(): Promise<void> {
    const began = Date.now();
    const argv = isolated([process.execPath, '--disable-warning=ExperimentalWarning', NODE_MAIN, this.directory]);
    const child = await spawnInUserNamespace(argv, { stdio: ['ignore', 'pipe', 'pipe', 'ipc'] });
    if (this.stopped) {
      child.kill('SIGKILL');
      return;
    }
    this.child = child;
    const identity = identify(child.pid as number);
    if (identity) this.events.started(identity);
    let reason = '';
    for (const stream of [child.stdout, child.stderr]) {
      createInterface({ input: stream as Readable }).on('line', (line) => {
        this.events.log(line.slice(0, 4000));
      });
    }
    child.on('message', (message: NodeMessage) => {
      if (message.type === 'part') this.events.part(message.part);
      else if (message.type === 'log') this.events.log(message.message);
      else reason = message.message;
    });
    child.once('exit', (code, signal) => {
      this.child = undefined;
      if (this.stopped) return;
      this.retryMs = Date.now() - began > STEADY_MS ? FIRST_RETRY_MS : Math.min(this.retryMs * 2, LAST_RETRY_MS);
      this.events.ended(reason || `the node process ended (${signal ?? `code ${code}`})`, this.retryMs);
      setTimeout(() => this.restart(), this.retryMs);
    });
    this.configure();
  }

  /** Hands the settings over, now and to every later process. */
  run(settings: NodeSettings): void {
    this.settings = settings;
    this.configure();
  }

  /** Ends the process and all that lives in its namespaces; resolves when it has ended. */
  async stop(): Promise<void> {
    this.stopped = true;
    const child = this.child;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await ended;
  }

  private configure(): void {
    if (this.settings && this.child?.connected) this.child.send({ type: 'start', settings: this.settings });
  }

  private restart(): void {
    if (this.stopped) return;
    this.start().catch((error: unknown) => {
      this.events.ended(error instanceof Error ? error.message : String(error), LAST_RETRY_MS);
      setTimeout(() => this.restart(), LAST_RETRY_MS);
    });
  }
}
