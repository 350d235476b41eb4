import { stringify } from 'yaml';
import { evaluatorCall } from './calls.ts';
import type { Mismatch } from './run.ts';

/** A mismatch for people: the objects, the call, and what each of the three says. */
export function describe({ world, call, comparison }: Mismatch): string {
  const { kind, decided, read, seen } = comparison;
  return [
    `== ${kind}`,
    ...world
      .map((object) => stringify(object, { lineWidth: 0 }).trimEnd())
      .join('\n---\n')
      .split('\n'),
    `call: ${JSON.stringify(call)}`,
    `      ${JSON.stringify(evaluatorCall(call))}`,
    `decided: ${decided}`,
    `read:    ${read}`,
    `Envoy:   ${seen}`,
    '',
  ].join('\n');
}
