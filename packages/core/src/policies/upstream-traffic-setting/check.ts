import type { UpstreamTrafficSettingSpec } from '@osm/api';
import { patternFault } from '../../model/regex.ts';

type Spec = UpstreamTrafficSettingSpec;
type Descriptors = NonNullable<NonNullable<NonNullable<Spec['rateLimit']>['global']>['http']>['descriptors'];

interface Found {
  readonly field: string;
  readonly message: string;
}

function* checkDescriptors(descriptors: Descriptors, field: string): Generator<Found> {
  for (const [at, { entries }] of (descriptors ?? []).entries()) {
    for (const [of, { headerValueMatch }] of entries.entries()) {
      for (const [which, { regex }] of (headerValueMatch?.headers ?? []).entries()) {
        const message = regex === undefined ? undefined : patternFault(regex);
        const path = `${field}[${at}].entries[${of}].headerValueMatch.headers[${which}].regex`;
        if (message !== undefined) yield { field: path, message };
      }
    }
  }
}

/** What is wrong with an UpstreamTrafficSetting that a schema cannot say: its regular expressions. */
export function* checkUpstreamTrafficSetting({ rateLimit, httpRoutes = [] }: Spec): Generator<Found> {
  yield* checkDescriptors(rateLimit?.global?.http?.descriptors, 'spec.rateLimit.global.http.descriptors');
  for (const [at, { path, rateLimit: own }] of httpRoutes.entries()) {
    const field = `spec.httpRoutes[${at}]`;
    const message = patternFault(path);
    if (message !== undefined) yield { field: `${field}.path`, message };
    yield* checkDescriptors(own?.global?.descriptors, `${field}.rateLimit.global.descriptors`);
  }
}
