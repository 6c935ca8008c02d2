// The state file on a real disk: whole or not at all, and never lost silently.
//
// SPDX-License-Identifier: Apache-2.0
#include "lb/backend/state_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "tests/backend/state_sample.h"

namespace sstplb::backend {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr char kAside[] = "state.bad-20261122T050454Z";

class StateFile : public testing::Test {
 protected:
  StateFile() {
    std::string name = (fs::temp_directory_path() / "sstplb-state-XXXXXX").string();
    folder_ = ::mkdtemp(name.data());
  }
  ~StateFile() override { fs::remove_all(folder_); }

  std::string Path() const { return (folder_ / "state").string(); }
  std::vector<std::string> Names() const {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(folder_)) {
      names.push_back(entry.path().filename().string());
    }
    std::sort(names.begin(), names.end());
    return names;
  }
  std::string Read(const std::string& name) const {
    std::ifstream in(folder_ / name, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  void Write(const std::string& name, const std::string& text) const {
    std::ofstream(folder_ / name, std::ios::binary) << text;
  }

  fs::path folder_;
};

TEST_F(StateFile, NoFileIsNoDecisions) {
  const auto state = LoadStateFile(Path(), SampleTime());
  ASSERT_TRUE(state.ok());
  EXPECT_EQ(*state, State{});
  EXPECT_THAT(Names(), IsEmpty());
}

TEST_F(StateFile, WhatWasSavedIsLoaded) {
  ASSERT_TRUE(SaveStateFile(Path(), State{}, SampleTime()).ok());
  ASSERT_TRUE(SaveStateFile(Path(), SampleState(), SampleTime()).ok());
  const auto state = LoadStateFile(Path(), SampleTime());
  ASSERT_TRUE(state.ok()) << state.error().message;
  EXPECT_EQ(*state, SampleState());
  EXPECT_THAT(Names(), ElementsAre("state"));
}

TEST_F(StateFile, OnlyItsOwnerMayReadIt) {
  const mode_t before = ::umask(0);
  const auto saved = SaveStateFile(Path(), SampleState(), SampleTime());
  ::umask(before);
  ASSERT_TRUE(saved.ok());
  struct stat info {};
  ASSERT_EQ(::stat(Path().c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0600u);
}

TEST_F(StateFile, CutShortAnywhereItIsAnErrorAndIsKeptAside) {
  ASSERT_TRUE(SaveStateFile(Path(), SampleState(), SampleTime()).ok());
  const std::string whole = Read("state");
  for (std::size_t size = 0; size < whole.size(); ++size) {
    Write("state", whole.substr(0, size));
    const auto state = LoadStateFile(Path(), SampleTime());
    ASSERT_FALSE(state.ok()) << "first " << size << " bytes";
    ASSERT_THAT(state.error().message, HasSubstr("it is kept as " + Path() + ".bad-"));
    ASSERT_THAT(Names(), ElementsAre(kAside)) << "first " << size << " bytes";
    ASSERT_EQ(Read(kAside), whole.substr(0, size));
    fs::remove(folder_ / kAside);
  }
}

TEST_F(StateFile, AForeignFileIsKeptAsideAndNotOverwritten) {
  Write("state", "[global]\nworkers = 2\n");
  const auto state = LoadStateFile(Path(), SampleTime());
  ASSERT_FALSE(state.ok());
  EXPECT_THAT(state.error().message, HasSubstr("state file " + Path() + " cannot be used"));
  EXPECT_THAT(state.error().message, HasSubstr("no JSON"));
  ASSERT_TRUE(SaveStateFile(Path(), SampleState(), SampleTime()).ok());
  EXPECT_EQ(Read(kAside), "[global]\nworkers = 2\n");
  EXPECT_TRUE(LoadStateFile(Path(), SampleTime()).ok());
}

TEST_F(StateFile, AFileOfANewerVersionIsKeptAside) {
  Write("state", "{\"sstplb_state\": 9}\n");
  const auto state = LoadStateFile(Path(), SampleTime());
  ASSERT_FALSE(state.ok());
  EXPECT_THAT(state.error().message, HasSubstr("a newer sstplb wrote it"));
  EXPECT_THAT(Names(), ElementsAre(kAside));
}

TEST_F(StateFile, TwoBadFilesOfOneSecondAreBothKept) {
  Write("state", "first");
  EXPECT_FALSE(LoadStateFile(Path(), SampleTime()).ok());
  Write("state", "second");
  EXPECT_FALSE(LoadStateFile(Path(), SampleTime()).ok());
  EXPECT_EQ(Read(kAside), "first");
  EXPECT_EQ(Read(std::string(kAside) + "-2"), "second");
}

TEST_F(StateFile, AFileThatIsTooLargeIsKeptAside) {
  Write("state", "");
  fs::resize_file(folder_ / "state", 32 * 1024 * 1024 + 1);
  const auto state = LoadStateFile(Path(), SampleTime());
  ASSERT_FALSE(state.ok());
  EXPECT_THAT(state.error().message, HasSubstr("larger than 32 MiB"));
  EXPECT_THAT(Names(), ElementsAre(kAside));
}

TEST_F(StateFile, WhatCouldNotBeReadAgainIsNotWritten) {
  ASSERT_TRUE(SaveStateFile(Path(), SampleState(), SampleTime()).ok());
  const auto saved = SaveStateText(Path(), std::string(32 * 1024 * 1024 + 1, ' '));
  ASSERT_FALSE(saved.ok());
  EXPECT_THAT(saved.error().message, HasSubstr("larger than 32 MiB"));
  EXPECT_TRUE(LoadStateFile(Path(), SampleTime()).ok());
}

TEST_F(StateFile, WhatIsInTheWayOfANewFileIsKept) {
  EXPECT_FALSE(IsThere(Path()));
  EXPECT_FALSE(IsThere(""));
  EXPECT_EQ(*KeepAside(Path(), SampleTime()), "");
  Write("state", "somebody's");
  EXPECT_TRUE(IsThere(Path()));
  EXPECT_EQ(*KeepAside(Path(), SampleTime()), Path() + ".before-20261122T050454Z");
  EXPECT_EQ(Read("state.before-20261122T050454Z"), "somebody's");
  EXPECT_FALSE(IsThere(Path()));
}

TEST_F(StateFile, AFolderThatIsMissingCannotBeSavedTo) {
  EXPECT_TRUE(MayBeSaved(Path()).ok());
  EXPECT_TRUE(MayBeSaved("").ok());
  const auto missing = MayBeSaved(Path() + ".d/state");
  ASSERT_FALSE(missing.ok());
  EXPECT_THAT(missing.error().message, HasSubstr("No such file"));
}

TEST_F(StateFile, WhatIsNoRegularFileIsLeftWhereItIs) {
  fs::create_directory(folder_ / "state");
  EXPECT_THAT(LoadStateFile(Path(), SampleTime()).error().message, HasSubstr("no regular file"));
  EXPECT_FALSE(SaveStateFile(Path(), SampleState(), SampleTime()).ok());
  EXPECT_THAT(Names(), ElementsAre("state"));
  fs::remove(folder_ / "state");
  ASSERT_EQ(::mkfifo(Path().c_str(), 0600), 0);  // must not block either
  EXPECT_THAT(LoadStateFile(Path(), SampleTime()).error().message, HasSubstr("no regular file"));
  EXPECT_THAT(Names(), ElementsAre("state"));
}

TEST_F(StateFile, AFolderThatCannotBeWrittenIsNamedAndTheOldFileStays) {
  // A folder that is missing fails for root too, whom no mode keeps out.
  const std::string missing = (folder_ / "missing" / "state").string();
  const auto saved = SaveStateFile(missing, SampleState(), SampleTime());
  ASSERT_FALSE(saved.ok());
  EXPECT_EQ(saved.error().message,
            "state file " + missing + " is not saved: cannot create " + missing +
                ".new: No such file or directory; the folder has to be writable by the user that "
                "sstplb runs as, and not full");
  EXPECT_TRUE(LoadStateFile(missing, SampleTime()).ok());

  ASSERT_TRUE(SaveStateFile(Path(), SampleState(), SampleTime()).ok());
  fs::create_directories(folder_ / "state.new" / "in the way");
  EXPECT_FALSE(SaveStateFile(Path(), State{}, SampleTime()).ok());
  EXPECT_EQ(*LoadStateFile(Path(), SampleTime()), SampleState());
}

TEST_F(StateFile, AReadOnlyFolderIsNamed) {
  fs::permissions(folder_, fs::perms(0555));
  constexpr uid_t kNobody = 65534;  // root may write everywhere
  const bool root = ::geteuid() == 0;
  ASSERT_TRUE(!root || ::seteuid(kNobody) == 0);
  const auto saved = SaveStateFile(Path(), SampleState(), SampleTime());
  ASSERT_TRUE(!root || ::seteuid(0) == 0);
  fs::permissions(folder_, fs::perms(0755));
  ASSERT_FALSE(saved.ok());
  EXPECT_THAT(saved.error().message, HasSubstr("cannot create " + Path() + ".new: Permission"));
}

TEST_F(StateFile, WhatACrashLeftBehindIsNotInTheWay) {
  const std::string victim = (folder_ / "victim").string();
  Write("victim", "untouched");
  fs::create_symlink(victim, folder_ / "state.new");
  ASSERT_TRUE(SaveStateFile(Path(), SampleState(), SampleTime()).ok());
  EXPECT_EQ(Read("victim"), "untouched");
  EXPECT_THAT(Names(), ElementsAre("state", "victim"));
}

}  // namespace
}  // namespace sstplb::backend
