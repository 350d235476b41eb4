import { SERVICE_CIDR } from './addresses.ts';
import type { PortRule } from './service-rules.ts';

/** The nftables table that the node owns. */
export const TABLE = 'ip osm';

/** What the kernel is known to hold: the rules by address, protocol and port, each with the service that put it there. */
export interface AppliedRules {
  readonly rules: ReadonlyMap<string, OwnedRule>;
  /** How often each address is a backend, for the set of addresses that may be sent back to themselves. */
  readonly hairpins: ReadonlyMap<string, number>;
}

/** A rule and the service (`namespace/name`) it belongs to. */
export interface OwnedRule {
  readonly owner: string;
  readonly rule: PortRule;
}

/** Nothing but the empty table. */
export const NO_RULES: AppliedRules = Object.freeze({ rules: new Map(), hairpins: new Map() });

/**
 * A change as inputs of `nft -f`, to be applied in order, and the state that holds after them. Each is atomic; there is more than one only for
 * a change of hundreds of ports, because the kernel takes no more from an unprivileged user's netlink socket at once.
 */
export interface Transaction {
  readonly scripts: readonly string[];
  readonly next: AppliedRules;
}

/**
 * The empty table. Connections to a service address that nothing forwards are refused (TCP reset, ICMP port unreachable). A
 * pod that reaches itself through its service is masqueraded, since it would not answer to its own address on the wire.
 */
export const EMPTY_TABLE = `table ${TABLE}
delete table ${TABLE}
table ${TABLE} {
  map ports { type ipv4_addr . inet_proto . inet_service : verdict; }
  set hairpins { type ipv4_addr . ipv4_addr; }
  chain prerouting { type nat hook prerouting priority -100; policy accept; ip daddr . meta l4proto . th dport vmap @ports; }
  chain output { type nat hook output priority -100; policy accept; ip daddr . meta l4proto . th dport vmap @ports; }
  chain postrouting { type nat hook postrouting priority 100; policy accept; ct status dnat ip saddr . ip daddr @hairpins masquerade; }
  chain undelivered {
    ip daddr ${SERVICE_CIDR} meta l4proto tcp reject with tcp reset
    ip daddr ${SERVICE_CIDR} reject with icmp port-unreachable
  }
  chain forward { type filter hook forward priority 0; policy accept; jump undelivered; }
  chain local { type filter hook output priority 0; policy accept; oifname != "lo" jump undelivered; }
}
`;

/** Seed of the hash that keeps a client at its backend; any constant serves. */
const AFFINITY_SEED = '0x6f736d';

/**
 * The smallest transaction that brings the services of `changed` (by key; an empty list removes) to their new rules. Pure.
 * What the kernel is told is proportional to what has changed, not to the table.
 */
export function planTransaction(applied: AppliedRules, changed: ReadonlyMap<string, readonly PortRule[]>): Transaction {
  const rules = new Map(applied.rules);
  const hairpins = new Map(applied.hairpins);
  const steps: Step[] = [];
  const wanted = new Map<string, OwnedRule>();
  for (const [owner, list] of changed) for (const rule of list) wanted.set(portKey(rule), { owner, rule });
  for (const [key, { owner, rule }] of applied.rules) {
    if (!changed.has(owner) || wanted.has(key)) continue;
    rules.delete(key);
    countBackends(hairpins, rule, -1);
    steps.push({
      lines: [`delete element ${TABLE} ports { ${elementOf(rule)} }`, `delete chain ${TABLE} ${chainOf(rule)}`],
      bytes: STEP_BYTES,
    });
  }
  for (const [key, owned] of wanted) {
    const old = rules.get(key);
    rules.set(key, owned);
    if (old && forwardTo(old.rule) === forwardTo(owned.rule)) continue;
    if (old) countBackends(hairpins, old.rule, -1);
    countBackends(hairpins, owned.rule, 1);
    const chain = chainOf(owned.rule);
    const lines = [
      `${old ? 'flush' : 'add'} chain ${TABLE} ${chain}`,
      `add rule ${TABLE} ${chain} ${forwardTo(owned.rule)}`,
      ...(old ? [] : [`add element ${TABLE} ports { ${elementOf(owned.rule)} : goto ${chain} }`]),
    ];
    steps.push({ lines, bytes: STEP_BYTES + owned.rule.backends.length * BACKEND_BYTES });
  }
  const hairpin = (verb: string, ip: string): Step => ({
    lines: [`${verb} element ${TABLE} hairpins { ${ip} . ${ip} }`],
    bytes: BACKEND_BYTES,
  });
  for (const ip of hairpins.keys()) if (!applied.hairpins.has(ip)) steps.push(hairpin('add', ip));
  for (const ip of applied.hairpins.keys()) if (!hairpins.has(ip)) steps.push(hairpin('delete', ip));
  return { scripts: inScripts(steps), next: { rules, hairpins } };
}

/** The whole table for the given services: what is written first, and after a failure. Pure. */
export function wholeTable(all: ReadonlyMap<string, readonly PortRule[]>): Transaction {
  const { scripts, next } = planTransaction(NO_RULES, all);
  const [first = '', ...rest] = scripts;
  return { scripts: [`${EMPTY_TABLE}${first}`, ...rest], next };
}

/** Lines that belong together, with about the size of their netlink messages. */
interface Step {
  readonly lines: readonly string[];
  readonly bytes: number;
}

/** Measured with nftables 1.0.6, rounded up. */
const STEP_BYTES = 1500;
const BACKEND_BYTES = 120;
/** Below net.core.wmem_max, 208 KiB on an untouched Linux. */
const SCRIPT_BYTES = 100_000;

function inScripts(steps: readonly Step[]): readonly string[] {
  const scripts: string[] = [];
  let room = 0;
  for (const step of steps) {
    const text = step.lines.map((line) => `${line}\n`).join('');
    if (step.bytes > room) {
      scripts.push(text);
      room = SCRIPT_BYTES;
    } else {
      scripts[scripts.length - 1] += text;
    }
    room -= step.bytes;
  }
  return scripts;
}

function forwardTo(rule: PortRule): string {
  const [first] = rule.backends;
  if (first && rule.backends.length === 1) return `meta l4proto ${rule.protocol} dnat ip to ${first.ip}:${first.port}`;
  const choose = rule.sticky
    ? `jhash ip saddr mod ${rule.backends.length} seed ${AFFINITY_SEED}`
    : `numgen random mod ${rule.backends.length}`;
  const targets = rule.backends.map((backend, index) => `${index} : ${backend.ip} . ${backend.port}`);
  return `meta l4proto ${rule.protocol} dnat ip to ${choose} map { ${targets.join(', ')} }`;
}

function portKey(rule: PortRule): string {
  return `${rule.vip}-${rule.protocol}-${rule.port}`;
}

function chainOf(rule: PortRule): string {
  return `to-${portKey(rule)}`;
}

function elementOf(rule: PortRule): string {
  return `${rule.vip} . ${rule.protocol} . ${rule.port}`;
}

function countBackends(counts: Map<string, number>, rule: PortRule, by: number): void {
  for (const { ip } of rule.backends) {
    const next = (counts.get(ip) ?? 0) + by;
    if (next > 0) counts.set(ip, next);
    else counts.delete(ip);
  }
}
