import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { ACTS, type Played, play } from "./play.ts";

// Plays `npm run demo:artifacts` of the README and of artifacts.md.
describe("the demo", () => {
  const lines: string[] = [];
  let played: Played;
  beforeAll(async () => {
    played = await play((line) => void lines.push(line));
  }, 240_000);

  it("finds nothing that is not as it should be", () => {
    expect(played.faults).toEqual([]);
  });

  it("prints every act and its result", () => {
    for (const { title } of ACTS) {
      expect(lines[lines.indexOf(title) + 1]).toMatch(/^ {2}\S/);
    }
  });

  it("prints what the README shows", () => {
    const readme = readFileSync(join(import.meta.dirname, "../README.md"), "utf8");
    const [, shown = "nothing"] = /```text\n([\s\S]*?)```/.exec(readme) ?? [];
    const printed = withoutTimes(lines.join("\n"));

    for (const part of shown.split("…\n")) expect(printed).toContain(withoutTimes(part.trimEnd()));
  });

  it("ends with every version where it should be", () => {
    const statuses = played.rows.flatMap(({ cells }) => cells.map(({ status }) => status));

    expect(played.rows.map(({ covered }) => covered)).toEqual(played.rows.map(({ retired }) => !retired));
    // The page that was written over.
    expect(played.rows.filter(({ retired }) => retired)).toMatchObject([{ name: "site/dev/index.html", version: "7" }]);
    expect(new Set(statuses)).toEqual(new Set(["stored", "present"]));
    expect(played.files).toBe(35);
  });

  it("rolls each version out once, when it stands everywhere", () => {
    const versions = played.rows.map(({ name, version }) => `${name.replaceAll("/", "-")}@${version}`);

    expect(played.rolledOut.toSorted()).toEqual(versions.toSorted());
  });

  it("shows no signed URL", () => {
    expect(lines.join("\n")).not.toMatch(/X-Amz-|Signature=/);
  });
});

/** On a busy machine more virtual time passes while a file is copied. */
function withoutTimes(text: string): string {
  return text.replaceAll(/ (at once|after \d+ (s|min))\./g, " in time.");
}
