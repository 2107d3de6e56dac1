#include "log/file_name.h"

#include <gtest/gtest.h>

#include "unit/io/support.h"

namespace paystats::log {
namespace {

using namespace io;  // what its tests have

TEST(FileName, IsWhereTheFileLiesAndGoesWithIt) {
  const TempFolder folder;
  const std::string path = folder / "log";
  write_file(path, "");
  std::filesystem::create_symlink("log", folder / "link");
  const base::UniqueFd fd(::open((folder / "link").c_str(), O_RDONLY | O_CLOEXEC));
  EXPECT_EQ(name_of(fd.get()), std::filesystem::canonical(path).string());
  EXPECT_TRUE(has_name(fd.get(), path));
  EXPECT_TRUE(has_name(fd.get(), folder / "link"));

  std::filesystem::rename(path, folder / "old");
  write_file(path, "");
  EXPECT_EQ(name_of(fd.get()), std::filesystem::canonical(folder / "old").string());
  EXPECT_FALSE(has_name(fd.get(), path));

  std::filesystem::remove(folder / "old");
  EXPECT_EQ(name_of(fd.get()), std::nullopt);
}

}  // namespace
}  // namespace paystats::log
