import { describe, expect, it } from "vitest";
import type { PublishedArtifact } from "./fan-out.ts";
import { rememberPublished } from "./published-versions.ts";
import { createDistributorWorld } from "./testing/a-distributor-world.ts";

async function createCounted(answers: readonly (PublishedArtifact | Error)[] = []) {
  const artifact = await createDistributorWorld().publish({ version: "1" });
  const asked: string[] = [];
  const remember = rememberPublished(async ({ distributionId }) => {
    asked.push(distributionId);
    const answer = answers[asked.length - 1];
    if (answer instanceof Error) throw answer;
    return answer ?? artifact;
  });
  const load = (distributionId: string) => remember({ distributionId });
  return { artifact, asked, load };
}

describe("rememberPublished", () => {
  it("asks once for many at the same time, and later", async () => {
    const { artifact, asked, load } = await createCounted();

    const loaded = await Promise.all([load("d-1"), load("d-1")]);

    expect([...loaded, await load("d-1")]).toEqual([artifact, artifact, artifact]);
    expect(asked).toEqual(["d-1"]);
  });

  it("asks again after an error", async () => {
    const { artifact, load } = await createCounted([new Error("S3 does not answer.")]);

    await expect(load("d-1")).rejects.toThrow("S3 does not answer.");
    expect(await load("d-1")).toBe(artifact);
  });

  it("keeps the 20 that were used last", async () => {
    const { asked, load } = await createCounted();
    for (let version = 1; version <= 20; version += 1) await load(`d-${version}`);
    await load("d-1");
    await load("d-21");

    await load("d-1");
    expect(asked).toHaveLength(21);
    await load("d-2");
    expect(asked.at(-1)).toBe("d-2");
  });
});
