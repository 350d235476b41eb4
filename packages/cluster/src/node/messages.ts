/** What the daemon and the node process tell each other over their IPC channel. */

/** Everything the node process needs; handed over once, never on a command line. */
export interface NodeSettings {
  readonly nodeName: string;
  /** The kubelet's directory. */
  readonly kubeletDirectory: string;
  /** The cluster's directory, which no pod may read. */
  readonly clusterDirectory: string;
  readonly apiSocket: string;
  readonly nodeSocket: string;
  readonly imagesDirectory: string;
  /** Trust and credentials of `system:node:<nodeName>`, PEM. */
  readonly caPem: string;
  readonly certPem: string;
  readonly keyPem: string;
  /** Nodes whose pods have no processes. */
  readonly hollowNodes: number;
}

/** Parts of the node in the order in which they come up. */
export type NodePart = 'network' | 'dns' | 'services' | 'kubelet';

/** From the daemon. */
export interface StartNode {
  readonly type: 'start';
  readonly settings: NodeSettings;
}

/** From the node process. */
export type NodeMessage =
  | { readonly type: 'part'; readonly part: NodePart }
  | { readonly type: 'log'; readonly message: string }
  | { readonly type: 'failed'; readonly message: string };
