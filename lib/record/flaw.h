// What can be wrong with a record, and how that is said. A bad record is no failure of the program:
// it is counted, told with its place, and put aside.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace paystats::record {

// Why a record is rejected. describe() has the words.
enum class Flaw : uint8_t {
  kNone,
  kNotJson,  // syntax, NaN, trailing garbage, a raw control character in a string
  kNotAnObject,
  kByteOrderMark,
  kNulByte,
  kInvalidUtf8,
  kLoneSurrogate,
  kTooDeep,      // nesting deeper than kNestingMax
  kLineTooLong,  // over kLineBytesMax
  kNullRecord,   // a Kafka message without a value
  // What the bytes are instead, where that is plain: see foreign.h.
  kUtf16,
  kUtf32,
  kGzip,
  kZstd,
  kXz,
  kBzip2,
  kJsonSequence,    // RFC 7464: a record separator in front
  kSchemaFrame,     // of a schema registry's serializer, in a Kafka value
  kSeveralLines,    // part of one JSON text over several lines
  kUnfinished,      // an object or an array that the line does not end
  kSeveralObjects,  // on one line
  kGroup,           // of payments, where one object is wanted
  kTrailingBytes,   // behind an object or an array
  kCsv,
  kUserMissing,
  kUserDuplicate,
  kUserNotAString,  // nor an integer, where that is a user
  kUserEmpty,
  kUserTooLong,
  kAmountMissing,
  kAmountDuplicate,
  kAmountNotANumber,
  kAmountTooLarge,
  kAmountTooFine,
  kAmountNotPositive,  // by tools that refuse it, not by the decoder
  kVolumeDuplicate,
  kVolumeNotAPositiveInteger,
  kBatchOverflow,  // the sum of all the payments of a batch does not fit
  kGroupEmpty,
  kGroupDuplicate,
  kSumMissing,
  kSumDuplicate,
  kSumNotANumber,
  kSumTooLarge,
  kSumTooFine,
  kCountMissing,
  kCountDuplicate,
  kCountNotAnInteger,  // digits only, fits 64 bits
  kPartitionDuplicate,
  kPartitionNotAnInteger,
  kOffsetDuplicate,
  kOffsetNotAnInteger,
  kPartitionWithoutOffset,  // one of the two without the other
  kSumOverflow,             // found by the table of totals: the user's sum would overflow
  kCountOverflow,
};

// The field of a group that holds its batches.
inline constexpr const char* kGroupField = "payments";

// The fields that hold user, amount and volume of payments and batches.
struct FieldNames {
  std::string user = "user";
  std::string amount = "paymentAmt";
  std::string volume = "volume";  // empty: there are no volumes
  // Where it is not empty: a field that would be a volume if it were not ignored, which is told.
  std::string foreign_volume = {};
};

// The element of a group that a flaw is about.
struct GroupElement {
  uint32_t index = 0;    // from 0
  bool in_array = true;  // of a bare array, not of a field

  friend bool operator==(const GroupElement&, const GroupElement&) = default;
};

// "paymentAmt: not a decimal number": the field as it is called here, then what is wrong. In a
// group the element comes first: "payments[3]: paymentAmt: ...", of a bare array "[3]: ...".
std::string describe(Flaw flaw, const FieldNames& fields,
                     const std::optional<GroupElement>& element = {});

}  // namespace paystats::record
