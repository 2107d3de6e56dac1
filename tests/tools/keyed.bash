# Clients of servers, by their names in server.bash (`load keyed`, after it).

J='Content-Type: application/json'

# post NAME KEY JSON [WORDS...]: prints the status; the body is in post.out. NAME is a server.
post() {
  local name=$1 key=$2 json=$3
  shift 3
  local address=${name}_url
  curl -sS --max-time 120 -o post.out -w '%{http_code}' -H "$J" -H "Idempotency-Key: \"$key\"" \
    --data-binary "$json" "$@" "${!address}/api/payments"
}

# asked NAME KEY: what became of it; the same, with the body in asked.out.
asked() {
  local address=${1}_url
  curl -sS --max-time 120 -o asked.out -w '%{http_code}' "${!address}/api/payments/$2"
}

# post_at_once COUNT KEY JSON NAME...: so many at each of these servers; their statuses are in status.*.
post_at_once() {
  local count=$1 key=$2 json=$3 i name address pids=()
  shift 3
  for i in $(seq "$count"); do
    for name in "$@"; do
      address=${name}_url
      curl -sS --max-time 120 -o /dev/null -w '%{http_code}\n' -H "$J" -H "Idempotency-Key: $key" \
        --data-binary "$json" "${!address}/api/payments" >"status.$i.$name" 3>&- &
      pids+=("$!")
    done
  done
  wait "${pids[@]}"
}
