import type { Environment } from '@marcbachmann/cel-js';

/** A URL of CEL; an absolute path is one too, with neither scheme nor host. */
class UrlValue {
  readonly url: URL;
  /** Port as written, '' when it is not; the URL itself forgets the usual port of its scheme. */
  readonly port: string;
  readonly relative: boolean;
  constructor(url: URL, port: string, relative: boolean) {
    this.url = url;
    this.port = port;
    this.relative = relative;
  }
}

const BASE = 'http://relative.invalid';
const AUTHORITY = /^[a-zA-Z][a-zA-Z0-9+.-]*:\/\/(?:[^/?#@]*@)?(?:\[[^\]]*\]|[^/?#:]*)(?::(\d*))?/;

const parse = (text: string): UrlValue | undefined => {
  if (text.startsWith('/')) return URL.canParse(text, BASE) ? new UrlValue(new URL(text, BASE), '', true) : undefined;
  if (!/^[a-zA-Z][a-zA-Z0-9+.-]*:/.test(text) || !URL.canParse(text)) return undefined;
  return new UrlValue(new URL(text), AUTHORITY.exec(text)?.[1] ?? '', false);
};

const read = (text: string): UrlValue => {
  const value = parse(text);
  if (value === undefined) throw new Error(`URL parse error during conversion from string: ${JSON.stringify(text)}`);
  return value;
};

const hostOf = ({ url, port, relative }: UrlValue): string => {
  if (relative) return '';
  return port === '' ? url.hostname : `${url.hostname}:${port}`;
};

const queryOf = ({ url }: UrlValue): Record<string, string[]> =>
  Object.fromEntries([...new Set(url.searchParams.keys())].map((key) => [key, url.searchParams.getAll(key)]));

/** Registers the functions on URLs (https://kubernetes.io/docs/reference/using-api/cel/#kubernetes-url-library). */
export const registerUrlFunctions = (environment: Environment): void => {
  environment
    .registerType('kubernetes.URL', UrlValue)
    .registerFunction('url(string): kubernetes.URL', read)
    .registerFunction('isURL(string): bool', (text: string) => parse(text) !== undefined)
    .registerFunction('kubernetes.URL.getScheme(): string', ({ url, relative }: UrlValue) =>
      relative ? '' : url.protocol.slice(0, -1),
    )
    .registerFunction('kubernetes.URL.getHost(): string', hostOf)
    .registerFunction('kubernetes.URL.getHostname(): string', ({ url, relative }: UrlValue) =>
      relative ? '' : url.hostname.replace(/^\[(.*)\]$/, '$1'),
    )
    .registerFunction('kubernetes.URL.getPort(): string', ({ port }: UrlValue) => port)
    .registerFunction('kubernetes.URL.getEscapedPath(): string', ({ url }: UrlValue) => url.pathname)
    .registerFunction('kubernetes.URL.getQuery(): map<string, list<string>>', queryOf);
};
