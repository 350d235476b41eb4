/** A program for Node.js that answers HTTP on port 8080 with its host name and the path. */
export const SERVER = `
const http = require("node:http");
http.createServer((q, r) => r.end("hello from " + process.env.HOSTNAME + q.url)).listen(8080);
console.log("listening");
process.on("SIGTERM", () => process.exit(0));`;
/** A deployment of two of it, with its service. */
export const WEB = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, labels: {app: web}}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  strategy: {rollingUpdate: {maxSurge: 1, maxUnavailable: 0}}
  template:
    metadata: {labels: {app: web}}
    spec:
      terminationGracePeriodSeconds: 5
      containers:
      - name: web
        image: web:1
        ports: [{name: http, containerPort: 8080}]
        readinessProbe: {httpGet: {path: /, port: http}, periodSeconds: 1}
        resources: {requests: {cpu: 10m}}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec:
  selector: {app: web}
  ports: [{name: http, port: 80, targetPort: http}]
`;
/** A pod that runs a script of the shell and is not restarted. */
export const pod = (name: string, script: string): string => `
apiVersion: v1
kind: Pod
metadata: {name: ${name}, labels: {one: "yes"}}
spec:
  terminationGracePeriodSeconds: 2
  restartPolicy: Never
  containers: [{name: main, image: sh, args: [${JSON.stringify(script)}]}]
`;
/** A script that stays until it is told to end. */
export const STAY = 'trap "exit 0" TERM; while :; do sleep 0.1; done';
/** A ConfigMap in the default namespace; `data` is YAML. */
export const configMap = (name: string, data: string): string =>
  `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: ${name}}\ndata: ${data}\n`;

/** A custom resource, `boats.example.com`. */
export const DEFINITION = `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: boats.example.com}
spec:
  group: example.com
  scope: Namespaced
  names: {plural: boats, singular: boat, kind: Boat, shortNames: [bo]}
  versions:
  - name: v1
    served: true
    storage: true
    additionalPrinterColumns: [{name: Crew, type: integer, jsonPath: .spec.crew}]
    schema:
      openAPIV3Schema:
        type: object
        properties:
          spec:
            type: object
            properties: {crew: {type: integer, minimum: 1, description: How many sail her.}}
`;
/** One of them; `spec` is YAML. */
export const boat = (spec: string): string =>
  `apiVersion: example.com/v1\nkind: Boat\nmetadata: {name: jolie}\nspec: ${spec}\n`;

/** Arguments of `osm` that give an image name a meaning: a program for Node.js, {@link SERVER} when none is given. */
export const webImage = (name: string, program = SERVER): readonly string[] => {
  const mount = ['--mount', `${process.execPath}:/opt/node/node`];
  return ['local', 'image', 'add', name, ...mount, '--', '/opt/node/node', '-e', program];
};
