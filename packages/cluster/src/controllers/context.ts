import type { KubeClient, KubeObject } from '@osm/kube';
import type { Logger } from 'pino';
import type { EventRecorder } from '../kubelet/events.ts';
import type { Mirrors } from './mirrors.ts';

/** What every controller works with. */
export interface ControllerContext {
  readonly client: KubeClient;
  readonly log: Logger;
  readonly mirrors: Mirrors;
  /** Resolves when every cache has its first list: before, nothing may be concluded from an absence. */
  readonly ready: Promise<void>;
  /** A recorder whose events come from `component`, such as `replicaset-controller`. */
  recorder(component: string): EventRecorder;
  /** Milliseconds since the epoch. */
  now(): number;
}

/** A running controller. */
export interface Controller {
  /** Takes up no more work and waits for what is under way. */
  stop(): Promise<void>;
}

/** `namespace/name` of an object that this one names in its own namespace. */
export const neighbour = (object: KubeObject, name: string): string => `${object.metadata.namespace ?? ''}/${name}`;
