import type { ConfigSourceJson, SdsSecretConfigJson } from '@osm/envoy';

/**
 * Where routes, endpoints and secrets come from: the stream that brought what refers to them. What refers to them waits
 * until they are there, so a listener is not taken into use before its routes. The wait is bounded: a resource that
 * Envoy refused never comes, and must not keep every later change of the listener from its work. After it, what is
 * missing denies: no routes is 404, no secret a refused connection, no endpoints 503. (The stream's own clusters and
 * listeners, in the bootstrap, are waited for without limit.)
 */
export const ADS: ConfigSourceJson = Object.freeze({ ads: {}, resourceApiVersion: 'V3', initialFetchTimeout: '15s' });

/** A secret by its SDS name. */
export const secretFromAds = (name: string): SdsSecretConfigJson => ({ name, sdsConfig: ADS });
