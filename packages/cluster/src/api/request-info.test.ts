import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readRequest } from './request-info.ts';

const read = (line: string) => {
  const [method = '', target = ''] = line.split(' ');
  const url = new URL(target, 'https://cluster');
  const info = readRequest(method, url.pathname, url.searchParams);
  if (info.kind === 'path') return `${info.verb} ${info.path}`;
  const { verb, group, version, resource, subresource, namespace, name } = info;
  return [
    verb,
    `${group}/${version}`,
    subresource === '' ? resource : `${resource}/${subresource}`,
    namespace,
    name,
  ].join(' ');
};

const cases: readonly [string, string][] = [
  ['GET /api/v1/pods', 'list /v1 pods  '],
  ['GET /api/v1/pods?watch=true', 'watch /v1 pods  '],
  ['GET /api/v1/namespaces/a/pods', 'list /v1 pods a '],
  ['GET /api/v1/namespaces/a/pods/p', 'get /v1 pods a p'],
  ['GET /api/v1/namespaces/a/pods/p?watch=1', 'watch /v1 pods a p'],
  ['GET /api/v1/namespaces/a/pods/p/log?follow=true', 'get /v1 pods/log a p'],
  ['POST /api/v1/namespaces/a/pods/p/exec', 'create /v1 pods/exec a p'],
  ['GET /api/v1/namespaces', 'list /v1 namespaces  '],
  ['GET /api/v1/namespaces/a', 'get /v1 namespaces a a'],
  ['PUT /api/v1/namespaces/a/finalize', 'update /v1 namespaces/finalize a a'],
  ['PATCH /api/v1/namespaces/a/status', 'patch /v1 namespaces/status a a'],
  ['PATCH /apis/apps/v1/namespaces/a/deployments/d/scale', 'patch apps/v1 deployments/scale a d'],
  ['DELETE /apis/apps/v1/namespaces/a/deployments', 'deletecollection apps/v1 deployments a '],
  ['DELETE /apis/apps/v1/namespaces/a/deployments/d', 'delete apps/v1 deployments a d'],
  ['GET /api/v1/namespaces/a/secrets?fieldSelector=metadata.name%3Ds', 'list /v1 secrets a s'],
  ['HEAD /api/v1/nodes/n', 'get /v1 nodes  n'],
  ['GET /api', 'get /api'],
  ['GET /api/v1', 'get /api/v1'],
  ['GET /apis/apps/v1', 'get /apis/apps/v1'],
  ['GET /healthz', 'get /healthz'],
  ['POST /version', 'post /version'],
];

for (const [line, expected] of cases)
  test(`"${line}" asks for "${expected}"`, () => {
    assert.equal(read(line), expected);
  });
