// Links every room, whole: what is tested is that this can be linked. See CMakeLists.txt.
int main() {
  return 0;
}
