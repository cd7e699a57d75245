import { describe, expect, it } from "vitest";
import type { PublishedArtifact } from "../announce/announcer.ts";
import { createDistributorWorld } from "../testing/a-distributor-world.ts";
import { rememberPublished } from "./remember-published.ts";

async function createCounted(answers: readonly (PublishedArtifact | Error | undefined)[] = []) {
  const artifact = await createDistributorWorld().publish({ version: "1" });
  const asked: string[] = [];
  const load = rememberPublished(async (name, version) => {
    asked.push(`${name}@${version}`);
    const answer = answers[asked.length - 1];
    if (answer instanceof Error) throw answer;
    return asked.length <= answers.length ? answer : artifact;
  });
  return { artifact, asked, load };
}

describe("rememberPublished", () => {
  it("asks once for many at the same time, and later", async () => {
    const { artifact, asked, load } = await createCounted();

    const loaded = await Promise.all([load("a", "1"), load("a", "1")]);

    expect([...loaded, await load("a", "1")]).toEqual([artifact, artifact, artifact]);
    expect(asked).toEqual(["a@1"]);
  });

  it("asks again for what was not there, and after an error", async () => {
    const { artifact, load } = await createCounted([undefined, new Error("S3 does not answer.")]);

    expect(await load("a", "1")).toBeUndefined();
    await expect(load("a", "1")).rejects.toThrow("S3 does not answer.");
    expect(await load("a", "1")).toBe(artifact);
  });

  it("keeps the 20 that were used last", async () => {
    const { asked, load } = await createCounted();
    for (let version = 1; version <= 20; version += 1) await load("a", `${version}`);
    await load("a", "1");
    await load("a", "21");

    await load("a", "1");
    expect(asked).toHaveLength(21);
    await load("a", "2");
    expect(asked.at(-1)).toBe("a@2");
  });
});
