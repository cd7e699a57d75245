import { describe, expect, it } from "vitest";
import type { CodeHost } from "./code-host.ts";
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

  it("Reported: elie222/rakazo#416: splits no character of a check's title, whatever its length", async () => {
    const sent: string[] = [];
    const host = open(type, async (_, { method, body } = {}) => {
      if (method !== "POST") return Response.json([]);
      sent.push(JSON.parse(String(body)).description);
      return Response.json({ id: 1 }, { status: 201 });
    });
    const check = { name: "Preview", head: "a".repeat(40), summary: "", conclusion: "success", actions: [] } as const;
    const titles = [138, 139, 140, 253, 254, 255].map((length) => `${"x".repeat(length)}😀😀`);

    for (const title of titles) await host.reports?.createCheck(place, { ...check, title });

    expect(sent).toHaveLength(titles.length);
    expect(sent.filter((text) => text.includes("\ufffd") || !text.isWellFormed() || text.length > 255)).toEqual([]);
  });
});

function open(type: "github" | "gitlab", fetch: typeof globalThis.fetch): CodeHost {
  const input = { token: "t", now: () => 0, fetch };
  return type === "github" ? createGitHub(input) : createGitLab({ ...input, hookPath: "/hooks", readsAll: false });
}
