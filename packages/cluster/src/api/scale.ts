import type { KubeObject } from '@osm/kube';
import { selectorText } from '../kinds/column.ts';
import { fromStored } from '../kinds/index.ts';
import { at, isRecord, number, withField } from '../store/fields.ts';
import type { ServedType } from '../types.ts';
import { badRequest, invalid, unknownPath } from './errors.ts';
import { readWriteOptions } from './options.ts';
import type { ApiState, RequestContext } from './state.ts';
import { mustFind, type Target } from './target.ts';
import { updateObject } from './write.ts';

const pathOf = (path: string): readonly string[] => path.split('.').filter((part) => part !== '');

const scalePaths = (type: ServedType) => {
  const { scale } = type.subresources;
  if (scale === undefined) throw unknownPath();
  return scale;
};

const selectorOf = (type: ServedType, object: KubeObject): string => {
  const { labelSelectorPath } = scalePaths(type);
  if (labelSelectorPath === undefined) return '';
  const selector = at(object, ...pathOf(labelSelectorPath));
  if (typeof selector === 'string') return selector;
  return isRecord(selector) ? selectorText(selector) : '';
};

/** The autoscaling/v1 Scale of an object. */
export const scaleOf = (type: ServedType, object: KubeObject): KubeObject => {
  const paths = scalePaths(type);
  const { name, namespace, uid, resourceVersion, creationTimestamp } = object.metadata;
  const selector = selectorOf(type, object);
  // autoscaling/v1 leaves out a number of 0.
  const replicas = number(at(object, ...pathOf(paths.specReplicasPath)));
  return {
    kind: 'Scale',
    apiVersion: 'autoscaling/v1',
    metadata: { name, namespace, uid, resourceVersion, creationTimestamp } as KubeObject['metadata'],
    spec: replicas === 0 ? {} : { replicas },
    status: {
      replicas: number(at(object, ...pathOf(paths.statusReplicasPath))),
      ...(selector === '' ? {} : { selector }),
    },
  };
};

/** GET of the scale subresource. Throws NotFound. */
export const readScale = (api: ApiState, target: Target): KubeObject =>
  scaleOf(target.type, fromStored(target.type, mustFind(api, target).object));

/**
 * Sets the number of replicas. `change` makes the new Scale from the present one (a PUT ignores it, a PATCH patches it).
 * Throws StatusError.
 */
export const updateScale = async (
  api: ApiState,
  target: Target,
  context: RequestContext,
  change: (scale: KubeObject) => unknown,
): Promise<KubeObject> => {
  const options = readWriteOptions(context);
  const paths = scalePaths(target.type);
  const object = await updateObject(api, { ...target, subresource: '' }, context, options, (live) => {
    const present = scaleOf(target.type, live);
    const wanted = change(present);
    const replicas = at(wanted, 'spec', 'replicas') ?? 0;
    if (typeof replicas !== 'number' || !Number.isInteger(replicas))
      throw badRequest('Scale: spec.replicas must be a whole number');
    if (replicas < 0)
      throw invalid({ group: 'autoscaling', kind: 'Scale' }, target.name, [
        {
          path: 'spec.replicas',
          reason: 'FieldValueInvalid',
          message: `Invalid value: ${replicas}: must be greater than or equal to 0`,
        },
      ]);
    const seen = at(wanted, 'metadata', 'resourceVersion');
    const locked = typeof seen === 'string' && seen !== '' && seen !== live.metadata.resourceVersion;
    return {
      object: withField(live, pathOf(paths.specReplicasPath), replicas),
      track: true,
      resourceVersion: locked ? seen : undefined,
      through: 'scale',
    };
  });
  return scaleOf(target.type, object);
};
