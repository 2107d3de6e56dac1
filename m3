# HELP payagg_records_read_total Records read.
# TYPE payagg_records_read_total counter
payagg_records_read_total 5000000
# HELP payagg_records_accepted_total Records that count in the totals.
# TYPE payagg_records_accepted_total counter
payagg_records_accepted_total 5000000
# HELP payagg_records_rejected_total Bad records, put aside.
# TYPE payagg_records_rejected_total counter
payagg_records_rejected_total 0
# HELP payagg_bytes_read_total Bytes of input read.
# TYPE payagg_bytes_read_total counter
payagg_bytes_read_total 184045525
# HELP payagg_users Users in the table of totals.
# TYPE payagg_users gauge
payagg_users 99691
# HELP payagg_triggers_total Times that totals were published.
# TYPE payagg_triggers_total counter
payagg_triggers_total 3
# HELP payagg_caught_up 1 when all that was there at the start has been read.
# TYPE payagg_caught_up gauge
payagg_caught_up 1
# HELP payagg_records_skipped_total Payments read again that a total included already.
# TYPE payagg_records_skipped_total counter
payagg_records_skipped_total 0
# HELP payagg_commits_failed_total Commits that did not come about, or whose outcome is unknown; each was made again.
# TYPE payagg_commits_failed_total counter
payagg_commits_failed_total 0
# HELP payagg_partitions Partitions assigned.
# TYPE payagg_partitions gauge
payagg_partitions 4
# HELP payagg_lag_records Payments in those partitions that are not yet read.
# TYPE payagg_lag_records gauge
payagg_lag_records 0
# HELP payagg_restored_records Totals read back so far.
# TYPE payagg_restored_records gauge
payagg_restored_records 0
# HELP payagg_restorable_records Totals to read back.
# TYPE payagg_restorable_records gauge
payagg_restorable_records 0
