import { type Command, CommanderError } from 'commander';
import { CliError } from '../cli-error.ts';
import type { InstallConfig } from '../config-file.ts';
import type { CliContext } from '../context.ts';
import { createProgram } from '../program.ts';
import { createMemoryClient, type MemoryClient } from './memory-client.ts';

/** What came of a command line. */
export interface Outcome {
  /** Standard output. */
  readonly output: string;
  /** Progress and warnings. */
  readonly notes: string;
  /** What the command failed with, as the user reads it; for a wrong option all that was printed. */
  readonly error: string | undefined;
  /** Exit code. */
  readonly code: number;
}

/** Surroundings of a command; what is absent is as on a fresh machine. */
export interface Surroundings {
  readonly cluster?: MemoryClient;
  readonly config?: Partial<InstallConfig>;
  /** Answer of the person at the terminal. */
  readonly answer?: boolean;
  readonly connect?: CliContext['connect'];
  /** Answers of proxies by `namespace/pod`; others cannot be reached. */
  readonly proxies?: Readonly<Record<string, string>>;
}

const SELF_HOSTED: InstallConfig = { kind: 'self-hosted', distribution: '', namespace: 'osm-system' };
/** Width of help texts, whatever terminal the test runs in. */
const HELP_WIDTH = 100;

/** Every command below this one, itself included, with the words that lead to it. */
export function walk(command: Command, path: readonly string[] = []): readonly (readonly [string, Command])[] {
  const own = [...path, command.name()];
  return [[own.join(' '), command], ...command.commands.flatMap((child) => walk(child, own))];
}

/** A command line whose output is collected and which never ends the process. */
export function createTestProgram(context: CliContext, print: (text: string) => void = context.write): Command {
  const program = createProgram(context);
  for (const [, command] of walk(program)) {
    command.exitOverride();
    command.configureOutput({
      writeOut: print,
      writeErr: print,
      getOutHelpWidth: () => HELP_WIDTH,
      getErrHelpWidth: () => HELP_WIDTH,
      getOutHasColors: () => false,
      getErrHasColors: () => false,
    });
  }
  return program;
}

/** A context in memory. */
export function testContext(surroundings: Surroundings, write: (text: string) => void, note: (text: string) => void) {
  const { cluster = createMemoryClient(), config, answer = false } = surroundings;
  const context: CliContext = {
    config: { ...SELF_HOSTED, ...config },
    write,
    note,
    connect: surroundings.connect ?? (() => cluster.client),
    askProxy: async ({ namespace, name }) => {
      const answered = surroundings.proxies?.[`${namespace}/${name}`];
      if (answered === undefined) throw new CliError('the proxy did not answer');
      return answered;
    },
    confirm: async (question) => {
      note(`${question}\n`);
      return answer;
    },
  };
  return context;
}

/** Runs a command line, such as `namespace add shop`. */
export async function runCommandLine(
  words: string | readonly string[],
  surroundings: Surroundings = {},
): Promise<Outcome> {
  const written = { output: '', notes: '', complaint: '' };
  const context = testContext(
    surroundings,
    (text) => {
      written.output += text;
    },
    (text) => {
      written.notes += text;
    },
  );
  const program = createTestProgram(context, (text) => {
    written.complaint += text;
  });
  try {
    await program.parseAsync(typeof words === 'string' ? words.split(' ') : words, { from: 'user' });
    return { output: written.output, notes: written.notes, error: undefined, code: 0 };
  } catch (error) {
    const { output, notes, complaint } = written;
    if (error instanceof CommanderError) return { output, notes, error: complaint, code: error.exitCode };
    if (!(error instanceof Error)) throw error;
    return { output, notes, error: error.message, code: 1 };
  }
}
