import { describe, expect, it } from "vitest";
import { PRESETS } from "../release-constants.ts";
import { ReleaseError } from "../release-error.ts";
import { aDocument, aSeedDocument, type Changes } from "../testing/a-document.ts";
import { createReleaseWorld } from "../testing/a-release-world.ts";
import { hashUserData } from "../user-data/hash-user-data.ts";
import { type ValidateInput, validateRelease } from "./validate.ts";

const USER_DATA = "#!/bin/sh\necho {{RELEASE_ID}}\n";

function setUp({ userData = USER_DATA, changes = {} }: { userData?: string | undefined; changes?: Changes } = {}) {
  const world = createReleaseWorld();
  const id = "release-9";
  const document = aDocument({
    "/release_id": id,
    "/created_at": new Date(world.clock.now()).toISOString(),
    "/user_data_sha256": hashUserData(userData),
    ...changes,
  });
  world.memory.documents.set(id, structuredClone(document));
  world.memory.userData.set(id, userData);
  return {
    world,
    id,
    document,
    validate: (input: Partial<ValidateInput> = {}) => validate(world.deps, { document, ...input }),
  };
}

type World = ReturnType<typeof createReleaseWorld>;

async function validate(deps: World["deps"], input: ValidateInput) {
  try {
    return await validateRelease(deps, input);
  } catch (error) {
    if (error instanceof ReleaseError) return `${error.errorClass}: ${error.message}`;
    throw error;
  }
}

describe("validateRelease", () => {
  it("begins an execution of its own, whatever the document says of one", async () => {
    const { validate, world } = setUp({ changes: { "/uuid": "mine", "/started_at": "2020-01-01T00:00:00Z" } });

    const work = await validate();

    expect(work).toMatchObject({
      release: { release_id: "release-9" },
      state: {
        started_at: new Date(world.clock.now()).toISOString(),
        healthy: false,
        wait_for_detach: 0,
        services: { web: { healthy: false, stable: 0 } },
      },
    });
    expect(work).toMatchObject({ state: { uuid: expect.stringMatching(/^release-.*Z-[a-z]{7}$/) } });
  });

  it("takes a document for the same whatever the order of its keys, and with another task", async () => {
    const { validate, world, id, document } = setUp();
    world.memory.documents.set(id, Object.fromEntries(Object.entries(document).reverse()));

    expect(await validate({ document: { ...document, Task: "Validate" } })).toMatchObject({
      release: { release_id: id },
    });
  });

  it.each<[string, unknown]>([
    ["another value", { changes: { ami: "other" } }],
    ["a default that is said", { changes: { timeout: 600 } }],
    ["no object", "stored"],
    ["a list", []],
    ["null", null],
  ])("refuses a second channel with %s", async (_, stored) => {
    const { validate, world, id, document } = setUp();
    const isChange = typeof stored === "object" && stored !== null && "changes" in stored;
    world.memory.documents.set(id, isChange ? { ...document, ...Object(stored.changes) } : stored);

    expect(await validate()).toMatch(/^BadReleaseError: /);
  });

  it("refuses a release that is not in its bucket", async () => {
    const { validate, world } = setUp();
    world.memory.documents.clear();

    expect(await validate()).toMatch(/^BadReleaseError: Release\(release-9\) Error: There is no document of it in /);
  });

  it.each(["loadDocument", "loadUserData"] as const)("refuses what cannot be read by %s", async (what) => {
    const { validate, world } = setUp();
    Object.assign(world.memory, { [what]: () => Promise.reject(new Error("Access Denied")) });

    expect(await validate()).toMatch(/^BadReleaseError: .*: Access Denied$/);
  });

  it("refuses user data that is not there, or another one than the document says", async () => {
    const { validate, world, id } = setUp();
    world.memory.userData.set(id, `${USER_DATA}# more`);
    const other = await validate();
    world.memory.userData.clear();

    expect(other).toMatch(
      /^BadReleaseError: Release\(release-9\) Error: The user data has the SHA-256 [0-9a-f]{64}, and/,
    );
    expect(await validate()).toMatch(/^BadReleaseError: Release\(release-9\) Error: There is no user data of it in /);
  });

  it("refuses user data that EC2 would not take, before anything is locked", async () => {
    const { validate } = setUp({ userData: "x".repeat(16_385) });

    expect(await validate()).toBe(
      "BadReleaseError: Release(release-9) Error: Service(web) Error: The user data has 16385 bytes with its values put in, and EC2 takes 16384. Load the rest from a bucket.",
    );
  });

  it("warns of what looks like a secret", async () => {
    const { validate, world } = setUp({ userData: "PASSWORD=correct-horse" });
    await validate();

    expect(world.lines).toEqual([
      "warning: Line 1 of the user data looks like a password or token. Others can read it: load it when the server boots.",
    ]);
  });

  it("tells the class of what cannot be decoded", async () => {
    const { validate, document } = setUp();

    expect(await validate({ document: { ...document, timeout: "600" } })).toMatch(/^UnmarshalError: /);
    expect(await validate({ document: { ...document, timeout: 172_801 } })).toMatch(/^BadReleaseError: /);
  });

  it("hashes seed documents without what they do not know", async () => {
    const { deps, memory, clock } = createReleaseWorld({ constants: PRESETS["step-asg-deployer"] });
    const document = aSeedDocument({ "/release_id": "r9", "/created_at": new Date(clock.now()).toISOString() });
    memory.documents.set("r9", { ...document, unknown: 1 });

    expect(await validate(deps, { document })).toMatchObject({ release: { release_id: "r9" } });
  });
});
