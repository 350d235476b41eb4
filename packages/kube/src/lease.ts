import { createBackoff } from './backoff.ts';
import { TYPES } from './resource-types.ts';
import { isClosed } from './status.ts';
import { ApiError, type KubeClient, type KubeObject } from './types.ts';
import { waitFor } from './wait.ts';

/** Who takes part in an election, and for what. */
export interface LeaseElectionOptions {
  readonly namespace: string;
  /** Name of the Lease, which is the office. */
  readonly name: string;
  /** Who we are; different for each participant (the pod's name). */
  readonly identity: string;
  /**
   * Called each time the lease is ours. The signal fires when it is not any more, or may not be: writing must end then. When it
   * returns or rejects, the lease is given up and asked for anew.
   */
  readonly lead: (signal: AbortSignal) => Promise<void>;
  /** Others may take a lease that was not renewed for so long; default 15. Whole seconds. */
  readonly durationSeconds?: number;
  /** Told of failed requests and of a `lead` that rejects. */
  readonly onError?: (error: unknown) => void;
}

/** A participant of an election. */
export interface LeaseElection {
  /** True while the lease is ours. */
  readonly leading: boolean;
  /** Fires the signal of `lead`, waits for it to return, and gives the lease back so that another takes over at once. */
  stop(): Promise<void>;
}

interface LeaseSpec {
  readonly holderIdentity?: string | null;
  readonly leaseDurationSeconds?: number | null;
  readonly acquireTime?: string | null;
  readonly renewTime?: string | null;
  readonly leaseTransitions?: number | null;
}

interface Lease extends KubeObject {
  readonly spec?: LeaseSpec;
}

/** What was seen of the lease, and when by our own clock: clocks of other machines are not relied on. */
interface Observed {
  readonly lease: Lease;
  readonly at: number;
}

const DURATION_S = 15;

/**
 * Takes part in electing one leader by a Lease (https://kubernetes.io/docs/concepts/architecture/leases/#leader-election). At most one
 * participant leads at a time as long as clocks run equally fast: a leader that cannot renew stops after two thirds of the
 * duration, others wait for the whole of it as they have seen it pass.
 */
export function createLeaseElection(client: KubeClient, options: LeaseElectionOptions): LeaseElection {
  const election = new Election(client, options);
  election.start();
  return election;
}

class Election implements LeaseElection {
  readonly #client: KubeClient;
  readonly #options: LeaseElectionOptions;
  readonly #durationS: number;
  readonly #stopping = new AbortController();
  #observed: Observed | undefined;
  #leading = false;
  #ended: Promise<void> = Promise.resolve();

  constructor(client: KubeClient, options: LeaseElectionOptions) {
    this.#client = client;
    this.#options = options;
    this.#durationS = options.durationSeconds ?? DURATION_S;
  }

  get leading(): boolean {
    return this.#leading;
  }

  start(): void {
    this.#ended = this.#run();
  }

  async stop(): Promise<void> {
    this.#stopping.abort(new Error(`the election for ${this.#options.name} is stopped`));
    await this.#ended;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    const retryMs = (this.#durationS * 1000) / 7.5;
    const backoff = createBackoff({ baseMs: retryMs / 2, capMs: retryMs });
    while (!signal.aborted) {
      const askedAt = performance.now();
      if (await this.#try(signal)) await this.#reign(askedAt);
      await waitFor(backoff.next(), signal).catch(() => {});
    }
  }

  /** Takes the lease, or renews it. True when it is ours now. */
  async #try(signal: AbortSignal): Promise<boolean> {
    try {
      const { namespace, name, identity } = this.#options;
      const present = await this.#read(signal);
      const now = new Date().toISOString().replace('Z', '000Z');
      const terms = { holderIdentity: identity, leaseDurationSeconds: this.#durationS, renewTime: now };
      if (!present) {
        const lease = await this.#client.create<Lease>(
          TYPES.leases,
          {
            apiVersion: 'coordination.k8s.io/v1',
            kind: 'Lease',
            metadata: { name, namespace },
            spec: { ...terms, acquireTime: now, leaseTransitions: 0 },
          },
          { namespace, signal },
        );
        this.#observe(lease);
        return true;
      }
      this.#observe(present);
      const spec = present.spec ?? {};
      const ours = spec.holderIdentity === identity;
      if (!ours && !this.#isFree(spec)) return false;
      const transitions = spec.leaseTransitions ?? 0;
      const update: LeaseSpec = ours
        ? { ...spec, ...terms }
        : { ...spec, ...terms, acquireTime: now, leaseTransitions: transitions + 1 };
      this.#observe(
        await this.#client.update<Lease>(TYPES.leases, { ...present, spec: update }, { namespace, signal }),
      );
      return true;
    } catch (error) {
      // Another participant was faster.
      if (isClosed(error)) this.#stopping.abort(error);
      if (!this.#stopping.signal.aborted && !isConflict(error)) this.#report(error);
      return false;
    }
  }

  async #read(signal?: AbortSignal): Promise<Lease | undefined> {
    const { namespace, name } = this.#options;
    try {
      return await this.#client.get<Lease>(TYPES.leases, name, { namespace, ...(signal ? { signal } : {}) });
    } catch (error) {
      if (error instanceof ApiError && error.code === 404) return undefined;
      throw error;
    }
  }

  #observe(lease: Lease): void {
    if (this.#observed?.lease.metadata.resourceVersion === lease.metadata.resourceVersion) return;
    this.#observed = { lease, at: performance.now() };
  }

  /** True when nobody holds the lease, or its holder has not renewed it while we watched for its whole duration. */
  #isFree(spec: LeaseSpec): boolean {
    if (!spec.holderIdentity) return true;
    const seconds = spec.leaseDurationSeconds ?? this.#durationS;
    return performance.now() - (this.#observed?.at ?? performance.now()) >= seconds * 1000;
  }

  /** Leads until told to stop, until `lead` ends, or until the lease could not be renewed in time. */
  async #reign(acquiredAt: number): Promise<void> {
    const ending = new AbortController();
    const { signal } = this.#stopping;
    const end = () => ending.abort(signal.reason);
    signal.addEventListener('abort', end, { once: true });
    if (signal.aborted) end();
    this.#leading = true;
    const led = (async () => {
      if (!ending.signal.aborted) await this.#options.lead(ending.signal);
    })()
      .catch((error: unknown) => {
        if (!ending.signal.aborted) this.#report(error);
      })
      .finally(() => ending.abort(new Error('the leader is done')));
    const lost = await this.#renewUntil(ending, acquiredAt);
    this.#leading = false;
    signal.removeEventListener('abort', end);
    await led;
    if (!lost) await this.#release();
  }

  /** Renews until the signal fires (false), or the lease is lost (true). */
  async #renewUntil(ending: AbortController, acquiredAt: number): Promise<boolean> {
    const retryMs = (this.#durationS * 1000) / 7.5;
    const deadlineMs = (this.#durationS * 1000 * 2) / 3;
    let renewedAt = acquiredAt;
    for (;;) {
      await waitFor(retryMs, ending.signal).catch(() => {});
      if (ending.signal.aborted) return false;
      const askedAt = performance.now();
      // A request without an answer must not hold up the end.
      const late = AbortSignal.timeout(Math.max(0, Math.floor(renewedAt + deadlineMs - askedAt)));
      const renewed = await this.#try(AbortSignal.any([ending.signal, late]));
      if (ending.signal.aborted) return false;
      if (renewed) {
        renewedAt = askedAt;
        continue;
      }
      const holder = this.#observed?.lease.spec?.holderIdentity;
      const taken = holder !== undefined && holder !== this.#options.identity;
      if (!taken && performance.now() - renewedAt < deadlineMs) continue;
      const why = taken ? `is held by ${holder || 'nobody'}` : 'could not be renewed in time';
      ending.abort(new Error(`the lease ${this.#options.name} ${why}`));
      return true;
    }
  }

  /** Gives the lease back. A failure costs the others only the rest of its duration. */
  async #release(): Promise<void> {
    try {
      const present = await this.#read();
      if (present?.spec?.holderIdentity !== this.#options.identity) return;
      // A lease without a holder has no such field: an empty name is refused.
      const { holderIdentity: _, ...terms } = present.spec;
      const spec: LeaseSpec = { ...terms, leaseDurationSeconds: 1 };
      const { namespace } = this.#options;
      this.#observe(await this.#client.update<Lease>(TYPES.leases, { ...present, spec }, { namespace }));
    } catch (error) {
      if (!isConflict(error)) this.#report(error);
    }
  }

  #report(error: unknown): void {
    try {
      this.#options.onError?.(error);
    } catch {
      // A reporter that fails has nobody to report to.
    }
  }
}

function isConflict(error: unknown): boolean {
  return error instanceof ApiError && error.code === 409;
}
