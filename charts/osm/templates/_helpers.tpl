{{- define "osm.namespace" -}}
{{ .Values.osm.osmNamespace | default .Release.Namespace }}
{{- end }}

{{- /* Image reference of one component: (list $ "osmController"). A digest beats the tag. */ -}}
{{- define "osm.image" -}}
{{- $root := index . 0 -}}{{- $key := index . 1 -}}{{- $image := $root.Values.osm.image -}}
{{- $repository := printf "%s/%s" $image.registry (index $image.name $key) -}}
{{- $digest := index $image.digest $key -}}
{{- if and $digest (not $image.tag) -}}{{ $repository }}@{{ $digest }}
{{- else -}}{{ $repository }}:{{ $image.tag | default $root.Chart.AppVersion }}{{- end -}}
{{- end }}

{{- /* Labels of every object; meshName and enforceSingleMesh let the CLI and the preinstall check find a mesh. */ -}}
{{- define "osm.labels" -}}
app.kubernetes.io/name: openservicemesh.io
app.kubernetes.io/instance: {{ .Values.osm.meshName }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
{{- end }}

{{- define "osm.meshLabels" -}}
{{ include "osm.labels" . }}
meshName: {{ .Values.osm.meshName }}
enforceSingleMesh: {{ .Values.osm.enforceSingleMesh | quote }}
{{- end }}

{{- define "osm.validatorWebhookConfigName" -}}
{{ .Values.osm.validatorWebhook.webhookConfigurationName | default (printf "osm-validator-mesh-%s" .Values.osm.meshName) }}
{{- end }}

{{- define "osm.tracingAddress" -}}
{{ .Values.osm.tracing.address | default (printf "jaeger.%s.svc.cluster.local" (include "osm.namespace" .)) }}
{{- end }}

{{- define "osm.podSecurityContext" -}}
runAsNonRoot: true
runAsUser: 1000
runAsGroup: 3000
fsGroup: 2000
supplementalGroups: [5555]
seccompProfile:
  type: RuntimeDefault
{{- end }}

{{- define "osm.containerSecurityContext" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end }}

{{- /* The controller and the injector start once the CRDs are there. */ -}}
{{- define "osm.waitForBootstrap" -}}
{{- $root := index . 0 -}}{{- $key := index . 1 -}}
- name: wait-for-bootstrap
  image: {{ include "osm.image" (list $root $key) }}
  imagePullPolicy: {{ $root.Values.osm.image.pullPolicy }}
  args:
    - wait
    - --url=http://osm-bootstrap.{{ include "osm.namespace" $root }}.svc.cluster.local:9091/healthz
    - --timeout=250s
  securityContext:
    {{- include "osm.containerSecurityContext" $root | nindent 4 }}
{{- end }}

{{- /* Flags of the certificate provider, shared by the controller and the injector. */ -}}
{{- define "osm.certificateArgs" -}}
- --certificate-manager={{ .Values.osm.certificateProvider.kind }}
- --ca-bundle-secret-name={{ .Values.osm.caBundleSecretName }}
- --trust-domain={{ .Values.osm.trustDomain }}
- --enable-mesh-root-certificate={{ .Values.osm.featureFlags.enableMeshRootCertificate }}
{{- if eq .Values.osm.certificateProvider.kind "vault" }}
- --vault-host={{ .Values.osm.vault.host }}
- --vault-port={{ .Values.osm.vault.port }}
- --vault-protocol={{ .Values.osm.vault.protocol }}
- --vault-role={{ .Values.osm.vault.role }}
{{- if and .Values.osm.vault.secret.name .Values.osm.vault.secret.key }}
- --vault-token-secret-name={{ .Values.osm.vault.secret.name }}
- --vault-token-secret-key={{ .Values.osm.vault.secret.key }}
{{- else }}
- --vault-token={{ .Values.osm.vault.token }}
{{- end }}
{{- end }}
{{- if eq .Values.osm.certificateProvider.kind "cert-manager" }}
- --cert-manager-issuer-name={{ .Values.osm.certmanager.issuerName }}
- --cert-manager-issuer-kind={{ .Values.osm.certmanager.issuerKind }}
- --cert-manager-issuer-group={{ .Values.osm.certmanager.issuerGroup }}
{{- end }}
{{- end }}

{{- define "osm.podSettings" -}}
{{- $root := index . 0 -}}{{- $own := index . 1 -}}
priorityClassName: {{ $root.Values.osm.controlPlanePriorityClassName }}
securityContext:
  {{- include "osm.podSecurityContext" $root | nindent 2 }}
{{- with $root.Values.osm.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $own.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $own.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with concat ($own.tolerations | default list) $root.Values.osm.controlPlaneTolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}
