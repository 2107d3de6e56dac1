#include "api/idempotency_key.h"

#include <fmt/format.h>

#include <optional>

#include "keys/keyed_lines.h"

namespace paystats::api {
namespace {

constexpr std::string_view kName = "Idempotency-Key";

// What stands between the quotes of RFC 9651, section 3.3.3, or nothing where that is malformed.
std::optional<std::string> unquoted(std::string_view value) {
  if (value.size() < 2 || value.back() != '"') return std::nullopt;
  value = value.substr(1, value.size() - 2);
  std::string text;
  for (size_t i = 0; i < value.size(); ++i) {
    if (value[i] == '"') return std::nullopt;
    if (value[i] == '\\') {
      ++i;
      if (i == value.size() || (value[i] != '"' && value[i] != '\\')) return std::nullopt;
    }
    text += value[i];
  }
  return text;
}

}  // namespace

base::Result<std::string> idempotency_key(const HttpRequest& request) {
  const size_t count = request.count(kName);
  if (count == 0) return std::string();
  if (count > 1) return base::fail(fmt::format("{}: given more than once", kName));
  const std::string_view value = *request.find(kName);
  const std::optional<std::string> key =
      value.starts_with('"') ? unquoted(value) : std::optional<std::string>(value);
  if (!key || !keys::is_key(*key)) {
    return base::fail(fmt::format("{}: not 1 to {} printable ASCII characters, in quotes or bare",
                                  kName, keys::kKeyBytesMax));
  }
  return *key;
}

}  // namespace paystats::api
