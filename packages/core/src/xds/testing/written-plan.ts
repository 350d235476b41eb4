import { parse } from 'yaml';
import type { Assignment, ProxyPlan, Upstream } from '../../plan/types.ts';

type WrittenPlan = Omit<ProxyPlan, 'upstreams' | 'assignments'> & {
  readonly upstreams: Readonly<Record<string, Upstream>>;
  readonly assignments: Readonly<Record<string, Assignment>>;
};

/** Reads the plan in a `.plan.yaml`, where maps are mappings. Undefined when the proxy has none. */
export function readPlan(text: string): ProxyPlan | undefined {
  const { plan } = parse(text) as { readonly plan?: WrittenPlan };
  if (plan === undefined) return undefined;
  return {
    ...plan,
    upstreams: new Map(Object.entries(plan.upstreams)),
    assignments: new Map(Object.entries(plan.assignments)),
  };
}
