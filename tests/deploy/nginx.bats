# The site of deploy/nginx among Debian's own settings of nginx, by the commands of its README. What the site
# then does is asked by tests/web/site.test.mjs.

load ../tools/helpers

setup() {
  paystats_setup
  [ -f /etc/nginx/nginx.conf ] || skip "Debian's settings of nginx are not installed (apt-get install nginx-light)"
  nginx=$("$PROJECT/scripts/nginx-path")
  mkdir -p etc/ssl/certs etc/ssl/private etc/nginx/modules-enabled etc/nginx/conf.d etc/nginx/sites-{available,enabled} log
  cp /etc/nginx/nginx.conf /etc/nginx/mime.types etc/nginx/
  # As Debian has it, whatever this machine has made of it.
  printf 'server {\n listen 80 default_server;\n listen [::]:80 default_server;\n server_name _;\n}\n' >etc/nginx/sites-available/default
  ln -s ../sites-available/default etc/nginx/sites-enabled/default
  sed -i "s,/etc/nginx/,$PWD/etc/nginx/,; s,/run/nginx.pid,$PWD/pid,; s,/var/log/nginx,$PWD/log,; s,^user .*,user root root;," \
    etc/nginx/nginx.conf
  for name in client_body proxy fastcgi uwsgi scgi; do echo "${name}_temp_path $PWD/$name;"; done >etc/nginx/conf.d/folders.conf
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=your.name \
    -keyout etc/ssl/private/your.name.key -out etc/ssl/certs/your.name.pem 2>openssl.err
}

# Its commands, on the folder etc of this test. Names of files in the site are those of this folder too.
commands() { sed -n 's/^    //p' "$PROJECT/deploy/nginx/README.md" | sed "s,/etc/,$PWD/etc/,g"; }
systemctl() { [ "$*" = 'reload nginx' ] && touch reloaded; }
# In a network of its own: ports 80 and 443 are free there, and to bind them takes no rights here.
nginx() {
  sed -i "s, /etc/ssl/, $PWD/etc/ssl/," etc/nginx/sites-available/paystats
  unshare --map-root-user --net "$nginx" -e "$PWD/log/error.log" -c "$PWD/etc/nginx/nginx.conf" "$@" 2>said
}

@test "the commands of its README make it a site of Debian's nginx" {
  cp "$PROJECT/deploy/nginx/paystats.conf" .
  commands >steps
  source ./steps || { cat said >&2; return 1; }
  [ -e reloaded ]
  grep -q 'syntax is ok' said
  grep -q 'test is successful' said
  # Nothing else is said but of Debian 13's nginx, which takes the older words for HTTP/2 with a warning.
  run grep -vE 'syntax is ok|test is successful|"listen ... http2" directive is deprecated' said
  [ "$output" = '' ]
  run grep -c 'pay.example.org' etc/nginx/sites-available/paystats
  [ "$output" = 0 ]
}

@test "beside Debian's own default server it is refused, so that goes" {
  cp "$PROJECT/deploy/nginx/paystats.conf" .
  commands | grep -v '^rm ' >steps
  run ! bash -c "$(declare -f systemctl nginx); set -e; nginx=$nginx; source ./steps"
  grep -q 'duplicate default server' said
}
