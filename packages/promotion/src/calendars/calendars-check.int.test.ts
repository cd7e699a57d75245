import { mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runCommand } from "@stackyard/core/testing";
import { describe, expect, it } from "vitest";
import { createCalendarsCheck } from "./calendars-check.ts";

const OFFICE = 'version: 1\nzone: Europe/Berlin\nopen: [{ days: mon-thu, from: "09:00", to: "16:00" }]\n';
const NOW = Date.parse("2026-11-26T12:00:30Z");

async function check(source: string | Buffer, args: object = {}) {
  const cwd = await mkdtemp(join(tmpdir(), "calendars-"));
  await writeFile(join(cwd, "office.yaml"), source);
  return runCommand([createCalendarsCheck(() => NOW)], "calendars check", { file: "office.yaml", ...args }, { cwd });
}

describe("calendars check", () => {
  it("prints whether it is open, until when, and the next times, with the offset of the zone", async () => {
    const { text, value, exitCode } = await check(OFFICE, { count: 2 });

    expect(text.split("\n")).toEqual([
      "ok    office.yaml  Europe/Berlin",
      "Open at Thu 2026-11-26 13:00 +01:00; closes at Thu 2026-11-26 16:00 +01:00, in 3h.",
      "Open:",
      "  Thu 2026-11-26 13:00 +01:00  to  Thu 2026-11-26 16:00 +01:00",
      "  Mon 2026-11-30 09:00 +01:00  to  Mon 2026-11-30 16:00 +01:00",
    ]);
    expect({ ...value, exitCode }).toMatchObject({
      valid: true,
      isOpen: true,
      zone: "Europe/Berlin",
      changesAt: "2026-11-26T16:00:00+01:00",
      exitCode: 0,
    });
  });

  it.each([
    ["2026-11-26T15:01:00Z", "3d 16h 59m"],
    ["2026-11-29T10:13:00Z", "21h 47m"],
    ["2026-11-30T07:59:30Z", "1m"],
    ["2026-11-28T08:00:00Z", "2d"],
  ])("prints how long it is until then in the units of people: at %s, %s", async (at, wait) => {
    expect((await check(OFFICE, { at, count: 1 })).text).toContain(` +01:00, in ${wait}.`);
  });

  it("prints what is open at another instant: it keeps the hours of the wall over a clock change (argo-cd#17750)", async () => {
    const { value } = await check(OFFICE, { at: "2026-10-22T20:00:00Z", count: 2, zone: "Europe/London" });

    expect(value["open"]).toEqual([
      { from: "2026-10-26T09:00:00+00:00", to: "2026-10-26T16:00:00+00:00" },
      { from: "2026-10-27T09:00:00+00:00", to: "2026-10-27T16:00:00+00:00" },
    ]);
  });

  it("prints every problem with its line and ends with a code", async () => {
    const { text, value, exitCode } = await check(OFFICE.replace("09:00", "6-24"));

    expect(text).toContain("FAIL  office.yaml\n  3:");
    expect(value).toMatchObject({ valid: false, problems: [{ line: 3, code: "invalid-value" }] });
    expect(exitCode).toBe(3);
  });

  it("finds the place of what is not UTF-8", async () => {
    const { value, exitCode } = await check(Buffer.from(OFFICE.replace("09:00", "\xe909:00"), "latin1"));

    expect([exitCode, value]).toMatchObject([3, { problems: [{ line: 3, code: "not-utf8" }] }]);
  });

  it("needs a zone where each stack has its own, and refuses an unknown one", async () => {
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the placeholder of calendars
    const perStack = OFFICE.replace("Europe/Berlin", '"${stack.metadata.zone}"');

    await expect(check(perStack)).rejects.toThrow("Name one with --zone.");
    await expect(check(OFFICE, { zone: "Mars" })).rejects.toThrow('Unknown time zone "Mars".');
    await expect(check(OFFICE, { at: "2026-12-24" })).rejects.toThrow("--at must be an instant with an offset");
    await expect(check(OFFICE, { file: "missing.yaml" })).rejects.toMatchObject({ code: "ENOENT" });
    await expect(check(OFFICE, { file: "." })).rejects.toMatchObject({ code: "EISDIR" });
    expect((await check(perStack, { zone: "Asia/Tokyo" })).value).toMatchObject({ isOpen: false });
  });
});
