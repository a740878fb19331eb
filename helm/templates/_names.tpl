{{- define "galateo.name" -}}
{{- .Values.nameOverride | default .Chart.Name | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- define "galateo.fullname" -}}
{{- $name := include "galateo.name" . -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 50 | trimSuffix "-" -}}
{{- else if contains $name .Release.Name -}}
{{- .Release.Name | trunc 50 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 50 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "galateo.selector" -}}
app.kubernetes.io/name: {{ include "galateo.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "galateo.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{ include "galateo.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/part-of: galateo
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end -}}

{{- define "galateo.serviceAccount" -}}
{{- if .Values.serviceAccount.create -}}
{{- .Values.serviceAccount.name | default (include "galateo.fullname" .) -}}
{{- else -}}
{{- .Values.serviceAccount.name | default "default" -}}
{{- end -}}
{{- end -}}

{{- define "galateo.image" -}}
{{- if .Values.image.digest -}}
{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- else -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end -}}
{{- end -}}

{{- define "galateo.postgres" -}}
{{- if eq .Values.database.kind "postgresql" }}yes{{ end -}}
{{- end -}}

{{- define "galateo.podSecurity" -}}
runAsNonRoot: true
runAsUser: 10001
runAsGroup: 10001
fsGroup: 10001
fsGroupChangePolicy: OnRootMismatch
seccompProfile:
  type: RuntimeDefault
{{- end -}}

{{- define "galateo.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end -}}

{{/* Which database, and with PostgreSQL the keys that go with it. */}}
{{- define "galateo.databaseEnv" -}}
{{- if include "galateo.postgres" . }}
- name: GALATEO_DATABASE
  valueFrom:
    secretKeyRef:
      name: {{ .Values.secrets.database.name }}
      key: {{ .Values.secrets.database.key }}
{{- else }}
- name: GALATEO_DATABASE
  value: sqlite:////var/lib/galateo/galateo.db
{{- end }}
{{- if .Values.secrets.keys.name }}
- name: GALATEO_KEYS
  value: /etc/galateo/keys/{{ .Values.secrets.keys.key }}
{{- end }}
{{- end -}}

{{/* What would not work, said before anything is installed. */}}
{{- define "galateo.check" -}}
{{- $postgres := include "galateo.postgres" . -}}
{{- if and (not $postgres) (or (gt (int .Values.replicas) 1) .Values.autoscaling.enabled) -}}
{{- fail "More than one replica needs PostgreSQL: set database.kind=postgresql, or replicas=1 without autoscaling." -}}
{{- end -}}
{{- if and $postgres (not .Values.secrets.keys.name) -}}
{{- fail "PostgreSQL needs a key file that every replica shares: make a Secret and name it in secrets.keys.name." -}}
{{- end -}}
{{- if not (or .Values.secrets.relay.name .Values.secrets.webhook.name) -}}
{{- fail "There is nowhere to deliver to: name a Secret in secrets.relay.name or secrets.webhook.name." -}}
{{- end -}}
{{- if and .Values.smtp.tlsPort (not .Values.secrets.tls.name) -}}
{{- fail "smtp.tlsPort needs a certificate: name a kubernetes.io/tls Secret in secrets.tls.name." -}}
{{- end -}}
{{- if and .Values.smtp.proxyProtocol.enabled (not .Values.smtp.proxyProtocol.trusted) -}}
{{- fail "smtp.proxyProtocol.enabled needs smtp.proxyProtocol.trusted, the networks of your load balancers." -}}
{{- end -}}
{{- end -}}
