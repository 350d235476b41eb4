/** What the daemon and the command that started it tell each other over their IPC channel. */

/** How the daemon is to run. */
export interface DaemonSettings {
  readonly name: string;
  readonly home: string;
  /** Port of 127.0.0.1; 0 lets the system choose. */
  readonly port: number;
  /** Nodes whose pods have no processes. */
  readonly hollowNodes: number;
  /** End together with the command that started the daemon. */
  readonly foreground: boolean;
}

/** Steps on the way up, in about the order in which they are done. */
export type StartStep = 'credentials' | 'api' | 'node' | 'network' | 'dns' | 'services' | 'kubelet' | 'account';

/** To the daemon. */
export interface StartDaemon {
  readonly type: 'start';
  readonly settings: DaemonSettings;
}

/** From the daemon. */
export type DaemonMessage =
  /** A step is done, so many milliseconds after the daemon's start. */
  | { readonly type: 'step'; readonly step: StartStep; readonly afterMs: number }
  | { readonly type: 'ready' }
  | { readonly type: 'failed'; readonly message: string };
