import { API_SERVICE_IP, DNS_SERVICE_IP } from './addresses.ts';
import { type AppliedRules, NO_RULES, planTransaction, wholeTable } from './nft-table.ts';
import { run } from './run.ts';
import type { ServiceDirectory } from './service-directory.ts';
import { type PortRule, rulesOf } from './service-rules.ts';

/** Addresses that the node answers itself, whatever their services say: they work before the API does. */
const OWN_ADDRESSES = new Set([API_SERVICE_IP, DNS_SERVICE_IP]);

/**
 * Keeps the kernel's forwarding of service addresses equal to the directory. Changes that come while a transaction is
 * under way are applied together in the next one; the table is never seen half-written, but for changes of hundreds of ports.
 */
export class ServiceProxy {
  private readonly directory: ServiceDirectory;
  private readonly log: (message: string) => void;
  private applied: AppliedRules = NO_RULES;
  private dirty = new Set<string>();
  private running: Promise<void> | undefined;
  private whole = true;

  constructor(directory: ServiceDirectory, log: (message: string) => void) {
    this.directory = directory;
    this.log = log;
  }

  /** Writes the whole table, then follows the directory. Rejects with CommandError when the kernel refuses the table. */
  async start(): Promise<void> {
    await this.applyAll();
    this.directory.onChange((key) => {
      this.dirty.add(key);
      this.running ??= this.drain();
    });
  }

  /** Resolves when everything known now is in force. */
  async settled(): Promise<void> {
    while (this.running) await this.running;
  }

  private async drain(): Promise<void> {
    // One turn of the event loop gathers what one watch message brings.
    await new Promise((resolve) => setImmediate(resolve));
    try {
      while (this.dirty.size > 0 || this.whole) {
        const keys = this.dirty;
        this.dirty = new Set();
        await (this.whole ? this.applyAll() : this.applyChanges(keys)).catch((error: unknown) => this.recover(error));
      }
    } finally {
      this.running = undefined;
    }
  }

  private async applyAll(): Promise<void> {
    const all = new Map(this.directory.keys().map((key) => [key, this.rulesFor(key)]));
    const { scripts, next } = wholeTable(all);
    for (const script of scripts) await run('nft', ['-f', '-'], script);
    this.applied = next;
    this.whole = false;
  }

  private async applyChanges(keys: ReadonlySet<string>): Promise<void> {
    const { scripts, next } = planTransaction(this.applied, new Map([...keys].map((key) => [key, this.rulesFor(key)])));
    for (const script of scripts) await run('nft', ['-f', '-'], script);
    this.applied = next;
  }

  private async recover(error: unknown): Promise<void> {
    this.log(
      `service rules: ${error instanceof Error ? error.message : String(error)}; the whole table is written again`,
    );
    if (this.whole) await new Promise((resolve) => setTimeout(resolve, 1000));
    this.whole = true;
  }

  private rulesFor(key: string): readonly PortRule[] {
    const rules = rulesOf(this.directory.get(key), this.directory.slicesOf(key));
    return rules.filter((rule) => !OWN_ADDRESSES.has(rule.vip));
  }
}
