import { createExecutorContext } from "@stackyard/core/testing";
import { describe, expect, it } from "vitest";
import { fillDocument, openCall, rememberError } from "./call.ts";
import { hashUserData } from "./plan/user-data.ts";
import { PRESETS, ReleaseError } from "./release-state.ts";
import { aState } from "./testing/builders.ts";

describe("rememberError", () => {
  it("keeps the first error and the newest twenty later ones", () => {
    let state = rememberError(aState(), new ReleaseError("RELEASE_HALTED", "Stop."));
    for (let count = 1; count <= 25; count += 1)
      state = rememberError(state, new ReleaseError("DETACH_FAILED", `${count}`));

    expect(state.error).toEqual({ Error: "HaltError", Cause: "Stop." });
    expect(state.later_errors?.map(({ Cause }) => Cause)).toEqual(
      Array.from({ length: 20 }, (_, index) => `${index + 6}`),
    );
  });
});

describe("openCall", () => {
  it.each([
    ["eu-west-1", "aws"],
    ["cn-north-1", "aws-cn"],
    ["us-gov-west-1", "aws-us-gov"],
  ])("works in the partition of its region when the task has no target: %s in %s", (region, partition) => {
    const input = { ctx: createExecutorContext(), config: {}, random: () => 0 };

    const { deps } = openCall({ ...input, at: { account: "111122223333", region } });

    expect(deps.target).toMatchObject({ region, partition });
  });
});

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
