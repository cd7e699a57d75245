import { beforeAll, describe, expect, it } from "vitest";
import { findArtifact, play, type StoryEnd } from "./story.ts";

describe("the demo", () => {
  const lines: string[] = [];
  let end: StoryEnd;
  beforeAll(async () => {
    end = await play((_at, line) => void lines.push(line));
  }, 60_000);

  const idOf = (name: string) => [...end.names].find(([, each]) => each === name)?.[0] ?? "";

  it("configures both groups from a commit, and reports the number of instances to the pipeline", () => {
    expect(end.releases[0]).toMatchObject({
      status: "Succeeded",
      variables: { Selected: "3", Succeeded: "3", Failed: "0", RunId: end.releases[0]?.runId },
    });
  });

  it("reports a broken commit, with the instances that failed", () => {
    const { status, message = "" } = end.releases[1] ?? {};

    expect(status).toBe("Failed");
    expect(message).toMatch(/^COMMAND_FAILED: /);
    expect(message).toMatch(new RegExp(`${idOf("web-1")}|${idOf("web-2")}|${idOf("web-3")}`));
    expect(message).not.toContain(idOf("other"));
  });

  it("is green again with the next one, on every instance that has started since", () => {
    expect(end.releases[2]).toMatchObject({ status: "Succeeded", variables: { Selected: "5", Succeeded: "5" } });
    expect(["web-1", "web-2", "web-3", "web-4", "db-1"].map((name) => findArtifact(end.world, idOf(name)))).toEqual([
      ...["c3", "c3", "c3", "c3", "c3"],
    ]);
  });

  it("configures an instance that starts once, when its agent has come, with what has last succeeded", () => {
    expect(lines).toContain("web-3 got 1 command; the instance without the tag got none.");
    expect(lines).toContain("It was configured with c1, the last that has succeeded.");
  });

  it("never touches an instance without the tag", () => {
    const sent = end.world.yard.sim.calls.filter(({ operation }) => operation === "SSM.SendCommand");

    for (const name of ["other", "stray"]) expect(JSON.stringify(sent)).not.toContain(idOf(name));
  });

  it("breaks no promise of the yard", async () => {
    expect(await end.world.yard.findViolations()).toEqual([]);
  });
});
