import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

/** The address of the machine in its own network; nothing of it exists outside. */
export const ADDRESS = '10.200.0.2';

/** Makes the network, then waits for the end of its input: with it every process in the namespaces ends. */
const FIRST = `
set -e
ip link set lo up
ip link add n0 type veth peer name n1
ip addr add ${ADDRESS}/24 dev n0
ip link set n0 up
ip link set n1 up
ip route add default via 10.200.0.1 dev n0 onlink
echo ready
exec cat >/dev/null`;

/** A machine within the machine: network, mount, PID, IPC and UTS namespaces that end with this process. */
export class Machine {
  readonly #logs: string;
  readonly #programs = new Map<string, ChildProcess>();
  #first: ChildProcess | undefined;

  /** `logs` is the directory for what the programs say. */
  constructor(logs: string) {
    this.#logs = logs;
  }

  async start(): Promise<void> {
    const namespaces = ['--net', '--mount', '--pid', '--ipc', '--uts', '--fork', '--kill-child', '--mount-proc'];
    const user = process.getuid?.() === 0 ? [] : ['--user', '--map-root-user'];
    const first = spawn('unshare', [...user, ...namespaces, 'sh', '-c', FIRST], { stdio: ['pipe', 'pipe', 'pipe'] });
    this.#first = first;
    let why = '';
    first.stderr.on('data', (data: Buffer) => {
      why += data;
    });
    const ended = once(first, 'exit').then(() => Promise.reject(new Error(`no namespaces could be made: ${why}`)));
    ended.catch(() => {});
    await Promise.race([once(first.stdout, 'data'), ended]);
  }

  /** The command that runs a program inside. */
  inside(argv: readonly string[]): readonly string[] {
    const pid = this.#first?.pid;
    if (pid === undefined) throw new Error('the machine is not started');
    const user = process.getuid?.() === 0 ? [] : ['--user', '--preserve-credentials'];
    const namespaces = ['--net', '--mount', '--ipc', '--uts', `--pid=/proc/${pid}/ns/pid_for_children`];
    return ['nsenter', '--target', String(pid), ...user, ...namespaces, '--', ...argv];
  }

  /** Starts a program that goes on until the machine ends. */
  run(name: string, argv: readonly string[]): void {
    const [program = '', ...args] = this.inside(argv);
    const log = openSync(this.#log(name), 'a', 0o600);
    this.#programs.set(name, spawn(program, args, { stdio: ['ignore', log, log] }));
    closeSync(log);
  }

  /** Waits until a program inside succeeds; rejects when `name` ends before, or after a minute, with what `name` said last. */
  async until(name: string, argv: readonly string[]): Promise<void> {
    const deadline = performance.now() + 60_000;
    const [program = '', ...args] = this.inside(argv);
    for (;;) {
      const [code] = (await once(spawn(program, args, { stdio: 'ignore' }), 'exit')) as [number | null];
      if (code === 0) return;
      const ended = this.#programs.get(name)?.exitCode ?? null;
      if (ended !== null || performance.now() > deadline) {
        const said = readFileSync(this.#log(name), 'utf8').slice(-3000);
        throw new Error(`${name} ${ended === null ? 'was not ready within 60 s' : `ended with ${ended}`}:\n${said}`);
      }
      await delay(100);
    }
  }

  /** Ends everything in the namespaces. */
  async end(): Promise<void> {
    if (this.#first === undefined || this.#first.exitCode !== null) return;
    const ended = once(this.#first, 'exit');
    this.#first.stdin?.end();
    await ended;
  }

  #log(name: string): string {
    return join(this.#logs, `${name}.log`);
  }
}
