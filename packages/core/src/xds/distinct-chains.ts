import type { CidrRangeJson, FilterChainJson, FilterChainMatchJson } from '@osm/envoy';

const LISTS = ['prefixRanges', 'serverNames', 'applicationProtocols', 'sourcePrefixRanges'] as const;
type ListName = (typeof LISTS)[number];
type Item = string | CidrRangeJson;

const textOf = (item: Item): string =>
  typeof item === 'string' ? item.toLowerCase() : `${item.addressPrefix}/${item.prefixLen}`;

/** Every combination that a match stands for: Envoy sees a list as so many chains. */
function combinations(match: FilterChainMatchJson): readonly string[] {
  const start = [`${match.destinationPort ?? ''} ${match.transportProtocol ?? ''}`];
  return LISTS.reduce<readonly string[]>((all, list) => {
    const items: readonly Item[] = match[list] ?? [];
    const texts = items.length === 0 ? [''] : items.map(textOf);
    return all.flatMap((text) => texts.map((item) => `${text} ${item}`));
  }, start);
}

/** The match without the items of one list that lead only to what is claimed; undefined when none is left. */
function without(
  match: FilterChainMatchJson,
  list: ListName,
  claimed: ReadonlySet<string>,
): FilterChainMatchJson | undefined {
  const items: readonly Item[] = match[list] ?? [];
  if (items.length === 0) return match;
  const left = items.filter(
    (item) => !combinations({ ...match, [list]: [item] }).every((combination) => claimed.has(combination)),
  );
  if (left.length === items.length) return match;
  return left.length === 0 ? undefined : { ...match, [list]: left };
}

/**
 * Chains of which no two match the same: Envoy refuses a whole listener for one such pair. The former keeps what both
 * claim; the latter keeps the rest, or goes when nothing is left of it that can be told apart.
 */
export function distinctChains(chains: readonly FilterChainJson[]): readonly FilterChainJson[] {
  const claimed = new Set<string>();
  return chains.flatMap((chain) => {
    let match: FilterChainMatchJson | undefined = chain.filterChainMatch ?? {};
    for (const list of LISTS) if (match !== undefined) match = without(match, list, claimed);
    const all = match === undefined ? [] : combinations(match);
    if (match === undefined || all.some((combination) => claimed.has(combination))) return [];
    for (const combination of all) claimed.add(combination);
    return [match === chain.filterChainMatch ? chain : { ...chain, filterChainMatch: match }];
  });
}
