import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { defineExecutor, succeeded } from "@stackyard/core";
import type { AuditLine, MachineSource, NewApiToken } from "@stackyard/core/api";
import { createMachineSources } from "@stackyard/core/engine";
import { Type } from "typebox";
import { afterEach, describe, expect, it } from "vitest";
import { createTestYard, REVIEW_APP, type TestYard } from "./testing/test-yard.ts";

const PATH = "/v1/machines/review-app/source";
const folder = mkdtempSync(join(tmpdir(), "machine-source-"));
const file = join(folder, "review-app.yaml");

const script = defineExecutor({ name: "script", config: Type.Object({}), start: async () => succeeded({}) });
const executors = new Map([["script", script]]);

let yard: TestYard;
afterEach(() => yard.stop());

function start(source = REVIEW_APP) {
  writeFileSync(file, source);
  yard = createTestYard({ source, deps: { sources: createMachineSources({ folder, executors }) } });
  // It seals the audit log.
  yard.run();
}

describe("the source of a machine", () => {
  it.each([
    [{ stacks: ["web-"] }, 403],
    [{ machines: ["review-app"], stacks: ["web-"] }, 403],
    [{ machines: ["review-app"] }, 200],
    [{}, 200],
  ])("is replaced by maintainers of the whole machine only: %j", async (scope, status) => {
    start();
    const token: NewApiToken = await yard.json("/v1/tokens", { body: { name: "t", role: "maintainer", ...scope } });
    const { hash } = await yard.json<MachineSource>(PATH);
    const headers = { authorization: `Bearer ${token.token}` };

    const written = await yard.call(PATH, { headers, body: { source: `${REVIEW_APP}# mine\n`, expectedHash: hash } });

    expect(written.status).toBe(status);
    expect(readFileSync(file, "utf8") === REVIEW_APP).toBe(status === 403);
  });

  it("is read and replaced as it was written, and the change is audited", async () => {
    start();
    const before = await yard.json<MachineSource>(PATH);
    const source = `${REVIEW_APP}# mine\n`;

    const after = await yard.json<MachineSource>(PATH, { body: { source, expectedHash: before.hash } });

    expect(before).toMatchObject({ machine: "review-app", source: REVIEW_APP, origin: file, writable: true });
    expect(after).toMatchObject({ source, writable: true, problems: [] });
    expect(after.hash).not.toBe(before.hash);
    expect(readFileSync(file, "utf8")).toBe(source);
    await expect
      .poll(async () => {
        const { items } = await yard.json<{ items: AuditLine[] }>("/v1/audit?action=writeMachineSource");
        return items.map(({ outcome, on }) => [outcome, on]);
      })
      .toEqual([
        ["done", { machine: "review-app" }],
        ["begun", { machine: "review-app" }],
      ]);
  });

  it("is not replaced when it has changed, or has errors", async () => {
    start();
    const { hash } = await yard.json<MachineSource>(PATH);
    const wrong = REVIEW_APP.replace("state: IDLE", "state: NOWHERE");

    expect(await yard.json(PATH, { body: { source: wrong, expectedHash: hash } })).toMatchObject({
      status: 422,
      code: "MACHINE_INVALID",
      details: {
        problems: expect.arrayContaining([
          expect.objectContaining({ code: "advance-state-undefined", line: 6, column: expect.any(Number) }),
        ]),
      },
    });
    writeFileSync(file, `${REVIEW_APP}# theirs\n`);
    expect(await yard.json(PATH, { body: { source: REVIEW_APP, expectedHash: hash } })).toMatchObject({
      status: 409,
      code: "RECORD_CONFLICT",
      details: { source: `${REVIEW_APP}# theirs\n`, hash: expect.stringMatching(/^[0-9a-f]{64}$/) },
    });
    expect(readFileSync(file, "utf8")).toBe(`${REVIEW_APP}# theirs\n`);
  });

  it("is replaced by one of ten who write at once, over three rounds; the others learn it, and lose nothing", async () => {
    start();
    for (let round = 0; round < 3; round += 1) {
      const { hash } = await yard.json<MachineSource>(PATH);
      const texts = Array.from({ length: 10 }, (_, index) => `${REVIEW_APP}# ${round} ${index}\n`);

      const answers = await Promise.all(
        texts.map((source) => yard.call(PATH, { body: { source, expectedHash: hash } })),
      );

      const statuses = answers.map(({ status }) => status);
      expect(statuses.toSorted()).toEqual([200, ...Array.from({ length: 9 }, () => 409)]);
      expect(readFileSync(file, "utf8")).toBe(texts[statuses.indexOf(200)]);
    }
  });

  // temporal#1913
  it("is replaced as a dry run has shown, or not at all", async () => {
    start();
    const events = ["web-1", "web-2"].map((stackId) => ({ event: "LAUNCH", stackId, machine: "review-app" }));
    await yard.call("/v1/events", { body: events.slice(0, 1) });
    await expect.poll(async () => (await yard.call("/v1/stacks/web-1")).status).toBe(200);
    const { hash: expectedHash } = await yard.json<MachineSource>(PATH);
    const body = { source: `${REVIEW_APP}# mine\n`, expectedHash };

    const { plan, source: shown } = await yard.json<MachineSource>(PATH, { body: { ...body, dryRun: true } });
    const other = await yard.call(PATH, { body: { ...body, source: `${REVIEW_APP}# other\n`, plan: plan?.digest } });
    await yard.call("/v1/events", { body: events.slice(1) });
    await expect.poll(async () => (await yard.call("/v1/stacks/web-2")).status).toBe(200);
    const stale = await yard.json(PATH, { body: { ...body, plan: plan?.digest } });
    const text = readFileSync(file, "utf8");
    const { plan: again } = await yard.json<MachineSource>(PATH, { body: { ...body, dryRun: true } });
    const written = await yard.call(PATH, { body: { ...body, plan: again?.digest } });

    expect(shown).toBe(REVIEW_APP);
    expect(plan).toMatchObject({ operation: "upgrade", total: 1, outcomes: [{ outcome: "applied", count: 1 }] });
    expect([other.status, text]).toEqual([409, REVIEW_APP]);
    expect(stale).toMatchObject({ status: 409, code: "PLAN_STALE" });
    expect([again?.total, written.status, readFileSync(file, "utf8")]).toEqual([2, 200, body.source]);
  });

  it("is replaced whatever stacks do that keep their revision", async () => {
    const pinned = REVIEW_APP.replace("version: 1", "version: 2").replace(
      /\[\{ action: advance, state: (\w+) \}\]/g,
      "$1",
    );
    start(pinned);
    await yard.call("/v1/events", { body: { event: "LAUNCH", stackId: "web-1", machine: "review-app" } });
    await expect.poll(async () => (await yard.call("/v1/stacks/web-1")).status).toBe(200);
    const { hash: expectedHash } = await yard.json<MachineSource>(PATH);
    const body = { source: `${pinned}# mine\n`, expectedHash };

    const { plan } = await yard.json<MachineSource>(PATH, { body: { ...body, dryRun: true } });
    await yard.call("/v1/events", { body: { event: "DEPLOY", stackId: "web-1" } });
    await expect.poll(async () => (await yard.json<{ entry: number }>("/v1/stacks/web-1")).entry).toBeGreaterThan(2);
    const written = await yard.call(PATH, { body: { ...body, plan: plan?.digest } });

    expect(plan?.outcomes).toEqual([expect.objectContaining({ outcome: "ignored", count: 1, follows: [] })]);
    expect(written.status).toBe(200);
  });

  it("of a server without a folder is that of the newest revision, and stays", async () => {
    yard = createTestYard();

    const { hash, ...found } = await yard.json<MachineSource>(PATH);

    expect(found).toMatchObject({ source: REVIEW_APP, writable: false });
    expect(await yard.json(PATH, { body: { source: REVIEW_APP, expectedHash: hash } })).toMatchObject({
      status: 404,
      code: "NOT_CONFIGURED",
      details: { hint: expect.any(String) },
    });
    expect(await yard.json("/v1/machines/other/source")).toMatchObject({ status: 404, code: "MACHINE_UNKNOWN" });
  });

  it("of a server without a folder is that of the newest document, also of one with errors", async () => {
    const wrong = REVIEW_APP.replace("state: IDLE", "state: NOWHERE");
    yard = createTestYard({ source: wrong });

    expect(await yard.json(PATH)).toMatchObject({
      source: wrong,
      writable: false,
      problems: expect.arrayContaining([expect.objectContaining({ code: "advance-state-undefined", line: 6 })]),
    });
  });

  it("is replaced by those only who may repair its machine", async () => {
    start();
    const { hash } = await yard.json<MachineSource>(PATH);
    const as = async (body: object) => {
      const { token } = await yard.json<NewApiToken>("/v1/tokens", { body });
      const headers = { authorization: `Bearer ${token}` };
      return yard.json(PATH, { body: { source: `${REVIEW_APP}# x\n`, expectedHash: hash }, headers });
    };

    expect(await as({ name: "a", role: "operator" })).toMatchObject({ status: 403, code: "FORBIDDEN" });
    expect(await as({ name: "b", role: "maintainer", machines: ["other"] })).toMatchObject({ status: 404 });
    expect(await as({ name: "c", role: "maintainer", machines: ["review-app"] })).toMatchObject({ writable: true });
    rmSync(file);
  });
});
