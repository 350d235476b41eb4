/** A parsed image name: `[registry/]repository[:tag][@digest]`. */
export interface ImageReference {
  /** With registry, in full: `docker.io/library/nginx`. */
  readonly repository: string;
  readonly tag: string | undefined;
  readonly digest: string | undefined;
}

/** Not an image name. */
export class InvalidImageName extends Error {
  constructor(name: string) {
    super(
      `${JSON.stringify(name.slice(0, 300))} is not an image name: write [registry/]repository[:tag], in lower case`,
    );
    this.name = 'InvalidImageName';
  }
}

const COMPONENT = /^[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*$/;
const DOMAIN = /^(localhost|[a-zA-Z0-9]([a-zA-Z0-9.-]*[a-zA-Z0-9])?)(:\d{1,5})?$/;
const TAG = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/;
const DIGEST = /^[a-z0-9]+([+._-][a-z0-9]+)*:[0-9a-fA-F]{32,128}$/;

/**
 * Reads an image name the way container runtimes do (distribution reference grammar): no registry means docker.io, one word
 * there means library/. Throws {@link InvalidImageName}.
 */
export function parseImageName(name: string): ImageReference {
  const at = name.indexOf('@');
  const digest = at < 0 ? undefined : name.slice(at + 1);
  let rest = at < 0 ? name : name.slice(0, at);
  const colon = rest.lastIndexOf(':');
  let tag: string | undefined;
  if (colon > rest.lastIndexOf('/')) {
    tag = rest.slice(colon + 1);
    rest = rest.slice(0, colon);
  }
  const parts = rest.split('/');
  const [first = ''] = parts;
  const hasDomain = parts.length > 1 && (/[.:]/.test(first) || first === 'localhost' || /[A-Z]/.test(first));
  const domain = hasDomain ? (first === 'index.docker.io' ? 'docker.io' : first) : 'docker.io';
  const path = hasDomain ? parts.slice(1) : parts;
  const full = domain === 'docker.io' && path.length === 1 ? ['library', ...path] : path;
  const valid =
    DOMAIN.test(domain) &&
    full.every((part) => COMPONENT.test(part)) &&
    (tag === undefined || TAG.test(tag)) &&
    (digest === undefined || DIGEST.test(digest)) &&
    name.length <= 400;
  if (!valid) throw new InvalidImageName(name);
  return { repository: [domain, ...full].join('/'), tag, digest };
}

/** The short form people write: without docker.io and library/. */
export function familiarName(reference: ImageReference): string {
  const short = reference.repository.replace(/^docker\.io\//, '').replace(/^library\/([^/]+)$/, '$1');
  return `${short}${reference.tag === undefined ? '' : `:${reference.tag}`}${reference.digest === undefined ? '' : `@${reference.digest}`}`;
}
