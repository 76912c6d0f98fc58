# To be sourced: reads scripts/config.ini. Value and line of a key are variables of this shell: value_SECTION_KEY and line_SECTION_KEY.
# Without associative arrays, which the bash of some systems lacks.
# shellcheck shell=bash

# section.KEY=default, one a line; what follows " : " says which values are allowed, as an extended regular expression.
config_keys() {
  cat <<'KEYS'
global.NAMESPACE=kubebpfbox : [a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?
global.MODE=default : default|interface|cgroup-v1
global.INTERFACE=cni0 : [^[:space:]/]{1,15}
global.IMAGE=docker.io/library/kubebpfbox : [a-z0-9][-a-z0-9._:/]*
global.IMAGE_TAG=0.1.0 : [A-Za-z0-9_][-A-Za-z0-9_.]*
global.IMAGE_PULL_POLICY=IfNotPresent : IfNotPresent|Always|Never
global.MONITOR=none : none|pod|service
global.HELPER_IMAGE=docker.io/library/busybox:1.36 : [a-z0-9][-A-Za-z0-9._:/@]*
global.TIMEOUT=300 : [1-9][0-9]{0,4}
influxdb.INSTALL=true : true|false
influxdb.INFLUXDB_HOST= : [a-z0-9][-a-z0-9.]*
influxdb.INFLUXDB_PV_PATH= : /[^[:space:]\"\\]+
influxdb.INFLUXDB_STORAGE_CLASS= : [a-z0-9][-a-z0-9.]*
influxdb.INFLUXDB_SIZE=20Gi : [1-9][0-9]*([KMGTP]i?)?
influxdb.INFLUXDB_IMAGE=docker.io/library/influxdb:2.7.12 : [a-z0-9][-A-Za-z0-9._:/@]*
influxdb.INFLUXDB_RETENTION=7d : [0-9]+(w|d|h|m|s)?
influxdb.INFLUX_ADDR= : https?://[^[:space:]]+
influxdb.INFLUX_CA_FILE= : /[^[:space:]\"\\]+
influxdb.INFLUX_ORG= : .*
influxdb.INFLUX_BUCKET= : .*
influxdb.INFLUX_TOKEN= : .*
influxdb.INFLUX_DATABASE= : .*
influxdb.INFLUX_USERNAME= : .*
influxdb.INFLUX_PASSWORD= : .*
grafana.INSTALL=true : true|false
grafana.GRAFANA_HOST= : [a-z0-9][-a-z0-9.]*
grafana.GRAFANA_PV_PATH= : /[^[:space:]\"\\]+
grafana.GRAFANA_STORAGE_CLASS= : [a-z0-9][-a-z0-9.]*
grafana.GRAFANA_SIZE=1Gi : [1-9][0-9]*([KMGTP]i?)?
grafana.GRAFANA_IMAGE=docker.io/grafana/grafana:11.6.0 : [a-z0-9][-A-Za-z0-9._:/@]*
grafana.PROMETHEUS_URL= : https?://[^[:space:]\"]+
grafana.INGRESS_HOST=grafana.kubebpfbox.com : [a-z0-9]([-a-z0-9.]*[a-z0-9])?
grafana.INGRESS_CLASS= : [a-z0-9][-a-z0-9.]*
KEYS
}

# The value of section.KEY, or its default.
value() { local name="value_${1/./_}"; printf '%s' "${!name-}"; }

# Where section.KEY stands, for messages: file:line, or the file where it is not given.
where() { local name="line_${1/./_}"; printf '%s%s' "$config" "${!name:+:${!name}}"; }

# Ends with a message that starts with the place of section.KEY.
config_fail() { fail "$(where "$1"): $2" 2; }

# config_read FILE: sets the values; ends with one line at the first thing that is wrong.
config_read() {
  config=$1
  [[ -f $config && -r $config ]] || fail "$config: no such file; give another with --config" 2
  local entry key text line=0 section="" known seen=""
  while IFS= read -r entry; do
    key=${entry%%=*} text=${entry#*=}
    printf -v "value_${key/./_}" '%s' "${text%% : *}"
  done < <(config_keys)
  while IFS= read -r text || [[ -n $text ]]; do
    line=$((line + 1))
    text=$(trim "${text%$'\r'}")
    case $text in
      '' | '#'* | ';'*) continue ;;
      '['*']') section=${text#[} section=${section%]}
        known=$(config_keys | sed -n "s/^$section\\.\\([A-Z_]*\\)=.*/\\1/p" | paste -sd ' ' -)
        [[ $section =~ ^[a-z]+$ && -n $known ]] || fail "$config:$line: [$section]: no such section; there are [global], [influxdb], [grafana]" 2
        continue ;;
      *=*) key=$(trim "${text%%=*}") text=$(trim "${text#*=}") ;;
      *) fail "$config:$line: '$text': KEY=value is expected" 2 ;;
    esac
    [[ -n $section ]] || fail "$config:$line: $key: stands before any [section]" 2
    [[ " $known " == *" $key "* ]] || fail "$config:$line: $key: no such key in [$section]; there are $known" 2
    [[ $seen != *" $section.$key "* ]] || fail "$config:$line: $key: given twice in [$section]" 2
    seen+=" $section.$key "
    printf -v "line_${section}_$key" '%s' "$line"
    [[ -z $text && $section.$key != grafana.INGRESS_HOST ]] || printf -v "value_${section}_$key" '%s' "$text"
  done <"$config"
  config_check
}

# Whether each value is allowed, and what has to be there for the others.
config_check() {
  local entry key allowed part
  while IFS= read -r entry; do
    key=${entry%%=*} allowed=${entry#* : }
    [[ -z $(value "$key") || $(value "$key") =~ ^($allowed)$ ]] || config_fail "$key" "${key#*.}: '$(value "$key")' is not allowed; allowed is $(explain "$allowed")"
  done < <(config_keys)
  for part in influxdb grafana; do
    [[ $(value $part.INSTALL) != true ]] || config_check_storage $part "$(tr '[:lower:]' '[:upper:]' <<<$part)"
  done
  [[ $(value influxdb.INSTALL) == true ]] || config_check_own_influxdb
}

# config_check_storage influxdb INFLUXDB
config_check_storage() {
  [[ -z $(value "$1.$2_STORAGE_CLASS") ]] || return 0
  [[ -n $(value "$1.$2_HOST") ]] ||
    config_fail "$1.$2_HOST" "$2_HOST in [$1] has no value; name the node that holds the data (kubectl get nodes), or give $2_STORAGE_CLASS, or INSTALL=false"
  [[ -n $(value "$1.$2_PV_PATH") ]] || config_fail "$1.$2_PV_PATH" "$2_PV_PATH in [$1] has no value; name a directory of the node $(value "$1.$2_HOST")"
}

# An InfluxDB that is there already: of version 2 by a token, or of version 1 by a database. Secrets may come from the environment.
config_check_own_influxdb() {
  local key
  [[ -n $(value influxdb.INFLUX_ADDR) ]] || return 0
  [[ -z $(value influxdb.INFLUX_CA_FILE) ]] || grep -qs -e '-----BEGIN CERTIFICATE-----' "$(value influxdb.INFLUX_CA_FILE)" ||
    config_fail influxdb.INFLUX_CA_FILE "INFLUX_CA_FILE: $(value influxdb.INFLUX_CA_FILE) is no file with certificates (PEM)"
  # What kubectl apply keeps of an object may have 256 KiB.
  [[ -z $(value influxdb.INFLUX_CA_FILE) ]] || (($(wc -c <"$(value influxdb.INFLUX_CA_FILE)") <= 200000)) ||
    config_fail influxdb.INFLUX_CA_FILE "INFLUX_CA_FILE: $(value influxdb.INFLUX_CA_FILE) has more than 200000 bytes; the one authority that signed the server's is enough"
  value_influxdb_INFLUX_TOKEN=$(value influxdb.INFLUX_TOKEN)
  : "${value_influxdb_INFLUX_TOKEN:=${INFLUX_TOKEN-}}" "${value_influxdb_INFLUX_PASSWORD:=${INFLUX_PASSWORD-}}"
  if [[ -n $(value influxdb.INFLUX_DATABASE) ]]; then
    [[ -z $(value influxdb.INFLUX_USERNAME) || -n $(value influxdb.INFLUX_PASSWORD) ]] ||
      config_fail influxdb.INFLUX_PASSWORD "INFLUX_PASSWORD in [influxdb] has no value for the user '$(value influxdb.INFLUX_USERNAME)'; give it here or in the environment"
    return 0
  fi
  for key in INFLUX_ORG INFLUX_BUCKET INFLUX_TOKEN; do
    [[ -n $(value influxdb.$key) ]] ||
      config_fail influxdb.$key "$key in [influxdb] has no value; InfluxDB 2 needs INFLUX_ORG, INFLUX_BUCKET and INFLUX_TOKEN, InfluxDB 1 INFLUX_DATABASE"
  done
}

# Allowed values in words, where the expression does not say it.
explain() {
  case $1 in
    *[\\\[\(^]*) case $1 in
      /*) printf 'an absolute path without spaces' ;;
      http*) printf 'a URL as http://host:port' ;;
      *'KMGTP'*) printf 'a size as 20Gi' ;;
      *'w|d|h'*) printf 'a duration as 7d or 12h' ;;
      '[1-9]'*) printf 'a number of seconds' ;;
      *) printf 'a name of letters, digits and hyphens (an image also with / : @ and dots)' ;;
    esac ;;
    *) printf '%s' "${1//|/, }" ;;
  esac
}

trim() {
  local text=$1
  text=${text#"${text%%[![:space:]]*}"}
  printf '%s' "${text%"${text##*[![:space:]]}"}"
}
