# The site of deploy/nginx among Debian's own settings of nginx, by the commands of its README, and which path of
# the server it passes on. What else the site does is asked by tests/web/site.test.mjs.

load ../tools/helpers
load nginx
load units

setup() {
  paystats_setup
  nginx_here
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=your.name \
    -keyout etc/ssl/private/your.name.key -out etc/ssl/certs/your.name.pem 2>openssl.err
}

# Its commands, on the folder etc of this test. Names of files in the site are those of this folder too.
commands() { sed -n 's/^    //p' "$PROJECT/deploy/nginx/README.md" | sed "s,/etc/,$PWD/etc/,g"; }

@test "the commands of its README make it a site of Debian's nginx" {
  cp "$PROJECT/deploy/nginx/paystats.conf" .
  commands >steps
  source ./steps || { cat said >&2; return 1; }
  nginx_took_it
  run grep -c 'pay.example.org' etc/nginx/sites-available/paystats
  [ "$output" = 0 ]
}

@test "beside Debian's own default server it is refused, so that goes" {
  cp "$PROJECT/deploy/nginx/paystats.conf" .
  commands | grep -v '^rm ' >steps
  run ! bash -c "$(declare -f systemctl nginx); set -e; nginx=$nginx own_network='$own_network'; source ./steps"
  grep -q 'duplicate default server' said
}

# site_runs: the site in front of a server and its totals, all of them on Unix sockets of this folder.
site_runs() {
  mkdir run state
  start_unit paystats-totals
  start_unit paystats-serve PAYSTATS_LISTEN="unix:$PWD/serve.sock" 'PAYSTATS_SERVE_OPTIONS=--public-url https://your.name/paystats/'
  cp "$PROJECT/deploy/nginx/paystats.conf" .
  commands >steps
  source ./steps || { cat said >&2; return 1; }
  sed -i -E "/listen \[::\]/d; s,listen (80|443),listen unix:$PWD/\1.sock,; s,server 127\.0\.0\.1:8080;,server unix:$PWD/serve.sock;," \
    etc/nginx/sites-available/paystats
  in_background "$nginx" -e "$PWD/log/error.log" -c "$PWD/etc/nginx/nginx.conf" -g 'daemon off;'
  wait_for '[ "$(asked readyz)" = 200 ]' || { tail -n +1 curl.err background.err log/error.log >&2; return 1; }
}
# asked PATH [OPTION...]: the status, for a path below /paystats/; answer has the body.
asked() {
  curl -sS --max-time 10 --path-as-is --cacert etc/ssl/certs/your.name.pem --unix-socket 443.sock -o answer \
    -w '%{http_code}' "${@:2}" "https://your.name/paystats/$1" 2>curl.err
}

@test "a slash in a name or a key arrives as it was written" {
  site_runs
  [ "$(asked api/payments -H 'Idempotency-Key: "key/of/it"' --json '{"user":"a/b","paymentAmt":2.50,"volume":2}')" = 200 ]
  [ "$(asked api/payments --json '{"user":"100%25","paymentAmt":1}')" = 200 ]
  wait_for '[ "$(asked api/stats/a%2Fb)" = 200 ]'
  grep -q '"user":"a/b","sum":"5.00"' answer
  wait_for '[ "$(asked api/stats/100%2525)" = 200 ]'
  grep -q '"user":"100%25","sum":"1.00"' answer
  [ "$(asked api/payments/key%2Fof%2Fit)" = 200 ]
  grep -q '"accepted":2' answer
  # Its stream is in a location of its own.
  wait_for '{ asked "api/stream?q=a%2Fb" --max-time 2 || true; } >status && grep -q "\"user\":\"a/b\"" answer'
  [ "$(cat status)" = 200 ]
}

@test "no way of writing it leads to the metrics, or out of the path" {
  site_runs
  for path in metrics %6Detrics /metrics ./metrics x/../metrics ..%2Fpaystats/metrics paystats/metrics 'metrics?x' metrics/ \
    ../metrics ../paystats/metrics %2Fmetrics; do
    [ "$(asked "$path")" = 404 ] || { echo "$path: $(asked "$path")" >&2; return 1; }
  done
  [ "$(asked healthz)" = 200 ]
}

@test "a body that is too large is refused in the words of the API, whoever refuses it" {
  site_runs
  for size in 1500000 3000000; do
    head -c "$size" /dev/zero | tr '\0' ' ' >body
    [ "$(asked api/payments -H 'Content-Type: application/json' --data-binary @body -D head)" = 413 ]
    grep -qi '^content-type: application/problem+json' head
    grep -qi '^strict-transport-security: ' head
    # All but the detail, which says who has refused it.
    jq 'del(.detail)' answer >"refused_$size"
    [ -n "$(jq -r .detail answer)" ]
  done
  diff refused_1500000 refused_3000000
  grep -q 'urn:paystats:problem:too-large' refused_3000000
  # It was nginx.
  grep -q 'client intended to send too large body' log/error.log
  [ "$(asked api/payments --json '{"user":"a","paymentAmt":1}')" = 200 ]
}
