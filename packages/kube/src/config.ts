/** Where the API server is: an HTTPS address, or a unix socket that serves HTTPS. */
export type ApiServerAddress =
  | {
      /** `https://host:port`, with a path prefix if need be. */
      readonly server: string;
      readonly socketPath?: never;
    }
  | { readonly socketPath: string; readonly server?: never };

/** A program that gives credentials (client.authentication.k8s.io/v1, `users[].user.exec` of a kubeconfig). */
export interface ExecPlugin {
  readonly apiVersion: 'client.authentication.k8s.io/v1' | 'client.authentication.k8s.io/v1beta1';
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** What to tell the user when the program is missing. */
  readonly installHint?: string;
  readonly provideClusterInfo: boolean;
  readonly interactiveMode: 'Never' | 'IfAvailable' | 'Always';
}

/** Whom the requests act as (https://kubernetes.io/docs/reference/access-authn-authz/authentication/#user-impersonation). */
export interface Impersonation {
  readonly user: string;
  readonly uid?: string;
  readonly groups: readonly string[];
  readonly extra: Readonly<Record<string, readonly string[]>>;
}

/** Everything a client is made from. What is given as a file is read again as it changes. */
export type KubeConfig = ApiServerAddress & {
  /** Authorities the server's certificate is verified with; without one, those of the Node.js release. Never unverified. */
  readonly caPem?: string;
  readonly caFile?: string;
  /** Name the server's certificate must carry, when it is not the address' own. */
  readonly serverName?: string;
  readonly certPem?: string;
  readonly keyPem?: string;
  readonly certFile?: string;
  readonly keyFile?: string;
  readonly token?: string;
  /** Takes precedence over `token`. */
  readonly tokenFile?: string;
  readonly exec?: ExecPlugin;
  readonly impersonate?: Impersonation;
  /** Namespace of the kubeconfig's context, or of the pod. The client itself never assumes it. */
  readonly namespace?: string;
  /** Name of the kubeconfig's context. */
  readonly context?: string;
  readonly limits?: Partial<ClientLimits>;
};

/** Bounds of what the API server may cost its client. */
export interface ClientLimits {
  /** Until the whole answer is there; for a watch until it begins. */
  readonly requestMs: number;
  /** Longest silence of a watch before it counts as dead. Servers send bookmarks about every 60 s. */
  readonly watchSilenceMs: number;
  readonly answerBytes: number;
  /** One watch event. */
  readonly eventBytes: number;
}

/** The bounds unless told otherwise. */
export const DEFAULT_LIMITS: ClientLimits = Object.freeze({
  requestMs: 30_000,
  watchSilenceMs: 150_000,
  answerBytes: 128 * 2 ** 20,
  eventBytes: 16 * 2 ** 20,
});
