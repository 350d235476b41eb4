import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { type Outcome, RunningCommand, type RunOptions, run } from './command.ts';

/** Root of the project. */
export const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const OSM = join(ROOT, 'packages/cli/bin/osm.mjs');

/** A directory for clusters, and the commands that a user has at hand there: osm, and kubectl and helm from PATH. */
export class Workplace {
  readonly directory = mkdtempSync(join(tmpdir(), 'osm-e2e-'));
  readonly home = join(this.directory, 'clusters');
  /** The environment of every command. */
  readonly env: NodeJS.ProcessEnv = {
    PATH: `${process.env.PATH}:${join(ROOT, 'gen/bin')}`,
    HOME: this.directory,
    TMPDIR: tmpdir(),
    TERM: 'xterm',
    OSM_LOCAL_HOME: this.home,
  };

  osm(args: readonly string[], options: RunOptions = {}): Promise<Outcome> {
    return run(process.execPath, [OSM, ...args], { ...options, env: { ...this.env, ...options.env } });
  }

  startOsm(args: readonly string[]): RunningCommand {
    return new RunningCommand(process.execPath, [OSM, ...args], { env: this.env });
  }

  /** Brings every cluster down and removes the directory. */
  async end(): Promise<void> {
    const outcome = await this.osm(['local', 'down', '--all']);
    rmSync(this.directory, { recursive: true, force: true });
    succeeded(outcome, 'osm local down --all');
  }
}

/** A cluster of its own for a file of tests. */
export class TestCluster extends Workplace {
  /** Brings it up. `args` go to `osm local up`. */
  async up(...args: readonly string[]): Promise<this> {
    succeeded(await this.osm(['local', 'up', ...args]), 'osm local up');
    this.env.KUBECONFIG = succeeded(await this.osm(['local', 'kubeconfig']), 'osm local kubeconfig').trim();
    // An image whose argument is a script of the shell.
    succeeded(await this.osm(['local', 'image', 'add', 'sh', '--', '/bin/sh', '-c']), 'osm local image add');
    return this;
  }

  command(program: string, args: readonly string[], options: RunOptions = {}): Promise<Outcome> {
    return run(program, args, { ...options, env: { ...this.env, ...options.env } });
  }

  /** kubectl to its end; the outcome is the test's to judge. */
  kubectl(args: readonly string[], input = ''): Promise<Outcome> {
    return this.command('kubectl', args, { input });
  }

  startKubectl(...args: readonly string[]): RunningCommand {
    return new RunningCommand('kubectl', args, { env: this.env });
  }

  /** kubectl, which must succeed; standard output. */
  async ok(...args: readonly string[]): Promise<string> {
    return succeeded(await this.kubectl(args), `kubectl ${args.join(' ')}`);
  }

  /** kubectl, which must fail; standard error. */
  async fails(...args: readonly string[]): Promise<string> {
    const { code, stdout, stderr } = await this.kubectl(args);
    assert.notEqual(code, 0, `kubectl ${args.join(' ')} should fail: ${stdout}`);
    return stderr;
  }

  /** `kubectl apply -f -`; what it says. */
  async apply(manifest: string, ...args: readonly string[]): Promise<string> {
    return succeeded(await this.kubectl(['apply', ...args, '-f', '-'], manifest), 'kubectl apply');
  }

  /** One value of an object. */
  jsonpath(path: string, ...object: readonly string[]): Promise<string> {
    return this.ok('get', ...object, '-o', `jsonpath=${path}`);
  }

  /** Waits, as kubectl does, until a value of an object is this. */
  async becomes(path: string, value: string, ...object: readonly string[]): Promise<void> {
    await this.ok('wait', `--for=jsonpath=${path}=${value}`, '--timeout=60s', ...object);
  }

  async ready(...pods: readonly string[]): Promise<void> {
    await this.ok('wait', '--for=condition=Ready', '--timeout=60s', ...pods);
  }
}

/** Standard output of a command that must have succeeded. */
export function succeeded({ code, stdout, stderr }: Outcome, what: string): string {
  assert.equal(code, 0, `${what}: ${stderr}${stdout}`);
  return stdout;
}

/** Looks until it holds: for what no watch tells. Rejects after `withinMs` with what did not come. */
export async function until(what: string, look: () => Promise<boolean> | boolean, withinMs = 20_000): Promise<void> {
  const deadline = performance.now() + withinMs;
  while (!(await look())) {
    assert.ok(performance.now() < deadline, `${what}: not within ${withinMs / 1000} s`);
    await delay(50);
  }
}
