# The site of deploy/nginx among Debian's own settings of nginx, by the commands of its README. What the site
# then does is asked by tests/web/site.test.mjs.

load ../tools/helpers
load nginx

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
