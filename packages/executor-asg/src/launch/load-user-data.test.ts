import { describe, expect, it } from "vitest";
import { aService, USER_DATA } from "../testing/a-release.ts";
import { createReleaseWorld } from "../testing/a-release-world.ts";
import { loadUserData } from "./load-user-data.ts";

describe("loadUserData", () => {
  it("renders one template for each service", async () => {
    const world = createReleaseWorld();
    const api = aService({ service_name: "api" });

    expect(await loadUserData(world.deps, world.work({ services: { web: aService(), api } }))).toEqual({
      api: "#!/bin/sh\necho api of release-2\n",
      web: "#!/bin/sh\necho web of release-2\n",
    });
  });

  it("takes what the document carries itself", async () => {
    const world = createReleaseWorld();
    const work = world.work({ user_data: "{{SERVICE_NAME}}" });
    world.memory.userData.clear();

    expect(await loadUserData(world.deps, work)).toEqual({ web: "web" });
  });

  it("wants the very bytes that were checked", async () => {
    const world = createReleaseWorld();
    const work = world.work();
    world.memory.userData.set("release-2", `${USER_DATA}\n`);

    await expect(loadUserData(world.deps, work)).rejects.toMatchObject({
      releaseCode: "RELEASE_HALTED",
      message: expect.stringMatching(/its SHA-256 is [0-9a-f]{64}, not 01adc580/),
    });
  });
});
