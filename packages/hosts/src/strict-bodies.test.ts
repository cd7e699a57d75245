import { describe, expect, it } from "vitest";
import { createGitHub } from "./github/create-github.ts";
import { createGitLab } from "./gitlab/create-gitlab.ts";

const place = { repository: { id: "7", fullName: "acme/shop" }, number: 1 };

describe.each(["github", "gitlab"] as const)("what is sent to %s", (type) => {
  it("Reported: activepieces#13965: has no NUL and no half of a character, for which hosts answer 400", async () => {
    const bodies: unknown[] = [];
    const fetch: typeof globalThis.fetch = async (_, init) => {
      bodies.push(init?.body);
      return Response.json({ id: 1, body: "" }, { status: 201 });
    };
    const input = { token: "t", now: () => 0, fetch };
    const host =
      type === "github" ? createGitHub(input) : createGitLab({ ...input, hookPath: "/hooks", readsAll: false });

    await host.reports?.createComment(place, "**a** \ud83d \0 😀 \\ud83d");

    expect(bodies.map((body) => JSON.parse(String(body)))).toEqual([{ body: "**a** \ufffd \ufffd 😀 \\ud83d" }]);
  });
});
