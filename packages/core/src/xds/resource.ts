import {
  type ClusterJson,
  type ClusterLoadAssignmentJson,
  type ListenerJson,
  type Resource,
  type RouteConfigurationJson,
  TYPE_URL,
} from '@osm/envoy';

type Named<Json> = Json & { readonly name: string };

const resource = (typeUrl: Resource['typeUrl'], name: string, json: object): Resource =>
  Object.freeze({ typeUrl, name, json });

export const listenerResource = (json: Named<ListenerJson>): Resource => resource(TYPE_URL.listener, json.name, json);

export const clusterResource = (json: Named<ClusterJson>): Resource => resource(TYPE_URL.cluster, json.name, json);

export const routeResource = (json: Named<RouteConfigurationJson>): Resource =>
  resource(TYPE_URL.route, json.name, json);

export const assignmentResource = (json: ClusterLoadAssignmentJson & { readonly clusterName: string }): Resource =>
  resource(TYPE_URL.endpoint, json.clusterName, json);
