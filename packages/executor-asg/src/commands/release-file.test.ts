import { describe, expect, it } from "vitest";
import { PRESETS } from "../presets.ts";
import { aReleaseFile } from "../testing/command-world.ts";
import { type PrepareInput, prepareRelease } from "./release-file.ts";

function prepare(over: Partial<PrepareInput>) {
  return prepareRelease({
    text: JSON.stringify(aReleaseFile()),
    userData: "#!/bin/sh\n",
    userDataFile: "shop.json.userdata",
    constants: PRESETS.odin,
    now: Date.UTC(2026, 0, 1),
    letters: "abcdefg",
    ...over,
  });
}

describe("prepareRelease", () => {
  it("sends the user data with the document", () => {
    expect(prepare({})).toMatchObject({
      kind: "prepared",
      userData: "#!/bin/sh\n",
      document: { release_id: "release-2026-01-01T00-00-00Z-abcdefg", created_at: "2026-01-01T00:00:00.000Z" },
    });
  });

  it("sends the user data of a seed document inside it, and nothing else", () => {
    const text = JSON.stringify(aReleaseFile({ user_data: "{{USER_DATA_FILE}}" }));

    const prepared = prepare({ text, constants: PRESETS["step-asg-deployer"] });

    expect(prepared).toMatchObject({ kind: "prepared", document: { user_data: "#!/bin/sh\n" } });
    expect(prepared).not.toHaveProperty("userData");
  });

  it("names the file that is missing", () => {
    expect(prepare({ userData: undefined })).toEqual({
      kind: "refused",
      problems: [
        {
          class: "BadReleaseError",
          code: "release-user-data-file",
          pointer: "/user_data_sha256",
          message: 'The user data is missing. Write it to "shop.json.userdata".',
        },
      ],
    });
  });
});
