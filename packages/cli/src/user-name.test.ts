import { describe, expect, it } from "vitest";
import { findUserName } from "./user-name.ts";

/** What Node throws for a user id without an entry in /etc/passwd. */
const withoutEntry = () => {
  throw Object.assign(new Error("A system error occurred: uv_os_get_passwd returned ENOENT"), {
    code: "ERR_SYSTEM_ERROR",
  });
};

describe("findUserName", () => {
  it("returns the name of the system", () => {
    expect(findUserName({ USER: "other" }, () => ({ username: "ada" }))).toBe("ada");
  });

  it.each([
    [{ USER: "ci", LOGNAME: "other" }, "ci"],
    [{ USER: "", LOGNAME: "runner" }, "runner"],
    [{}, String(process.getuid?.())],
  ])("returns a name for a user without an entry, %j", (env, name) => {
    expect(findUserName(env, withoutEntry)).toBe(name);
  });
});
