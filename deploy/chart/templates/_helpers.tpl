{{/* Puts an object of deploy/ into this release: (list $ OBJECT). It is altered in place. */}}
{{- define "kubebpfbox.adopt" -}}
{{- $root := index . 0 -}}
{{- $object := index . 1 -}}
{{- $labels := dict "helm.sh/chart" (printf "%s-%s" $root.Chart.Name $root.Chart.Version) "app.kubernetes.io/managed-by" $root.Release.Service "app.kubernetes.io/instance" $root.Release.Name "app.kubernetes.io/version" $root.Chart.AppVersion -}}
{{- $_ := set $object.metadata "labels" (merge $labels ($object.metadata.labels | default dict)) -}}
{{- if not (has $object.kind (list "ClusterRole" "ClusterRoleBinding" "PriorityClass" "PersistentVolume")) -}}
{{- $_ := set $object.metadata "namespace" $root.Release.Namespace -}}
{{- end -}}
{{- end -}}

{{/* Objects of deploy/ as they are: (list $ FILE...), paths below files/. */}}
{{- define "kubebpfbox.asTheyAre" -}}
{{- $root := index . 0 -}}
{{- range rest . }}
{{- $object := $root.Files.Get (printf "files/%s" .) | fromYaml }}
{{- include "kubebpfbox.adopt" (list $root $object) }}
---
{{ toYaml $object }}
{{- end }}
{{- end -}}

{{/* Labels of an object that deploy/ does not have: (list $ NAME). */}}
{{- define "kubebpfbox.labels" -}}
{{- $object := dict "kind" "" "metadata" (dict "labels" (dict "app.kubernetes.io/name" (index . 1) "app.kubernetes.io/part-of" "kubebpfbox")) -}}
{{- include "kubebpfbox.adopt" (list (index . 0) $object) -}}
{{- toYaml $object.metadata.labels -}}
{{- end -}}

{{/* The agent's configuration file. Without settings of this release it is the one of deploy/, word for word. */}}
{{- define "kubebpfbox.config" -}}
{{- $file := .Files.Get "files/base/config.yaml" -}}
{{- if .Values.config -}}
{{- toYaml (mergeOverwrite (fromYaml $file) .Values.config) -}}
{{- else -}}
{{- $file -}}
{{- end -}}
{{- end -}}

{{/* A ConfigMap whose name carries a hash of its content, so a change rolls the pods over. */}}
{{- define "kubebpfbox.configName" -}}
kubebpfbox-{{ include "kubebpfbox.config" . | sha256sum | trunc 10 }}
{{- end -}}

{{/* Another Secret for a container's variables: (list CONTAINER NAME NEW). It is altered in place. */}}
{{- define "kubebpfbox.useSecret" -}}
{{- $name := index . 1 -}}
{{- $new := index . 2 | default $name -}}
{{- range (index . 0).env -}}
{{- if .valueFrom -}}
{{- with .valueFrom.secretKeyRef -}}
{{- if eq .name $name }}{{- $_ := set . "name" $new }}{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- range (index . 0).envFrom -}}
{{- if eq .secretRef.name $name }}{{- $_ := set .secretRef "name" $new }}{{- end -}}
{{- end -}}
{{- end -}}

{{/* Which data source an InfluxDB is: one of the folders of deploy/grafana/provisioning. With a Secret of one's own its kind is told by influxdb.database. */}}
{{- define "kubebpfbox.influxdbSource" -}}
{{- $values := .Values.influxdb -}}
{{- if $values.install -}}
datasources
{{- else if not (or $values.address $values.existingSecret) -}}
datasources-none
{{- else if $values.database -}}
datasources-influxdb1
{{- else -}}
datasources
{{- end -}}
{{- end -}}

{{/* The variables of the Secret kubebpfbox-influxdb, as YAML. A token made at random stays as it is. */}}
{{- define "kubebpfbox.influxdb" -}}
{{- $values := .Values.influxdb -}}
{{- if $values.existingSecret -}}
{{- else if $values.install -}}
{{- $there := lookup "v1" "Secret" .Release.Namespace "kubebpfbox-influxdb" -}}
INFLUX_ADDR: {{ printf "http://kubebpfbox-influxdb.%s.svc:8086" .Release.Namespace | quote }}
INFLUX_ORG: kubebpfbox
INFLUX_BUCKET: kubebpfbox
INFLUX_TOKEN: {{ get ($there.data | default dict) "INFLUX_TOKEN" | b64dec | default (randAlphaNum 48) | quote }}
{{- else if $values.address -}}
INFLUX_ADDR: {{ $values.address | quote }}
{{- if $values.database }}
INFLUX_DATABASE: {{ $values.database | quote }}
{{- with $values.username }}
INFLUX_USERNAME: {{ . | quote }}
INFLUX_PASSWORD: {{ required "influxdb.password is needed for influxdb.username" $values.password | quote }}
{{- end }}
{{- else }}
INFLUX_ORG: {{ required "influxdb.org is needed for InfluxDB 2 (or influxdb.database for 1.x)" $values.org | quote }}
INFLUX_BUCKET: {{ required "influxdb.bucket is needed for InfluxDB 2" $values.bucket | quote }}
INFLUX_TOKEN: {{ required "influxdb.token is needed for InfluxDB 2" $values.token | quote }}
{{- end }}
{{- end -}}
{{- end -}}

{{/* A PersistentVolumeClaim of deploy/, and a volume in a directory of a node where one is named: (list $ NAME STORAGE). */}}
{{- define "kubebpfbox.storage" -}}
{{- $root := index . 0 -}}
{{- $name := index . 1 -}}
{{- $storage := index . 2 -}}
{{- $claim := $root.Files.Get (printf "files/%s/volumeclaim.yaml" $name) | fromYaml -}}
{{- include "kubebpfbox.adopt" (list $root $claim) -}}
{{- $_ := set $claim.spec.resources.requests "storage" $storage.size -}}
{{- if $storage.host }}
{{- $_ := set $claim.spec "storageClassName" "" }}
{{- $_ := set $claim.spec "volumeName" (printf "kubebpfbox-%s" $name) }}
---
apiVersion: v1
kind: PersistentVolume
metadata:
  name: kubebpfbox-{{ $name }}
  labels:
    {{- include "kubebpfbox.labels" (list $root (printf "kubebpfbox-%s" $name)) | nindent 4 }}
spec:
  accessModes: [ReadWriteOnce]
  capacity:
    storage: {{ $storage.size }}
  # What is in the directory is never deleted by Kubernetes.
  persistentVolumeReclaimPolicy: Retain
  claimRef:
    namespace: {{ $root.Release.Namespace }}
    name: kubebpfbox-{{ $name }}
  local:
    path: {{ required (printf "%s.storage.path is needed with %s.storage.host: a directory of that node" $name $name) $storage.path | quote }}
  nodeAffinity:
    required:
      nodeSelectorTerms:
        - matchExpressions:
            - key: kubernetes.io/hostname
              operator: In
              values: [{{ $storage.host | quote }}]
{{- else if $storage.storageClass }}
{{- $_ := set $claim.spec "storageClassName" $storage.storageClass }}
{{- end }}
---
{{ toYaml $claim }}
{{- end -}}
