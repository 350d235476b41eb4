import type { ResourceType } from '@osm/kube';

const of = (group: string, version: string, resource: string, kind: string): ResourceType =>
  Object.freeze({ group, version, resource, kind, namespaced: true });

/** Built-in resource types that only the controllers use. */
export const CONTROLLER_REVISIONS = of('apps', 'v1', 'controllerrevisions', 'ControllerRevision');
/** batch/v1 CronJob. */
export const CRON_JOBS = of('batch', 'v1', 'cronjobs', 'CronJob');
/** autoscaling/v2 HorizontalPodAutoscaler. */
export const AUTOSCALERS = of('autoscaling', 'v2', 'horizontalpodautoscalers', 'HorizontalPodAutoscaler');

/** `group/version`, or `version` in the core group. */
export const apiVersionOf = ({ group, version }: Pick<ResourceType, 'group' | 'version'>): string =>
  group === '' ? version : `${group}/${version}`;
