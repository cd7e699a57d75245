import { describe, expect, it } from "vitest";
import { fillDocument } from "./begin-release.ts";
import { hashUserData } from "./plan/user-data.ts";
import { PRESETS } from "./presets.ts";

const now = Date.UTC(2026, 0, 1);
const target = { account: "111122223333", region: "eu-west-1" };
const given = { constants: PRESETS.odin, target, now, letters: "abcdefg" };

describe("fillDocument", () => {
  it("gives what a machine's document lacks", () => {
    const config = {
      release: { project_name: "web", release_id: null },
      userData: "#!/bin/sh",
      memory: { bucket: "ours" },
    };

    expect(fillDocument({ ...given, config })).toEqual({
      release_id: "release-2026-01-01T00-00-00Z-abcdefg",
      created_at: "2026-01-01T00:00:00Z",
      project_name: "web",
      aws_account_id: "111122223333",
      aws_region: "eu-west-1",
      bucket: "ours",
      user_data_sha256: hashUserData("#!/bin/sh"),
    });
  });

  it("leaves what a client has written", () => {
    const release = {
      release_id: "r",
      created_at: "2020-01-01T00:00:00Z",
      aws_account_id: "1",
      aws_region: "r",
      bucket: "b",
      user_data_sha256: "0",
    };

    expect(fillDocument({ ...given, config: { release, memory: { bucket: "ours" } } })).toEqual(release);
  });

  it("knows no hash in the first generation, and no place without a target", () => {
    const constants = PRESETS["step-asg-deployer"];

    expect(fillDocument({ ...given, constants, target: undefined, config: {} })).toEqual({
      release_id: "release-2026-01-01T00-00-00Z-abcdefg",
      created_at: "2026-01-01T00:00:00Z",
    });
  });
});
