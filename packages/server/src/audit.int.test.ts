import { checkChain, parseLine } from "@stackyard/core/access";
import type { AuditHead, AuditLine, NewApiToken } from "@stackyard/core/api";
import { afterEach, describe, expect, it, vi } from "vitest";
import { eventually } from "./testing/eventually.ts";
import { createTestYard, type TestYard, type TestYardOptions } from "./testing/test-yard.ts";

let yard: TestYard;
afterEach(() => yard.stop());

interface Listed {
  readonly items: readonly AuditLine[];
  readonly cursor?: string;
}

/** A yard in which an operator's event was applied, one was refused, and its lines are sealed. */
async function openWithLines(options: TestYardOptions = {}): Promise<void> {
  yard = createTestYard(options);
  yard.run();
  await yard.call("/v1/events", { body: { stackId: "pr-1", event: "LAUNCH", machine: "review-app" } });
  await eventually(async () => {
    expect(await yard.json("/v1/stacks/pr-1")).toMatchObject({ state: "IDLE" });
  });
  await yard.call("/v1/stacks/pr-1/cancel", { body: { task: "create" } });
  await yard.call("/v1/stacks/pr-1/remove", { body: { force: true, reason: "over" } });
  await waitForLine("REMOVE_STACK");
}

const list = (query = "") => yard.json<Listed>(`/v1/audit${query}`);

async function waitForLine(action: string): Promise<AuditLine> {
  return vi.waitFor(
    async () => {
      const [line] = (await list(`?action=${action}`)).items;
      if (line === undefined) throw new Error("It is not sealed yet.");
      return line;
    },
    { timeout: 20_000, interval: 100 },
  );
}

describe("/v1/audit", () => {
  it("lists who did what, newest first, with filters", async () => {
    await openWithLines();

    const { items } = await list("?stack=pr-1");

    const who = { kind: "token", id: "configured:tester", name: "tester", groups: [] };
    expect(items.map(({ action, outcome, code }) => [action, outcome, code])).toEqual([
      ["REMOVE_STACK", "done", undefined],
      ["CANCEL_TASK", "failed", expect.any(String)],
    ]);
    expect(items[0]).toMatchObject({ who, via: "api", reason: "over", on: { machine: "review-app", stackId: "pr-1" } });
    expect(items[0]?.who.requestId).toEqual(expect.any(String));
    expect((await list("?who=tester&action=CANCEL_TASK")).items).toEqual([items[1]]);
    expect((await list("?who=unknown")).items).toEqual([]);
    expect((await list(`?stack=pr-1&since=${items[0]?.at}`)).items).toEqual([items[0]]);
    expect((await list("?since=2999-01-01T00:00:00Z")).items).toEqual([]);
  });

  it("pages to the first line", async () => {
    await openWithLines();
    const seen: number[] = [];

    for (
      let page = await list("?stack=pr-1&limit=1");
      ;
      page = await list(`?stack=pr-1&limit=1&cursor=${page.cursor}`)
    ) {
      seen.push(...page.items.map(({ seq }) => seq));
      if (page.cursor === undefined) break;
    }

    expect(seen).toEqual(seen.toSorted((a, b) => b - a));
    expect(seen.length).toBe(2);
  });

  it("exports the text of each line, whose hashes make a chain up to the head", async () => {
    await openWithLines();
    const head = await yard.json<AuditHead>("/v1/audit/head");

    const response = await yard.call("/v1/audit/export");

    const texts = (await response.text()).trimEnd().split("\n");
    const check = checkChain(head, Date.now());
    for (const text of texts) check.add(text);
    expect(response.headers.get("content-type")).toBe("application/x-ndjson");
    expect(check.end()).toMatchObject({ kind: "whole", first: 1 });
    expect(texts.map((text) => parseLine(text)?.seq)).toEqual(texts.map((_, index) => index + 1));
  });

  it("names a line that was removed from the store", async () => {
    await openWithLines();
    const { records } = yard.store;
    const now = yard.clock.now();
    const [line] = (await records.list("audit/log/", { limit: 1, now })).items;
    const head = await yard.json<AuditHead>("/v1/audit/head");
    await records.remove(line?.key ?? "", line?.version ?? 0);

    const check = checkChain(head, Date.now());
    for (const text of (await (await yard.call("/v1/audit/export")).text()).trimEnd().split("\n")) check.add(text);

    expect(check.end()).toEqual({ kind: "broken", fault: { kind: "removed", seq: 1 } });
  });

  it("leaves a line for each read of lines", async () => {
    await openWithLines();

    await yard.call("/v1/audit/export");

    expect(await waitForLine("exportAudit")).toMatchObject({ outcome: "done", who: { name: "tester" } });
    expect(await waitForLine("listAudit")).toMatchObject({ outcome: "done" });
  });

  it("requires the permission, and rejects unknown parameters", async () => {
    await openWithLines();
    const { token } = await yard.json<NewApiToken>("/v1/tokens", { body: { name: "ops", role: "maintainer" } });
    const as = { headers: { authorization: `Bearer ${token}` } };

    for (const path of ["/v1/audit", "/v1/audit/export", "/v1/audit/head"]) {
      const denied = await yard.call(path, as);
      expect([denied.status, ((await denied.json()) as { code: string }).code], path).toEqual([403, "FORBIDDEN"]);
      expect((await yard.call(path, { headers: { authorization: "" } })).status, path).toBe(401);
    }
    for (const query of ["?since=yesterday", "?cursor=x", "?who=", "?nope=1", "?limit=0"]) {
      const refused = await yard.call(`/v1/audit${query}`);
      expect([refused.status, ((await refused.json()) as { code: string }).code], query).toEqual([400, "USAGE"]);
    }
  });

  it("answers 503 and shows nothing when the read cannot be recorded", async () => {
    await openWithLines();
    const put = vi.spyOn(yard.store.records, "put").mockRejectedValue(new Error("disk full"));

    const answers = [await yard.call("/v1/audit"), await yard.call("/v1/audit/export")];

    put.mockRestore();
    expect(answers.map(({ status }) => status)).toEqual([503, 503]);
    expect(await answers[1]?.text()).not.toContain("REMOVE_STACK");
  });
});
