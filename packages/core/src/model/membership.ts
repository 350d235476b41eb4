import type { SliceFacts } from './endpoint-slice.ts';
import { byText } from './names.ts';
import { hasSelector, type ServiceFacts } from './service.ts';
import type { Workload } from './snapshot.ts';

/** Pods (`<namespace>/<name>`) behind each Service, by its key; Services without pods are absent. */
export type Members = ReadonlyMap<string, readonly string[]>;

/** Slices by the key of their Service; those of one in order of their names. */
export function slicesByService(slices: ReadonlyMap<string, SliceFacts>): ReadonlyMap<string, readonly SliceFacts[]> {
  const byService = new Map<string, [string, SliceFacts][]>();
  for (const entry of slices) {
    const known = byService.get(entry[1].service);
    if (known) known.push(entry);
    else byService.set(entry[1].service, [entry]);
  }
  return new Map(
    [...byService].map(([service, own]) => {
      if (own.length > 1) own.sort(([a], [b]) => byText(a, b));
      return [service, own.map(([, slice]) => slice)];
    }),
  );
}

/** Pods by `<namespace>/<label>=<value>`, so that a selector looks at few of them. */
function indexLabels(workloads: ReadonlyMap<string, Workload>): ReadonlyMap<string, readonly string[]> {
  const index = new Map<string, string[]>();
  for (const [key, { namespace, labels }] of workloads) {
    for (const label in labels) {
      const pair = `${namespace}/${label}=${labels[label]}`;
      const known = index.get(pair);
      if (known) known.push(key);
      else index.set(pair, [key]);
    }
  }
  return index;
}

/**
 * Which pods the selectors choose. A pod counts before it is ready: its proxy must know what it serves by the time the
 * first client comes.
 */
export function selectMembers(
  services: ReadonlyMap<string, ServiceFacts>,
  workloads: ReadonlyMap<string, Workload>,
): Members {
  const index = indexLabels(workloads);
  const members = new Map<string, readonly string[]>();
  for (const [key, service] of services) {
    if (!hasSelector(service)) continue;
    const wanted = Object.entries(service.selector);
    let fewest: readonly string[] | undefined;
    for (const [label, value] of wanted) {
      const pods = index.get(`${service.namespace}/${label}=${value}`) ?? [];
      if (fewest === undefined || pods.length < fewest.length) fewest = pods;
    }
    const chosen = (fewest ?? []).filter((pod) => {
      const labels = workloads.get(pod)?.labels;
      return wanted.every(([label, value]) => labels?.[label] === value);
    });
    if (chosen.length > 0) members.set(key, chosen.sort());
  }
  return members;
}
