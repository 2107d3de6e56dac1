#include "record/flaw.h"

#include <string_view>

namespace paystats::record {
namespace {

struct Words {
  enum class About { kRecord, kUser, kAmount, kVolume, kOther };

  About about = About::kRecord;
  std::string_view text;
};

Words words_for_record(Flaw flaw) {
  switch (flaw) {
    case Flaw::kNotJson:
      return {Words::About::kRecord, "not valid JSON"};
    case Flaw::kNotAnObject:
      return {Words::About::kRecord, "not a JSON object"};
    case Flaw::kByteOrderMark:
      return {Words::About::kRecord, "begins with a byte order mark"};
    case Flaw::kNulByte:
      return {Words::About::kRecord, "holds a NUL byte"};
    case Flaw::kInvalidUtf8:
      return {Words::About::kRecord, "not valid UTF-8"};
    case Flaw::kLoneSurrogate:
      return {Words::About::kRecord, "a \\u escape is half of a surrogate pair"};
    case Flaw::kTooDeep:
      return {Words::About::kRecord, "nested deeper than 64"};
    case Flaw::kLineTooLong:
      return {Words::About::kRecord, "longer than 1 MiB"};
    case Flaw::kNullRecord:
      return {Words::About::kRecord, "a message without a value"};
    default:
      return {Words::About::kRecord, ""};
  }
}

Words words_for_foreign(Flaw flaw) {
  switch (flaw) {
    case Flaw::kUtf16:
      return {Words::About::kRecord, "is UTF-16: convert it to UTF-8 (iconv -f UTF-16 -t UTF-8)"};
    case Flaw::kUtf32:
      return {Words::About::kRecord, "is UTF-32: convert it to UTF-8 (iconv -f UTF-32 -t UTF-8)"};
    case Flaw::kGzip:
      return {Words::About::kRecord, "is compressed by gzip: decompress it (zcat)"};
    case Flaw::kZstd:
      return {Words::About::kRecord, "is compressed by zstd: decompress it (zstdcat)"};
    case Flaw::kXz:
      return {Words::About::kRecord, "is compressed by xz: decompress it (xzcat)"};
    case Flaw::kBzip2:
      return {Words::About::kRecord, "is compressed by bzip2: decompress it (bzcat)"};
    case Flaw::kJsonSequence:
      return {Words::About::kRecord,
              "is a JSON text sequence (RFC 7464): remove its separators (tr -d '\\036')"};
    case Flaw::kSchemaFrame:
      return {Words::About::kRecord,
              "begins with the 5 bytes that a schema registry's serializer puts in front of JSON "
              "(of a topic payagg and paygen skip them with --schema-registry-framing)"};
    case Flaw::kSeveralLines:
      return {Words::About::kRecord,
              "part of JSON over several lines: one object a line is wanted "
              "(jq -c ., or jq -c '.[]' for an array; "
              "jq before 1.7 rounds numbers of more than 15 digits)"};
    case Flaw::kUnfinished:
      return {Words::About::kRecord,
              "does not end on its line: it was cut short, or is JSON over several lines (jq -c .; "
              "jq before 1.7 rounds numbers of more than 15 digits)"};
    case Flaw::kGroup:
      return {Words::About::kRecord,
              "a group of payments: one object a line is wanted "
              "(jq -c '.payments[]', or jq -c '.[]' for an array; "
              "jq before 1.7 rounds numbers of more than 15 digits)"};
    case Flaw::kSeveralObjects:
      return {Words::About::kRecord,
              "more than one object on a line: each wants a line of its own"};
    case Flaw::kTrailingBytes:
      return {Words::About::kRecord, "trailing bytes behind the JSON text"};
    case Flaw::kCsv:
      return {Words::About::kRecord, "looks like CSV: one JSON object a line is wanted"};
    default:
      return {Words::About::kRecord, ""};
  }
}

Words words_for_user_or_amount(Flaw flaw) {
  switch (flaw) {
    case Flaw::kUserMissing:
      return {Words::About::kUser, "missing"};
    case Flaw::kUserDuplicate:
      return {Words::About::kUser, "given twice"};
    case Flaw::kUserNotAString:
      return {Words::About::kUser, "not a string or an integer"};
    case Flaw::kUserEmpty:
      return {Words::About::kUser, "empty"};
    case Flaw::kUserTooLong:
      return {Words::About::kUser, "longer than 1024 bytes"};
    case Flaw::kAmountMissing:
      return {Words::About::kAmount, "missing"};
    case Flaw::kAmountDuplicate:
      return {Words::About::kAmount, "given twice"};
    case Flaw::kAmountNotANumber:
      return {Words::About::kAmount, "not a decimal number"};
    case Flaw::kAmountTooLarge:
      return {Words::About::kAmount, "more than 15 digits before the point"};
    case Flaw::kAmountTooFine:
      return {Words::About::kAmount, "more than 9 digits after the point"};
    case Flaw::kAmountNotPositive:
      return {Words::About::kAmount, "not positive"};
    default:
      return {Words::About::kRecord, ""};
  }
}

Words words_for_other_field(Flaw flaw) {
  switch (flaw) {
    case Flaw::kVolumeDuplicate:
      return {Words::About::kVolume, "given twice"};
    case Flaw::kVolumeNotAPositiveInteger:
      return {Words::About::kVolume, "not a positive integer"};
    case Flaw::kBatchOverflow:
      return {Words::About::kOther, "the sum of all payments of this batch would overflow"};
    case Flaw::kGroupEmpty:
      return {Words::About::kOther, "a group without payments"};
    case Flaw::kGroupDuplicate:
      return {Words::About::kOther, "payments: given twice"};
    case Flaw::kSumMissing:
      return {Words::About::kOther, "sum: missing"};
    case Flaw::kSumDuplicate:
      return {Words::About::kOther, "sum: given twice"};
    case Flaw::kSumNotANumber:
      return {Words::About::kOther, "sum: not a decimal number"};
    case Flaw::kSumTooLarge:
      return {Words::About::kOther, "sum: too large"};
    case Flaw::kSumTooFine:
      return {Words::About::kOther, "sum: more than 9 digits after the point"};
    case Flaw::kCountMissing:
      return {Words::About::kOther, "count: missing"};
    case Flaw::kCountDuplicate:
      return {Words::About::kOther, "count: given twice"};
    case Flaw::kCountNotAnInteger:
      return {Words::About::kOther, "count: not an integer"};
    case Flaw::kPartitionDuplicate:
      return {Words::About::kOther, "partition: given twice"};
    case Flaw::kPartitionNotAnInteger:
      return {Words::About::kOther, "partition: not an integer"};
    case Flaw::kOffsetDuplicate:
      return {Words::About::kOther, "offset: given twice"};
    case Flaw::kOffsetNotAnInteger:
      return {Words::About::kOther, "offset: not an integer"};
    case Flaw::kPartitionWithoutOffset:
      return {Words::About::kOther, "partition and offset: one without the other"};
    case Flaw::kSumOverflow:
      return {Words::About::kOther, "the user's sum would overflow"};
    case Flaw::kCountOverflow:
      return {Words::About::kOther, "the user's count would overflow"};
    default:
      return {Words::About::kRecord, ""};
  }
}

}  // namespace

std::string describe(Flaw flaw, const FieldNames& fields,
                     const std::optional<GroupElement>& element) {
  if (element) {
    return (element->in_array ? "[" : std::string(kGroupField) + "[") +
           std::to_string(element->index) + "]: " + describe(flaw, fields);
  }
  if (flaw == Flaw::kNone) return "no flaw";
  Words words = words_for_record(flaw);
  if (words.text.empty()) words = words_for_foreign(flaw);
  if (words.text.empty()) words = words_for_user_or_amount(flaw);
  if (words.text.empty()) words = words_for_other_field(flaw);
  std::string text(words.text);
  if (words.about == Words::About::kUser) return fields.user + ": " + text;
  if (words.about == Words::About::kAmount) return fields.amount + ": " + text;
  if (words.about == Words::About::kVolume) return fields.volume + ": " + text;
  return text;
}

}  // namespace paystats::record
