# kcat at every joint of the pipeline: topics hold JSON lines, and the tools read and write those.

load ../tools/helpers
load helpers

workload() { paygen --random 20000 --users 300 --amount 0.01:99.99 --seed "$1" --expect expected; }

@test "paygen | kcat -P, then kcat -C | payagg | paystats-cache: the totals that paygen expects" {
  topic "$payments" 4
  workload 1 | produce "$payments"
  [ "$(consume "$payments" | wc -l)" -eq 20000 ]
  consume "$payments" | payagg >totals
  cmp totals expected
  consume "$payments" | payagg | paystats-cache --top 10 >top
  head -n 10 expected | cmp top -
}

@test "payments that kcat keyed by user: all of a user are in one partition, and the totals are the same" {
  topic "$payments" 3
  workload 2 | keyed | produce_keyed "$payments"
  consume_all "$payments" >all
  [ "$(cut -f 3 all | sort -u | wc -l)" -eq "$(cut -f 1,3 all | sort -u | wc -l)" ]
  [ "$(cut -f 1 all | sort -u | wc -l)" -eq 3 ]
  cut -f 4 all | payagg | cmp - expected
}

@test "updates that kcat carries through a topic are absolute: the cache ends at the totals" {
  topic "$stats" 1
  workload 3 | payagg --output-mode update --max-records 1000 | tee updates | keyed | produce_keyed "$stats"
  [ "$(wc -l <updates)" -gt "$(wc -l <expected)" ]
  consume "$stats" | paystats-cache --top 1000 >top
  cmp top expected
}

@test "a topic of two runs has the sum of both" {
  topic "$payments" 2
  workload 4 | produce "$payments"
  workload 5 | produce "$payments"
  workload 4 >both
  workload 5 >>both
  payagg both >totals
  consume "$payments" | payagg | cmp - totals
}

@test "a record in the topic that is no payment is put aside, and the totals of the rest are exact" {
  topic "$payments" 1
  { workload 6; echo 'not a payment'; } | produce "$payments"
  status=0
  consume "$payments" | payagg --rejects rejects >totals || status=$?
  [ "$status" -eq 1 ]
  cmp totals expected
  [ "$(wc -l <rejects)" -eq 1 ]
  grep -qF '"line":20001' rejects
}
