# Debian's own settings of nginx, in the folder etc of a test (`load nginx`).

# nginx_here: puts them there, and sets `nginx`.
nginx_here() {
  [ -f /etc/nginx/nginx.conf ] || skip "Debian's settings of nginx are not installed (scripts/setup-deploy)"
  nginx=$("$PROJECT/scripts/nginx-path")
  # In a network of its own: ports 80 and 443 are free there, and to bind them takes no rights here. (In a chroot
  # nobody gets one by way of a user's namespace; root does without.)
  own_network='unshare --net'
  $own_network true 2>unshare.err || own_network='unshare --map-root-user --net'
  $own_network true 2>unshare.err || skip "no network of its own: $(tail -n 1 unshare.err)"
  mkdir -p etc/ssl/certs etc/ssl/private etc/nginx/modules-enabled etc/nginx/conf.d etc/nginx/sites-{available,enabled} log
  cp /etc/nginx/nginx.conf /etc/nginx/mime.types etc/nginx/
  # As Debian has it, whatever this machine has made of it.
  printf 'server {\n listen 80 default_server;\n listen [::]:80 default_server;\n server_name _;\n}\n' >etc/nginx/sites-available/default
  ln -s ../sites-available/default etc/nginx/sites-enabled/default
  sed -i "s,/etc/nginx/,$PWD/etc/nginx/,; s,/run/nginx.pid,$PWD/pid,; s,/var/log/nginx,$PWD/log,; s,^user .*,user root root;," \
    etc/nginx/nginx.conf
  for name in client_body proxy fastcgi uwsgi scgi; do echo "${name}_temp_path $PWD/$name;"; done >etc/nginx/conf.d/folders.conf
}

systemctl() { [ "$*" = 'reload nginx' ] && touch reloaded; }
nginx() {
  sed -i "s, /etc/ssl/, $PWD/etc/ssl/," etc/nginx/sites-available/paystats
  $own_network "$nginx" -e "$PWD/log/error.log" -c "$PWD/etc/nginx/nginx.conf" "$@" 2>said
}

# nginx_took_it: it was started, and said nothing else. (Debian 13's takes the older words for HTTP/2 with a warning.)
nginx_took_it() {
  [ -e reloaded ]
  grep -q 'syntax is ok' said
  grep -q 'test is successful' said
  run grep -vE 'syntax is ok|test is successful|"listen ... http2" directive is deprecated' said
  [ "$output" = '' ]
}
