import type { Step } from './call.ts';

/** A step whose object cannot be read any more says which version of it is in force. */
export function tellLastGood(step: Step): Step {
  const { origin, text } = step;
  if (origin?.unreadable === undefined) return step;
  const { kind, namespace, name, generation, unreadable } = origin;
  const what = `generation ${unreadable} of ${kind} ${namespace}/${name} cannot be read`;
  return { ...step, text: `${text} (${what}; ${generation} stays in force)` };
}
